"""Real PostgreSQL and Redis; each test in a transaction that is rolled back, or on a database of its own."""

import gc
import os
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import pytest
from argon2 import PasswordHasher
from flask import Flask
from sqlalchemy import Connection

import api
from api.checks.distinct_values import DistinctValues
from api.checks.reading import Reader
from api.free_text import FreeTextNotices
from api.limits.memory import MemoryLimiter
from api.readiness import ReadinessProbe
from api.recording.idempotency import KeyedRecorder, KeyedSink, PendingKeys
from api.recording.postgres import PostgresSink
from api.recording.recorder import Recorder
from api.recording.spool import Spool
from api.runtime import Runtime, runtime
from api.snapshots.store import Snapshots
from api.usage.limit_minutes import LimitMinutes
from api.usage.request_counts import RequestCounts
from core import passwords
from core.db import db, forget_scope
from core.settings import Durability, Settings
from core.throttle import limiter
from local import embedded
from tests import compiled_urls
from tests.cast import Caller, Member, organization_with_key
from tests.databases import WORKER, forget_at_power_loss, fresh_database, start_server
from tests.people import CHEAP_HASHER
from tests.reports import Reports, kept_reports
from tests.services import RedisServer
from wsgi import create_app

TESTS = Path(__file__).parent
REAL = frozenset({"live_url", "live_app", "redis_server", "store", "place"})
"""What starts processes or copies databases."""
LONGEST_FIRST = ("tests/journeys/", "tests/faults/", "tests/backups/", "tests/contract/")


compiled_urls.compile_once()


def pytest_xdist_auto_num_workers() -> int:
    """Twice as many as there are cores: much of the time is spent waiting."""
    return 2 * (os.cpu_count() or 1)


