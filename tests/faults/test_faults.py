"""Kill what can be killed, under load, and count: every acknowledged decision is in the log exactly once.

The service is the real one with two web processes; PostgreSQL and Redis are this test's own, to be killed at will.
"""

import contextlib
import http.client
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import msgspec
import psutil
import psycopg
import pytest

from core import embedded
from core.db import db
from core.settings import Settings
from tests.cast import Member, organization_with_key
from tests.services import ROOT, RedisServer, Service, fresh_database, wait_until
from wsgi import create_app

pytestmark = pytest.mark.faults

CALLERS = 8
QUESTION = b'{"model": "gpt-4o", "operation": "chat", "metadata": {"contains_personal_data": false}}'


class Load:
    """Callers that ask without pause and remember every answer they saw."""

    def __init__(self, port: int, secret: str) -> None:
        self._port = port
        self._headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/json"}
        self._is_over = threading.Event()
        self._threads = [threading.Thread(target=self._ask) for _ in range(CALLERS)]
        self.acknowledged: list[str] = []
        self.statuses: Counter[int] = Counter()
        self.backends: Counter[str] = Counter()
        self.broken = 0

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        for thread in self._threads:
            thread.join(30)

    def more(self, count: int) -> None:
        """Waits until so many more were answered."""
        goal = len(self.acknowledged) + count
        wait_until(lambda: len(self.acknowledged) >= goal, f"{count} more answers came", within_s=30)

    def _ask(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)
        while not self._is_over.is_set():
            try:
                connection.request("POST", "/v1/check", QUESTION, self._headers)
                answer = connection.getresponse()
                self._note(answer.status, answer.headers.get("X-RateLimit-Backend", ""), answer.read())
            except (http.client.HTTPException, OSError):
                self.broken += 1  # the process died under us; a real caller asks again
                connection.close()
                time.sleep(0.02)
        connection.close()

    def _note(self, status: int, backend: str, body: bytes) -> None:
        self.statuses[status] += 1
        self.backends[backend] += 1
        if status == 200:
            self.acknowledged.append(msgspec.json.decode(body)["decision_id"])
        else:
            assert b'"allowed"' not in body


@pytest.fixture(scope="module")
def database() -> Iterator[Any]:
    """A PostgreSQL server of this module's own."""
    server = embedded.start(ROOT / "var" / "faults")
    yield server
    server.cleanup_mode = None
    server.stop()


@pytest.fixture
def url(database: Any) -> Iterator[str]:
    with fresh_database(embedded.url(database), "aig_faults") as url:
        yield url


@pytest.fixture
def member(url: str) -> Member:
    app = create_app(Settings(database_url=url))
    member = organization_with_key(app, rate_limit=10_000_000)
    with app.app_context():
        db.engine.dispose()
    return member


@pytest.fixture
def service_with(url: str, tmp_path: Path) -> Iterator[Any]:
    started: list[Service] = []

    def start(**environment: str) -> Service:
        settings = {"DATABASE_URL": url, "DATA_DIR": str(tmp_path), "WEB_WORKERS": "2", "RECORD_TIMEOUT_MS": "500"}
        started.append(Service({**settings, **environment}))
        started[-1].start()
        return started[-1]

    yield start
    for service in started:
        service.stop()


def workers_of(service: Service) -> list[psutil.Process]:
    """The web processes, without their parent and its helpers."""
    children = psutil.Process(service.pid).children(recursive=True)
    return [child for child in children if "spawn_main" in " ".join(child.cmdline())] or children


def kill_postgres(server: Any) -> None:
    """Every process of the server at once, as a power cut would."""
    postmaster = psutil.Process(server.get_pid())
    for process in [postmaster, *postmaster.children(recursive=True)]:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    postmaster.wait(10)


def start_postgres(server: Any) -> None:
    server.ensure_postgres_running()


def assert_every_acknowledged_decision_is_kept_once(url: str, load: Load) -> None:
    ids = [decision_id.removeprefix("dec_") for decision_id in load.acknowledged]
    assert len(ids) == len(set(ids))

    def kept() -> Counter[str]:
        with psycopg.connect(url) as connection:
            rows = connection.execute("SELECT replace(id::text, '-', '') FROM decision").fetchall()
        return Counter(row[0] for row in rows)

    wait_until(lambda: set(ids) <= set(kept()), "every acknowledged decision is in the log", within_s=30)
    assert set(kept().values()) == {1}


