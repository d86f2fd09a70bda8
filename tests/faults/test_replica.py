"""A replica beside the primary: who reads there, and what they see when it is behind, silent, gone or no replica."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from flask import Flask
from prometheus_client import REGISTRY
from sqlalchemy import text

from api.runtime import runtime
from core import audit, replica
from core.audit import SYSTEM
from core.clock import monotonic_s, utc_now
from core.db import acting_as_system, acting_for, db, transaction
from core.settings import Settings
from tests.cast import Member, organization_with_key
from tests.databases import ROOT, WORKER, database_url, fresh_database, start_server
from tests.faults.processes import held_still, postgres_process, postgres_processes
from tests.faults.two_servers import Pair, asked, primary_and_standby, run
from tests.people import Person, person
from tests.services import wait_until
from wsgi import create_app

pytestmark = pytest.mark.faults

DATABASE = "aig_replica"
OWNERS_PAGES = (
    "/dashboard",
    "/dashboard/figures?span=month",
    "/decisions",
    "/decisions?model=no-such-model",
    "/decisions/values",
    "/decisions/search?q=req_0",
    "/audit-trail",
    "/decisions/export?format=csv",
    "/audit-trail/export",
)
ON_REPLICA, ON_PRIMARY = {"replica": 1, "primary": 0}, {"replica": 0, "primary": 1}


@pytest.fixture(scope="module")
def pair(server_url: str) -> Iterator[Pair]:
    server = start_server("tests")
    with (
        fresh_database(server_url, DATABASE),
        primary_and_standby(server_url, server, ROOT / "var" / "faults" / WORKER / "replica") as pair,
    ):
        yield pair


@pytest.fixture(scope="module")
def app(pair: Pair, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    yield from app_with(pair, pair.standby_url(DATABASE), tmp_path_factory.mktemp("data"))


def app_with(pair: Pair, replica_url: str, folder: Path) -> Iterator[Flask]:
    url = pair.primary_url(DATABASE)
    app = create_app(Settings(database_url=url, database_replica_url=replica_url, data_dir=str(folder)))
    app.testing = True
    yield app
    runtime(app).snapshots.close()
    with app.app_context():
        for engine in db.engines.values():
            engine.dispose()


@pytest.fixture(scope="module")
def ada(app: Flask) -> Member:
    return organization_with_key(app)


@pytest.fixture(scope="module")
def owner(app: Flask, ada: Member) -> Person:
    return person(app, "Ada", ada.organization_id)


@pytest.fixture(autouse=True)
def forgiven(app: Flask, pair: Pair) -> None:
    """What the tests before did to the replica."""
    pair.wait_until_caught_up()
    app.extensions["replica"].left_alone_until_s = 0.0


TRIES = 20


class Reads:
    """How many were answered by which server since it was made."""

    def __init__(self) -> None:
        self._before = self._counted()

    @staticmethod
    def _counted() -> dict[str, float]:
        servers = ("replica", "primary")
        return {name: REGISTRY.get_sample_value("aig_replica_reads_total", {"server": name}) or 0 for name in servers}

    @property
    def since(self) -> dict[str, float]:
        return {name: count - self._before[name] for name, count in self._counted().items()}


def answered(app: Flask, ask: Callable[[], Any]) -> tuple[int, dict[str, float]]:
    """The status, and who was read; on a machine that is very busy the replica may need other tries to be in time."""
    for _ in range(TRIES):
        app.extensions["replica"].left_alone_until_s = 0.0
        reads, answer = Reads(), ask()
        assert answer.get_data()
        if reads.since == ON_REPLICA:
            break
    return answer.status_code, reads.since


def write(app: Flask, member: Member, action: str) -> None:
    with app.app_context(), acting_as_system(), transaction():
        audit.write(member.organization_id, action, by=SYSTEM, now=utc_now())


@pytest.mark.parametrize("path", OWNERS_PAGES)
def test_lists_dashboards_and_files_are_read_from_the_replica(app: Flask, owner: Person, path: str) -> None:
    status, reads = answered(app, lambda: owner.get(path))

    assert status in {200, 404}
    assert reads == ON_REPLICA


def test_so_are_the_api_s_log_and_the_console_s_metrics(app: Flask, ada: Member) -> None:
    olga = person(app, "Olga", is_operator=True)
    client, headers = app.test_client(), {"Authorization": f"Bearer {ada.secret}"}
    for ask in (
        lambda: client.get("/v1/decisions?model=no-such-model", headers=headers),
        lambda: client.get("/v1/decisions/export", headers=headers),
        lambda: olga.get("/console/figures"),
    ):
        assert answered(app, ask) == (200, ON_REPLICA)


def test_whoever_reads_sees_what_was_written_just_before(app: Flask, ada: Member, owner: Person) -> None:
    reads = Reads()
    for number in range(10):
        app.extensions["replica"].left_alone_until_s = 0.0
        write(app, ada, f"written.{number}")
        assert f"written.{number}" in owner.get("/audit-trail").text

    assert reads.since["replica"] > 0


def test_it_is_read_while_the_log_of_the_primary_ends_within_a_record(app: Flask, pair: Pair, owner: Person) -> None:
    """As it does for seconds on a quiet one, whose log is flushed by whole pages and then by nobody."""
    ends_with_page = """SELECT (pg_current_wal_flush_lsn() - '0/0') % 8192 = 0
        AND pg_current_wal_insert_lsn() > pg_current_wal_flush_lsn()"""
    primary = pair.primary_url(DATABASE)
    with psycopg.connect(primary) as writer:
        writer.execute("CREATE TABLE written AS SELECT repeat('x', 1000) FROM generate_series(1, 2000)")
        wait_until(lambda: asked(primary, ends_with_page), "whole pages are flushed")
        with held_still([postgres_process(pair.primary, "walwriter")]):
            status, reads = answered(app, lambda: owner.get("/decisions"))
        writer.rollback()

    assert (status, reads) == (200, ON_REPLICA)


def test_a_replica_that_is_behind_is_not_read(app: Flask, pair: Pair, ada: Member, owner: Person) -> None:
    run(pair.standby_url(DATABASE), "SELECT pg_wal_replay_pause()")
    try:
        write(app, ada, "written.unseen")
        reads = Reads()
        seen = "written.unseen" in owner.get("/audit-trail").text
    finally:
        run(pair.standby_url(DATABASE), "SELECT pg_wal_replay_resume()")

    assert seen
    assert reads.since == ON_PRIMARY


def test_a_replica_that_falls_silent_holds_up_one_page_for_a_second_and_no_other(pair: Pair, owner: Person) -> None:
    owner.get("/decisions")
    with held_still(postgres_processes(pair.standby)):
        reads, began_s = Reads(), monotonic_s()
        first, first_s = owner.get("/decisions"), monotonic_s() - began_s
        second, both_s = owner.get("/decisions"), monotonic_s() - began_s

    assert (first.status_code, second.status_code) == (200, 200)
    assert reads.since["replica"] == 0
    assert first_s < 3
    assert both_s - first_s < 1


def test_what_the_replica_breaks_off_is_read_from_the_primary(app: Flask, ada: Member) -> None:
    """As when its replay ends a query that is in its way."""
    as_login = text("SELECT set_config('role', 'none', true)")
    end = text("SELECT CASE WHEN pg_is_in_recovery() THEN pg_terminate_backend(pg_backend_pid()) END")

    @replica.reads_replica
    def view() -> str:
        db.session.execute(as_login)
        db.session.execute(end)
        return str(db.session.scalar(text("SELECT pg_is_in_recovery()")))

    with app.app_context(), acting_for(ada.organization_id):
        is_replica = view()

    assert is_replica == "False"


def test_the_scope_holds_on_the_replica(app: Flask, ada: Member) -> None:
    cleo = organization_with_key(app)
    count = text("SELECT count(*) FROM audit_event WHERE organization_id = :id")
    with app.app_context(), acting_for(cleo.organization_id), replica.reading() as is_replica:
        hers, adas = (db.session.scalar(count, {"id": one.organization_id}) for one in (cleo, ada))
        with acting_as_system():
            adas_to_all = db.session.scalar(count, {"id": ada.organization_id})
        again = db.session.scalar(count, {"id": ada.organization_id})

    assert is_replica
    assert (hers > 0, adas, adas_to_all > 0, again) == (True, 0, True, 0)


def test_a_server_that_takes_writes_is_no_replica(pair: Pair, ada: Member, tmp_path: Path) -> None:
    """It may have been promoted, and the primary with it gone another way."""
    for app in app_with(pair, pair.primary_url(DATABASE), tmp_path):
        reads = Reads()
        answer = app.test_client().get("/v1/decisions", headers={"Authorization": f"Bearer {ada.secret}"})

        assert answer.status_code == 200
        assert reads.since == ON_PRIMARY


def test_without_a_replica_the_primary_is_read_and_nothing_said(pair: Pair, ada: Member, tmp_path: Path) -> None:
    nowhere = database_url(pair.standby_url(DATABASE), "no_such_database")
    for app in app_with(pair, nowhere, tmp_path):
        reads = Reads()
        answer = app.test_client().get("/v1/decisions", headers={"Authorization": f"Bearer {ada.secret}"})

        assert answer.status_code == 200
        assert reads.since == ON_PRIMARY
