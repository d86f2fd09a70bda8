"""Real PostgreSQL and Redis; each test in a transaction that is rolled back, or on a database of its own."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import pytest
from flask import Flask

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
from core.db import db
from core.settings import Durability, Settings
from core.throttle import limiter
from local import embedded
from tests.cast import Caller, Member, organization_with_key
from tests.reports import Reports, kept_reports
from tests.services import ROOT, WORKER, RedisServer, forget_at_power_loss, fresh_database
from wsgi import create_app

REAL = frozenset({"live_url", "live_app", "redis_server", "cluster", "store", "place"})
"""What starts processes or copies databases."""
LONGEST_FIRST = ("tests/journeys/", "tests/faults/", "tests/backups/", "tests/contract/")


def pytest_xdist_auto_num_workers() -> int:
    """Twice as many as there are cores: much of the time is spent waiting."""
    return 2 * (os.cpu_count() or 1)


def pytest_itemcollected(item: pytest.Item) -> None:
    if item.nodeid.startswith(LONGEST_FIRST) or REAL & {*getattr(item, "fixturenames", ())}:
        item.add_marker("slow")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """After they were shuffled: what takes longest begins first, so that no worker ends long after the others.

    What shares a service comes in a row.
    """
    items.sort(key=lambda item: next((n for n, part in enumerate(LONGEST_FIRST) if item.nodeid.startswith(part)), 99))


@pytest.fixture(scope="session")
def server_url() -> str:
    """A PostgreSQL server: TEST_DATABASE_URL, or an embedded one of the worker's own, on data of its own."""
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        return given
    url = embedded.url(embedded.start(ROOT / "var" / "tests" / WORKER))
    forget_at_power_loss(url)
    return url


@pytest.fixture(scope="session")
def template(server_url: str) -> Iterator[str]:
    """A migrated database that nobody connects to: the others are copies of it."""
    name = f"aig_template_{WORKER}"
    with fresh_database(server_url, name):
        yield name


@pytest.fixture(scope="session")
def migrated_url(server_url: str, template: str) -> Iterator[str]:
    with fresh_database(server_url, f"aig_tests_{WORKER}", template=template) as url:
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

    def __init__(self, raw: Any) -> None:
        self._raw = raw
        self.closed = False

    def execute(self, query: str, params: Any = None, *, prepare: bool | None = None) -> Any:  # noqa: ARG002
        self._raw.execute("SELECT set_config('role', 'none', true)")
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
    shared = SharedConnection(connection.connection.driver_connection)
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
def live_url(server_url: str, template: str) -> Iterator[str]:
    """A database of the test's own, where commits are real."""
    with fresh_database(server_url, f"aig_live_{uuid4().hex[:10]}", template=template) as url:
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
