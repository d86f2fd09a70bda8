"""A platform says stop: what is under way is answered and kept, and nothing is begun that cannot be finished."""

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Timer
from typing import Any

import psycopg
import pytest

from api.decisions.jobs import purge_decisions
from core.clock import monotonic_s
from core.jobs import SCHEMA
from core.serving.command import WORKER_STOPPED_WITHIN_S
from tests import forked
from tests.cast import Member
from tests.faults.load import (
    CALLERS,
    Load,
    assert_every_acknowledged_decision_is_kept_once,
    kept_and_not_acknowledged,
)
from tests.services import wait_until

pytestmark = pytest.mark.faults

HELD_S = 2.0
READ_WITHIN_S = 0.1
"""A request that nobody had read when its connection was closed was not taken: who sent it just then asks again."""


@contextmanager
def nobody_may_write(url: str, table: str) -> Iterator[psycopg.Connection[Any]]:
    """Whoever writes to the table waits until the connection ends."""
    with closing(psycopg.connect(url)) as connection:
        connection.execute(f"LOCK TABLE {table} IN SHARE MODE".encode())
        yield connection


def waiting(url: str, on: str) -> int:
    with psycopg.connect(url) as connection:
        query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query ILIKE %s"
        return int((connection.execute(query, [f"%{on}%"]).fetchone() or (0,))[0])


def unanswered(load: Load, *, before_s: float) -> list[float]:
    return [sent_s for sent_s in load.unanswered if sent_s < before_s - READ_WITHIN_S]


@pytest.mark.parametrize("durability", ["database", "disk", "process"])
def test_a_web_server_that_is_told_to_stop_under_load_answers_what_it_took_and_keeps_it(
    url: str, member: Member, service_with: Any, tmp_path: Path, durability: str
) -> None:
    service = service_with(DECISION_DURABILITY=durability)
    with Load(service.port, member.secret) as load:
        load.more(300)
        told_s = monotonic_s()
        code = service.stop_gracefully()
        took_s = monotonic_s() - told_s

    assert code == 0
    assert took_s < WORKER_STOPPED_WITHIN_S
    assert unanswered(load, before_s=told_s) == []
    assert kept_and_not_acknowledged(url, load) == set()
    assert set(load.statuses) == {200}
    assert list((tmp_path / "spool").rglob("*.ndjson")) == []
    assert_every_acknowledged_decision_is_kept_once(url, load, within_s=1)


def test_requests_that_wait_for_their_commit_when_the_stop_comes_are_answered_once_it_is_made(
    url: str, member: Member, service_with: Any
) -> None:
    service = service_with(RECORD_TIMEOUT_MS="10000")
    with Load(service.port, member.secret) as load:
        load.more(100)
        with nobody_may_write(url, "decision") as holder:
            wait_until(lambda: waiting(url, "INSERT INTO decision") > 0, "commits wait")
            answered = len(load.acknowledged)
            told_s = monotonic_s()
            release = Timer(HELD_S, holder.close)
            release.start()
            code = service.stop_gracefully()
            release.join()

    assert code == 0
    assert answered < len(load.acknowledged) <= answered + 2 * CALLERS
    assert unanswered(load, before_s=told_s) == []
    assert kept_and_not_acknowledged(url, load) == set()
    assert_every_acknowledged_decision_is_kept_once(url, load, within_s=1)


def test_a_worker_that_is_told_to_stop_finishes_the_job_that_it_has_begun(url: str, tmp_path: Path) -> None:
    with psycopg.connect(url, options=f"-c search_path={SCHEMA},public") as connection:
        connection.execute(
            "INSERT INTO procrastinate_jobs (queue_name, task_name, args) VALUES ('default', %s, '{\"timestamp\": 0}')",
            [purge_decisions.name],
        )
    environment = {**os.environ, "DATABASE_URL": url, "DATA_DIR": str(tmp_path), "LOG_LEVEL": "ERROR"}
    with nobody_may_write(url, "purge_run") as holder:
        worker = forked.start("flask", "worker", environment=environment)
        wait_until(lambda: waiting(url, "purge_run") > 0, "the job is under way", within_s=120)
        worker.terminate()
        worker.join(HELD_S)
        assert worker.is_alive()
        holder.close()
    worker.join(20)

    with psycopg.connect(url) as connection:
        query = f"SELECT status::text FROM {SCHEMA}.procrastinate_jobs WHERE task_name = %s"
        statuses = connection.execute(query.encode(), [purge_decisions.name]).fetchall()
    assert worker.exitcode == 0
    assert statuses == [("succeeded",)]