@pytest.mark.parametrize("durability", ["database", "disk", "process"])
def test_killed_web_processes_lose_nothing(url: str, member: Member, service_with: Any, durability: str) -> None:
    service = service_with(DECISION_DURABILITY=durability)
    with Load(service.port, member.secret) as load:
        for _ in range(3):
            load.more(150)
            workers_of(service)[0].kill()
        load.more(150)

    assert set(load.statuses) == {200}
    assert_every_acknowledged_decision_is_kept_once(url, load)


@pytest.mark.parametrize("durability", ["database", "process"])
def test_while_postgresql_is_dead_checks_go_on_and_nothing_is_lost(
    database: Any, url: str, member: Member, service_with: Any, durability: str
) -> None:
    service = service_with(DECISION_DURABILITY=durability)
    with Load(service.port, member.secret) as load:
        load.more(200)
        kill_postgres(database)
        load.more(400)
        start_postgres(database)
        load.more(200)

    assert set(load.statuses) == {200}
    assert_every_acknowledged_decision_is_kept_once(url, load)


def test_while_postgresql_hangs_checks_go_on_from_the_spool(
    database: Any, url: str, member: Member, service_with: Any
) -> None:
    """A server that is there but answers nobody: a stuck disk, a paused machine."""
    service = service_with()
    postmaster = psutil.Process(database.get_pid())
    with Load(service.port, member.secret) as load:
        load.more(200)
        frozen = [postmaster, *postmaster.children(recursive=True)]
        for process in frozen:
            process.suspend()
        try:
            load.more(200)
        finally:
            for process in frozen:
                process.resume()
        load.more(200)

    assert set(load.statuses) == {200}
    assert_every_acknowledged_decision_is_kept_once(url, load)


def test_redis_lost_in_mid_load_fails_no_request_and_is_used_again_when_back(
    url: str, member: Member, service_with: Any, tmp_path: Path
) -> None:
    with RedisServer(tmp_path) as redis_server:
        service = service_with(REDIS_URL=redis_server.url)
        with Load(service.port, member.secret) as load:
            load.more(150)
            redis_server.kill()
            load.more(300)
            redis_server.start()
            wait_until(lambda: load.backends["redis"] > 0, "redis was used")
            on_redis = load.backends["redis"]
            wait_until(lambda: load.backends["redis"] > on_redis + 100, "redis is used again")

    assert set(load.statuses) == {200}
    assert set(load.backends) == {"redis", "memory"}
    assert_every_acknowledged_decision_is_kept_once(url, load)


def test_a_full_disk_and_no_database_is_503_and_never_allowed(
    database: Any, url: str, member: Member, service_with: Any
) -> None:
    """The spool may hold one megabyte; beyond it nothing can be made durable."""
    service = service_with(SPOOL_MAX_BYTES="1000000")
    with Load(service.port, member.secret) as load:
        load.more(100)
        kill_postgres(database)
        wait_until(lambda: load.statuses[503] > 20, "the spools are full", within_s=60)
        start_postgres(database)
        load.more(100)

    assert set(load.statuses) == {200, 503}
    assert_every_acknowledged_decision_is_kept_once(url, load)


def test_the_whole_service_killed_at_once_brings_the_spool_home_on_the_next_start(
    url: str, member: Member, service_with: Any
) -> None:
    service = service_with(DECISION_DURABILITY="process")
    with Load(service.port, member.secret) as load:
        load.more(300)
        os.killpg(service.pid, signal.SIGKILL)

    service_with(DECISION_DURABILITY="process")

    assert_every_acknowledged_decision_is_kept_once(url, load)


def test_a_stopped_service_leaves_nothing_in_the_spool(
    url: str, member: Member, service_with: Any, tmp_path: Path
) -> None:
    service = service_with(DECISION_DURABILITY="process")
    with Load(service.port, member.secret) as load:
        load.more(200)
    service.stop()

    assert list((tmp_path / "spool").rglob("*.ndjson")) == []
    assert_every_acknowledged_decision_is_kept_once(url, load)
