"""The worker through restarts of its database, and through its own death."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb

from api.decisions.impact.jobs import analyze_impact
from api.decisions.jobs import purge_decisions
from core.db import db
from core.jobs import SCHEMA, Queue
from core.settings import Settings
from portal.customer.keys.jobs import revoke_leaked_key
from tests import forked
from tests.api.test_impact import draft_of, requested
from tests.cast import Member
from tests.faults.test_faults import kill_postgres, start_postgres
from tests.services import wait_until
from wsgi import create_app

pytestmark = pytest.mark.faults

REPLAYED = 40_000
"""Decisions, in eight parts."""


@contextmanager
def worker_on(url: str, data: Path, **environment: str) -> Iterator[BaseProcess]:
    settings = {**os.environ, "DATABASE_URL": url, "DATA_DIR": str(data), "LOG_LEVEL": "ERROR", **environment}
    worker = forked.start("flask", "worker", environment=settings)
    yield worker
    worker.kill()
    worker.join()


def leave_job(url: str, task: str = purge_decisions.name, queue: str = "default", **arguments: object) -> int:
    options = f"-c search_path={SCHEMA},public -c default_transaction_read_only=off"
    with psycopg.connect(url, options=options) as connection:
        row = connection.execute(
            "INSERT INTO procrastinate_jobs (queue_name, task_name, args) VALUES (%s, %s, %s) RETURNING id",
            [queue, task, Jsonb(arguments or {"timestamp": 0})],
        ).fetchone()
    assert row is not None
    return int(row[0])


def state_of(url: str, job_id: int) -> str:
    with psycopg.connect(url) as connection:
        query = f"SELECT status::text FROM {SCHEMA}.procrastinate_jobs WHERE id = %s"
        return str((connection.execute(query.encode(), [job_id]).fetchone() or ("gone",))[0])


def does(url: str, job_id: int, *, within_s: float = 40) -> None:
    wait_until(lambda: state_of(url, job_id) == "succeeded", "the job is done", within_s=within_s)


def test_a_worker_goes_on_after_a_restart_of_the_database_and_ends_well_when_it_is_told(
    database: Any, url: str, tmp_path: Path
) -> None:
    with worker_on(url, tmp_path) as worker:
        does(url, leave_job(url))
        for _ in range(2):
            kill_postgres(database)
            start_postgres(database)
            does(url, leave_job(url))
        worker.terminate()
        worker.join(30)

        assert worker.exitcode == 0


def test_a_worker_goes_on_after_two_restarts_within_two_seconds(database: Any, url: str, tmp_path: Path) -> None:
    with worker_on(url, tmp_path) as worker:
        does(url, leave_job(url))
        for _ in range(2):
            kill_postgres(database)
            start_postgres(database)

        does(url, leave_job(url))
        assert worker.is_alive()


def test_what_was_asked_for_is_done_although_the_database_died_meanwhile(
    database: Any, url: str, tmp_path: Path
) -> None:
    with closing(psycopg.connect(url)) as holder, worker_on(url, tmp_path) as worker:
        holder.execute("LOCK TABLE api_key IN ACCESS EXCLUSIVE MODE")
        job_id = leave_job(url, revoke_leaked_key.name, digest="00" * 32, place="a page")
        wait_until(lambda: state_of(url, job_id) == "doing", "the job is under way", within_s=120)
        kill_postgres(database)
        start_postgres(database)

        does(url, job_id)
        assert worker.is_alive()


def test_a_worker_whose_connections_are_ended_listens_again(url: str, tmp_path: Path) -> None:
    with worker_on(url, tmp_path) as worker:
        does(url, leave_job(url))
        for _ in range(3):
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            does(url, leave_job(url))
        worker.terminate()
        worker.join(30)

        assert worker.exitcode == 0


def test_a_worker_waits_while_the_database_takes_no_writes(url: str, tmp_path: Path) -> None:
    with worker_on(url, tmp_path) as worker:
        does(url, leave_job(url))
        with no_writes(url):
            job_id = leave_job(url)
            worker.join(8)
            assert worker.is_alive()
            assert state_of(url, job_id) == "todo"

        does(url, job_id)
        worker.terminate()
        worker.join(30)
        assert worker.exitcode == 0


def test_a_worker_that_starts_while_the_database_takes_no_writes_begins_when_it_does(url: str, tmp_path: Path) -> None:
    with ExitStack() as outage:
        outage.enter_context(no_writes(url))
        job_id = leave_job(url)
        with worker_on(url, tmp_path) as worker:
            worker.join(8)
            assert worker.is_alive()
            outage.close()

            does(url, job_id)


@contextmanager
def no_writes(url: str) -> Iterator[None]:
    """As a standby, and as a primary that its keeper has set to read alone."""
    _let_write(url, is_allowed=False)
    try:
        yield
    finally:
        _let_write(url, is_allowed=True)


def _let_write(url: str, *, is_allowed: bool) -> None:
    value = "off" if is_allowed else "on"
    with psycopg.connect(url, autocommit=True, options="-c default_transaction_read_only=off") as connection:
        connection.execute(f"ALTER SYSTEM SET default_transaction_read_only = {value}".encode())
        connection.execute("SELECT pg_reload_conf()")
    wait_until(lambda: _takes_writes(url) is is_allowed, "the setting holds")


def _takes_writes(url: str) -> bool:
    with psycopg.connect(url) as connection:
        return connection.execute("SHOW default_transaction_read_only").fetchone() == ("off",)


def test_a_worker_that_starts_while_the_database_is_away_begins_when_it_is_back(
    database: Any, url: str, tmp_path: Path
) -> None:
    job_id = leave_job(url)
    kill_postgres(database)
    with worker_on(url, tmp_path) as worker:
        worker.join(8)
        assert worker.is_alive()
        start_postgres(database)

        does(url, job_id)


def test_a_worker_that_is_told_to_stop_while_the_database_is_away_ends_well(
    database: Any, url: str, tmp_path: Path
) -> None:
    with worker_on(url, tmp_path) as worker:
        does(url, leave_job(url))
        kill_postgres(database)
        worker.terminate()
        worker.join(60)
    start_postgres(database)

    assert worker.exitcode == 0


def test_a_replay_goes_on_from_its_last_part_after_its_worker_was_told_to_stop_and_another_was_killed(
    url: str, member: Member, tmp_path: Path
) -> None:
    app = create_app(Settings(database_url=url))
    add_decisions(url, member, count=REPLAYED)
    slow_replays_down(url)
    impact = requested(app, member, draft_of(app, member, denied_operations=["chat"]))
    with app.app_context():
        db.engine.dispose()
    of_impact = {"organization_id": str(member.organization_id), "impact_id": str(impact.id)}
    leave_job(url, analyze_impact.name, Queue.LONG, **of_impact)
    with worker_on(url, tmp_path) as first:
        wait_until(lambda: replayed(url)[1] > 0, "a part was kept", within_s=120)
        first.terminate()
        first.join(30)
        assert first.exitcode == 0
    _, told_at, _ = replayed(url)
    with worker_on(url, tmp_path) as second, psycopg.connect(url) as holder:
        wait_until(lambda: replayed(url)[1] > told_at, "another part was kept", within_s=120)
        holder.execute("SELECT FROM policy_impact FOR UPDATE")  # the next part is not kept
        _, killed_at, _ = replayed(url)
        with worker_on(url, tmp_path):
            wait_until(lambda: workers(url) > len(Queue), "another worker is there", within_s=120)
            second.kill()
            holder.rollback()
            wait_until(lambda: replayed(url)[0] == "done", "the replay is done", within_s=120)

    assert 0 < told_at < killed_at < REPLAYED
    assert replayed(url) == ("done", REPLAYED, REPLAYED)


def add_decisions(url: str, member: Member, *, count: int) -> None:
    with psycopg.connect(url) as connection:
        connection.execute(
            """
            INSERT INTO decision (id, decided_at, organization_id, api_key_id, environment, model, operation, metadata,
                                  risk_score, allowed, reason, reasons, policy_version, latency_us, request_id)
            SELECT (lpad(to_hex(floor(extract(epoch FROM moment) * 1000)::bigint), 12, '0') || '7000'
                    || '8' || lpad(to_hex(n), 15, '0'))::uuid,
                   moment, %s, %s, 'live', 'gpt-4o', 'chat', '{}', 0, true, 'ok', '[]', 1, 500, 'req_' || n
            FROM (SELECT n, date_trunc('milliseconds', now()) AS moment FROM generate_series(1, %s) AS n) AS made
            """,
            [member.organization_id, member.key_id, count],
        )


def slow_replays_down(url: str) -> None:
    """So that there is time to kill them between two parts."""
    with psycopg.connect(url) as connection:
        connection.execute(
            "CREATE FUNCTION pause() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.5); RETURN NEW; END'"
        )
        connection.execute("CREATE TRIGGER pause BEFORE UPDATE ON policy_impact FOR EACH ROW EXECUTE FUNCTION pause()")


def replayed(url: str) -> tuple[str, int, int]:
    """How far the only replay is: its state, the decisions it looked at, and those that it would block."""
    with psycopg.connect(url) as connection:
        row = connection.execute(
            "SELECT status, coalesce((tally ->> 'looked_at')::int, 0), coalesce((tally ->> 'newly_blocked')::int, 0) "
            "FROM policy_impact"
        ).fetchone()
    assert row is not None
    return str(row[0]), int(row[1]), int(row[2])


def workers(url: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute(f"SELECT count(*) FROM {SCHEMA}.procrastinate_workers".encode()).fetchone()
    assert row is not None
    return int(row[0])
