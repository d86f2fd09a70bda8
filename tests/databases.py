"""The PostgreSQL servers of tests, and their databases: each a copy of one that was migrated once."""

import atexit
import contextlib
import fcntl
import functools
import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import flask_migrate
import psycopg

from core.db import db
from core.logins import EMBEDDED_WEB_LOGIN, ensure_web_login
from core.settings import Settings
from local import embedded
from wsgi import create_app

ROOT = Path(__file__).parent.parent
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "main")
"""Which of several processes that run tests side by side this is."""
MEMORY = Path("/dev/shm")  # noqa: S108  each worker makes a folder of its own in it
MEMORY_NEEDED_B = 4_000_000_000
TEMPLATE = "aig_template"
"""On each server: a migrated database that nobody connects to. The others are copies of it."""
STOCK = ROOT / "var" / "tests" / "stock"
"""The data of a server that nobody starts. All others begin as copies of it."""


@functools.cache
def start_server(name: str) -> Any:
    """An embedded PostgreSQL of this worker's own, with the template.

    Tests make hundreds of databases of a thousand files each, so it keeps its data in memory where a machine has room
    for that, and leaves nothing there.
    """
    place = ROOT / "var" / name / WORKER
    if os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > MEMORY_NEEDED_B:
        place = MEMORY / f"aig-{hashlib.sha256(bytes(place)).hexdigest()[:12]}"
        atexit.register(shutil.rmtree, place, ignore_errors=True)  # after the server, which stops at exit as well
    _copy(_stock(), embedded.place_for(place))
    return embedded.start(place)


def _stock() -> Path:
    """Made by the first that asks, and again when a migration or the server's version is another."""
    pinned = [ROOT / "requirements.txt", *sorted((ROOT / "migrations").rglob("*.py"))]
    version = hashlib.sha256(b"".join(path.read_bytes() for path in pinned)).hexdigest()
    STOCK.mkdir(parents=True, exist_ok=True)
    data, note = embedded.place_for(STOCK), STOCK / "version"
    with (STOCK / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not note.exists() or note.read_text() != version:
            note.unlink(missing_ok=True)
            shutil.rmtree(data, ignore_errors=True)
            _make_template(embedded.start(STOCK))
            note.write_text(version)
    return data


def _make_template(server: Any) -> None:
    with psycopg.connect(embedded.url(server), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{TEMPLATE}"'.encode())
    migrate(database_url(embedded.url(server), TEMPLATE))
    server.cleanup_mode = None
    server.stop()


def _copy(stock: Path, data: Path) -> None:
    """With its owner, who is another user where we are root; in place of what a test run that was killed left."""
    shutil.rmtree(data, ignore_errors=True)
    data.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["cp", "--archive", str(stock), str(data)], check=True)
    for users in data.glob(".handle_pids.json*"):
        users.unlink()


def forget_at_power_loss(server_url: str) -> None:
    """Spares a server of tests the waits for its disk, and upkeep: processes are killed here, machines are not."""
    with psycopg.connect(server_url, autocommit=True) as connection:
        for setting in ("fsync", "full_page_writes", "synchronous_commit", "autovacuum"):
            connection.execute(f"ALTER SYSTEM SET {setting} = off".encode())
        connection.execute("SELECT pg_reload_conf()")


@contextlib.contextmanager
def fresh_database(server_url: str, name: str, *, template: str = TEMPLATE) -> Iterator[str]:
    """A database that is dropped afterwards."""
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'.encode())
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY FILE_COPY'.encode())
    try:
        yield database_url(server_url, name)
    finally:
        with psycopg.connect(server_url, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())
            connection.execute("VACUUM pg_catalog.pg_shdepend")  # else each copy searches what all before have left


def migrate(url: str) -> None:
    app = create_app(Settings(database_url=url))
    with app.app_context():
        flask_migrate.upgrade(directory=str(ROOT / "migrations"))
        db.engine.dispose()


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
