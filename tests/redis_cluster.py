"""A real cluster of three nodes, of Debian's redis-server, on this machine."""

import contextlib
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from redis.cluster import RedisCluster

from tests.services import free_port, wait_until

PROGRAM = "/usr/bin/redis-server"
NO_CLUSTER = "A cluster needs /usr/bin/redis-server (Debian: apt-get install redis-server)."
SLOTS = 16_384


@contextlib.contextmanager
def three_nodes(folder: Path) -> Iterator[str]:
    """Its address, as REDIS_URL has it."""
    if shutil.which(PROGRAM) is None:
        pytest.skip(NO_CLUSTER)
    ports = [free_port() for _ in range(3)]
    processes = [_start(folder, port) for port in ports]
    try:
        for port in ports:
            wait_until(lambda port=port: _answers(port), "a node answers")
        _join(ports)
        wait_until(lambda: _is_whole(ports), "the cluster is whole")
        yield f"redis+cluster://127.0.0.1:{ports[0]}"
    finally:
        for process in processes:
            process.kill()
            process.wait()


def _start(folder: Path, port: int) -> subprocess.Popen[bytes]:
    home = folder / str(port)
    home.mkdir()
    options = ["--port", str(port), "--bind", "127.0.0.1", "--dir", str(home), "--save", "", "--cluster-enabled", "yes"]
    bus = ["--cluster-port", str(free_port()), "--cluster-node-timeout", "2000"]
    return subprocess.Popen([PROGRAM, *options, *bus], stdout=subprocess.DEVNULL)


def _answers(port: int) -> bool:
    with contextlib.suppress(redis.RedisError), contextlib.closing(_client(port)) as client:
        return bool(client.ping())
    return False


def _join(ports: list[int]) -> None:
    bounds = [SLOTS * index // 3 for index in range(4)]
    for index, port in enumerate(ports):
        with contextlib.closing(_client(port)) as client:
            client.execute_command("CLUSTER ADDSLOTSRANGE", bounds[index], bounds[index + 1] - 1)
            client.execute_command("CLUSTER SET-CONFIG-EPOCH", index + 1)
    with contextlib.closing(_client(ports[0])) as first:
        for port in ports[1:]:
            bus = _client(port).config_get("cluster-port")["cluster-port"]
            first.execute_command("CLUSTER MEET", "127.0.0.1", port, bus)


def _is_whole(ports: list[int]) -> bool:
    with contextlib.suppress(redis.RedisError, redis.exceptions.RedisClusterException):
        if all(_client(port).cluster("info")["cluster_state"] == "ok" for port in ports):
            RedisCluster(host="127.0.0.1", port=ports[0]).close()
            return True
    return False


def _client(port: int) -> Any:
    """Untyped, since the client's own calls for commands without a method of theirs are."""
    return redis.Redis(port=port)
