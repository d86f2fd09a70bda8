"""The worker through restarts of its database, and through its own death."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb

from api.decisions.jobs import purge_decisions
from core.jobs import SCHEMA, Queue
from portal.customer.keys.jobs import revoke_leaked_key
from tests.faults.test_faults import kill_postgres, start_postgres
from tests.services import ROOT, wait_until

pytestmark = pytest.mark.faults


@contextmanager
def worker_on(url: str, data: Path, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    settings = {**os.environ, "DATABASE_URL": url, "DATA_DIR": str(data), "LOG_LEVEL": "ERROR", **environment}
    worker = subprocess.Popen([ROOT / ".venv" / "bin" / "flask", "worker"], cwd=ROOT, env=settings)
    yield worker
    worker.kill()
    worker.wait()


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
        worker.send_signal(signal.SIGTERM)

        assert worker.wait(30) == 0


def test_a_worker_goes_on_after_two_restarts_within_two_seconds(database: Any, url: str, tmp_path: Path) -> None:
    with worker_on(url, tmp_path) as worker:
        does(url, leave_job(url))
        for _ in range(2):
            kill_postgres(database)
            start_postgres(database)

        does(url, leave_job(url))
        assert worker.poll() is None


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
        assert worker.poll() is None


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
        worker.send_signal(signal.SIGTERM)

        assert worker.wait(30) == 0


def test_a_worker_waits_while_the_database_takes_no_writes(url: str, tmp_path: Path) -> None:
    with worker_on(url, tmp_path) as worker:
        does(url, leave_job(url))
        with no_writes(url):
            job_id = leave_job(url)
            with pytest.raises(subprocess.TimeoutExpired):
                worker.wait(8)
            assert state_of(url, job_id) == "todo"

        does(url, job_id)
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(30) == 0


def test_a_worker_that_starts_while_the_database_takes_no_writes_begins_when_it_does(url: str, tmp_path: Path) -> None:
    with ExitStack() as outage:
        outage.enter_context(no_writes(url))
        job_id = leave_job(url)
        with worker_on(url, tmp_path) as worker:
            with pytest.raises(subprocess.TimeoutExpired):
                worker.wait(8)
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
        with pytest.raises(subprocess.TimeoutExpired):
            worker.wait(8)
        start_postgres(database)

        does(url, job_id)


def test_a_worker_that_is_told_to_stop_while_the_database_is_away_ends_well(
    database: Any, url: str, tmp_path: Path
) -> None:
    with worker_on(url, tmp_path) as worker:
        does(url, leave_job(url))
        kill_postgres(database)
        worker.send_signal(signal.SIGTERM)
        code = worker.wait(60)
    start_postgres(database)

    assert code == 0


def test_what_a_killed_worker_had_begun_another_begins_within_half_a_minute(url: str, tmp_path: Path) -> None:
    with psycopg.connect(url) as holder:
        holder.execute("LOCK TABLE purge_run IN SHARE MODE")
        job_id = leave_job(url)
        with worker_on(url, tmp_path) as first:
            wait_until(lambda: state_of(url, job_id) == "doing", "the job is under way", within_s=120)
            with worker_on(url, tmp_path):
                wait_until(lambda: workers(url) > len(Queue), "another worker is there", within_s=120)
                first.kill()
                holder.rollback()

                does(url, job_id, within_s=120)


def workers(url: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute(f"SELECT count(*) FROM {SCHEMA}.procrastinate_workers".encode()).fetchone()
    assert row is not None
    return int(row[0])