@pytest.hookimpl(trylast=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Asserts are rewritten once for all workers: each begins with its share of the modules, and finds others done."""
    work = getattr(session.config, "workerinput", None)
    if work is None or session.config.args != session.config.getini("testpaths"):
        return
    modules = sorted(TESTS.rglob("test_*.py"))[int(WORKER.removeprefix("gw")) :: work["workercount"]]
    for path in modules:
        with suppress(Exception, pytest.skip.Exception):  # what is wrong with it is told when it is collected
            import_module(".".join(path.relative_to(TESTS.parent).with_suffix("").parts))


def pytest_itemcollected(item: pytest.Item) -> None:
    if item.nodeid.startswith(LONGEST_FIRST) or REAL & {*getattr(item, "fixturenames", ())}:
        item.add_marker("slow")
    if "server_url" in getattr(item, "fixturenames", ()):
        item.add_marker("database")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """After they were shuffled: what takes longest begins first, so that no worker ends long after the others.

    What shares a service comes in a row.
    """
    items.sort(key=lambda item: next((n for n, part in enumerate(LONGEST_FIRST) if item.nodeid.startswith(part)), 99))


def pytest_collection_finish() -> None:
    """Half a million objects stay until the end: no collection of garbage need search them again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def costly_hasher() -> Iterator[PasswordHasher]:
    """The one of the service. Tests log in by the thousand, and have a cheap one in its place."""
    costly = passwords._hasher
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_hasher", CHEAP_HASHER)
        patch.setattr(passwords, "_NOBODYS", CHEAP_HASHER.hash("a password that opens nothing"))
        yield costly


@pytest.fixture(scope="session")
def server_url() -> str:
    """A PostgreSQL server of the worker's own, on data of its own."""
    url = embedded.url(start_server("tests"))
    forget_at_power_loss(url)
    return url


@pytest.fixture(scope="session")
def migrated_url(server_url: str) -> Iterator[str]:
    with fresh_database(server_url, f"aig_tests_{WORKER}") as url:
        yield url


@pytest.fixture(scope="session")
def session_app(migrated_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    settings = Settings(
        database_url=migrated_url,
        data_dir=str(tmp_path_factory.mktemp("data")),
        metrics_token="a-token-for-metrics",
        cors_origins="https://app.example.com",
    )
    app = create_app(settings)
    app.testing = True
    limiter.enabled = False  # tests of the limits switch it on
    yield app
    with app.app_context():
        db.engine.dispose()


class SharedConnection:
    """The test's own connection, as the recorder and the snapshots see it: acting as itself, never closed."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._raw: Any = connection.connection.driver_connection
        self.closed = False

    def execute(self, query: str, params: Any = None, *, prepare: bool | None = None) -> Any:  # noqa: ARG002
        self._raw.execute("SELECT set_config('role', 'none', true)")
        forget_scope(self._connection)
        return self._raw.execute(query, params)

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def app(session_app: Flask, tmp_path: Path) -> Iterator[Flask]:
    """The app on a transaction that is rolled back after the test."""
    with session_app.app_context():
        engines = cast("dict[str | None, Any]", db.engines)
        engine = engines[None]
        connection = engine.connect()
        outer = connection.begin()
        engines[None] = connection
        options, db.session.session_factory.kw["join_transaction_mode"] = (
            dict(db.session.session_factory.kw),
            "create_savepoint",
        )
    shared = SharedConnection(connection)
    room = runtime(session_app)
    before = dict(vars(room))
    room.snapshots = Snapshots(lambda: shared, max_age_s=60)  # type: ignore[arg-type,return-value]
    room.limiter = MemoryLimiter()
    room.spool = Spool(tmp_path / "spool", max_bytes=10_000_000)
    room.recorder = room.batch_recorder = Recorder(
        PostgresSink(lambda: shared),  # type: ignore[arg-type,return-value]
        room.spool,
        durability=Durability.DATABASE,
    )
    room.keyed_recorder = KeyedRecorder(
        KeyedSink(lambda: shared),  # type: ignore[arg-type,return-value]
        room.spool,
        PendingKeys(tmp_path / "spool" / "keyed"),
        is_database_lost=lambda: False,
    )
    room.probe = ReadinessProbe(session_app.config["DATABASE_URL"])
    room.reader = Reader(DistinctValues())
    room.requests = RequestCounts(session_app.app_context)
    room.limit_minutes = LimitMinutes(session_app.app_context)
    room.free_text = FreeTextNotices(session_app.app_context, room.reader.values)
    yield session_app
    vars(room).update(before)
    with session_app.app_context():
        db.session.remove()
        db.session.session_factory.kw.clear()
        db.session.session_factory.kw.update(options)
        engines[None] = engine
    outer.rollback()
    connection.close()


@pytest.fixture
def room(app: Flask) -> Runtime:
    return runtime(app)


@pytest.fixture
def ada(app: Flask) -> Member:
    return organization_with_key(app, slug="ada-and-co")


@pytest.fixture
def cleo(app: Flask) -> Member:
    return organization_with_key(app, slug="cleo-ltd")


@pytest.fixture
def as_ada(app: Flask, ada: Member) -> Caller:
    return Caller(app.test_client(), ada.secret)


@pytest.fixture
def as_cleo(app: Flask, cleo: Member) -> Caller:
    return Caller(app.test_client(), cleo.secret)


@pytest.fixture
def as_nobody(app: Flask) -> Caller:
    return Caller(app.test_client(), None)


@pytest.fixture
def reports() -> Iterator[Reports]:
    """What would have gone to the error tracker."""
    with kept_reports() as kept:
        yield kept


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.kill()


@pytest.fixture
def live_url(server_url: str) -> Iterator[str]:
    """A database of the test's own, where commits are real."""
    with fresh_database(server_url, f"aig_live_{uuid4().hex[:10]}") as url:
        yield url


@pytest.fixture
def live_app(live_url: str, tmp_path: Path) -> Iterator[Flask]:
    """The app with its threads running, on a database of its own."""
    app = create_app(Settings(database_url=live_url, data_dir=str(tmp_path)))
    app.testing = True
    api.start(app)
    yield app
    api.stop(app)
    with app.app_context():
        db.engine.dispose()
