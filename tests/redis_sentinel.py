"""A Redis with a replica, and a Sentinel that puts the replica in its place."""

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from tests.services import NO_REDIS, free_port, redis_program, wait_until

NAME = "limits"


class Watched:
    def __init__(self, folder: Path, program: str) -> None:
        self.primary_port, self.replica_port, self.sentinel_port = (free_port() for _ in range(3))
        self.url = f"redis+sentinel://127.0.0.1:{self.sentinel_port}/{NAME}"
        plain = ["--save", "", "--bind", "127.0.0.1"]
        self.primary = start(program, folder, self.primary_port, *plain)
        follows = ["--replicaof", "127.0.0.1", str(self.primary_port), "--repl-diskless-sync-delay", "0"]
        replica = start(program, folder, self.replica_port, *plain, *follows)
        settings = folder / "sentinel.conf"
        settings.write_text(
            f"sentinel monitor {NAME} 127.0.0.1 {self.primary_port} 1\n"
            f"sentinel down-after-milliseconds {NAME} 500\nsentinel failover-timeout {NAME} 2000\n"
        )
        sentinel = subprocess.Popen(
            [program, str(settings), "--sentinel", "--port", str(self.sentinel_port), "--bind", "127.0.0.1"],
            cwd=folder,
            stdout=subprocess.DEVNULL,
        )
        self.processes = (self.primary, replica, sentinel)

    def knows_the_replica(self) -> bool:
        with contextlib.suppress(redis.RedisError), contextlib.closing(redis.Redis(port=self.sentinel_port)) as client:
            return bool(client.sentinel_slaves(NAME))
        return False


def start(program: str, folder: Path, port: int, *options: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([program, "--port", str(port), *options], cwd=folder, stdout=subprocess.DEVNULL)


@contextlib.contextmanager
def watched_redis(folder: Path) -> Iterator[Watched]:
    program = redis_program()
    if program is None:
        pytest.skip(NO_REDIS)
    watched = Watched(folder, program)
    try:
        wait_until(watched.knows_the_replica, "the Sentinel knows of the replica")
        yield watched
    finally:
        for process in watched.processes:
            process.kill()
            process.wait()
