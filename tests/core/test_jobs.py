"""Jobs: kept in the database, carried out by the worker."""

import procrastinate.periodic
import psycopg
import pytest
from flask import Flask

from api.decisions.jobs import DAILY_AT_TWO, purge_decisions, purge_decisions_if_missed
from core import jobs
from core.db import acting_as_system, db
from core.jobs import SCHEMA
from tests.cast import organization_with_key
from tests.services import wait_until


def leave_job(url: str, task: str) -> None:
    """As the queue does when a periodic task is due."""
    with psycopg.connect(url, options=f"-c search_path={SCHEMA},public") as connection:
        connection.execute(
            "INSERT INTO procrastinate_jobs (queue_name, task_name, args) VALUES ('default', %s, '{\"timestamp\": 0}')",
            [task],
        )


def let_due_within_s(monkeypatch: pytest.MonkeyPatch, seconds: int) -> None:
    """How far back the queue looks for what the clock should have started."""
    monkeypatch.setattr(procrastinate.periodic.PeriodicDeferrer.__init__, "__defaults__", (seconds,))


@pytest.mark.parametrize("task", [purge_decisions, purge_decisions_if_missed])
def test_the_worker_carries_out_the_purge(
    live_app: Flask, live_url: str, task: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_due_within_s(monkeypatch, 0)  # nothing but the job that is left here
    organization_with_key(live_app)
    leave_job(live_url, task.name)  # type: ignore[attr-defined]

    jobs.run_worker(live_app, until_done=True)

    with psycopg.connect(live_url) as connection:
        states = connection.execute("SELECT status::text FROM jobs.procrastinate_jobs").fetchall()
        runs = connection.execute("SELECT count(*) FROM purge_run").fetchone()
    assert ("succeeded",) in states
    assert ("failed",) not in states
    assert runs == (1,)


def test_the_purge_is_due_daily_at_two() -> None:
    assert DAILY_AT_TWO == "0 2 * * *"


def test_what_the_clock_starts_reaches_the_queue(
    live_app: Flask, live_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_due_within_s(monkeypatch, 86_400)  # so that something is due now

    def is_due() -> bool:
        jobs.run_worker(live_app, until_done=True)
        with psycopg.connect(live_url) as connection:
            due = connection.execute("SELECT DISTINCT task_name FROM jobs.procrastinate_periodic_defers").fetchall()
        return (purge_decisions_if_missed.name,) in due

    wait_until(is_due, "the hourly job reaches the queue")


def test_a_job_is_left_only_if_its_cause_is_committed(live_app: Flask, live_url: str) -> None:
    with live_app.app_context(), acting_as_system():
        jobs.defer(purge_decisions, timestamp=0)
        db.session.rollback()
        jobs.defer(purge_decisions, timestamp=0)
        db.session.commit()

    with psycopg.connect(live_url) as connection:
        left = connection.execute("SELECT count(*) FROM jobs.procrastinate_jobs").fetchone()
    assert left == (1,)


def test_finished_jobs_are_forgotten_after_three_days_and_failed_ones_are_kept(live_app: Flask, live_url: str) -> None:
    with psycopg.connect(live_url, options=f"-c search_path={SCHEMA},public") as connection:
        for task, status, days in (("old", "succeeded", 4), ("new", "succeeded", 2), ("lost", "failed", 40)):
            connection.execute(
                "INSERT INTO procrastinate_jobs (queue_name, task_name, status) VALUES ('default', %s, %s)",
                [task, status],
            )
            connection.execute(
                "INSERT INTO procrastinate_events (job_id, at, type) "
                "SELECT id, now() - make_interval(days => %s), 'started' FROM procrastinate_jobs WHERE task_name = %s",
                [days, task],
            )
    with live_app.app_context(), acting_as_system():
        jobs.defer(jobs.forget_finished_jobs, timestamp=0)
        db.session.commit()

    jobs.run_worker(live_app, until_done=True)

    with psycopg.connect(live_url) as connection:
        left = connection.execute("SELECT task_name FROM jobs.procrastinate_jobs").fetchall()
    names = {name for (name,) in left}
    assert {"new", "lost"} <= names
    assert "old" not in names


def test_what_a_killed_worker_had_begun_is_taken_up_by_another(
    live_app: Flask, live_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_due_within_s(monkeypatch, 0)
    organization_with_key(live_app)
    leave_job(live_url, purge_decisions.name)
    with psycopg.connect(live_url, options=f"-c search_path={SCHEMA},public") as connection:
        connection.execute("UPDATE procrastinate_jobs SET status = 'doing'")  # as it stands when its worker is gone

    jobs.run_worker(live_app, until_done=True)

    with psycopg.connect(live_url) as connection:
        states = connection.execute("SELECT DISTINCT status::text FROM jobs.procrastinate_jobs").fetchall()
    assert states == [("succeeded",)]


def test_a_lost_job_gives_way_to_one_that_the_clock_has_left_meanwhile(
    live_app: Flask, live_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_due_within_s(monkeypatch, 0)
    organization_with_key(live_app)
    with psycopg.connect(live_url, options=f"-c search_path={SCHEMA},public") as connection:
        for status in ("doing", "todo"):
            connection.execute(
                "INSERT INTO procrastinate_jobs (queue_name, task_name, args, status, lock, queueing_lock) "
                "VALUES ('default', %s, '{\"timestamp\": 0}', %s, 'purge_decisions', 'purge_decisions')",
                [purge_decisions.name, status],
            )

    jobs.run_worker(live_app, until_done=True)

    with psycopg.connect(live_url) as connection:
        states = connection.execute("SELECT status::text FROM jobs.procrastinate_jobs ORDER BY id").fetchall()
    assert states == [("aborted",), ("succeeded",)]


def test_a_job_of_the_clock_does_not_begin_while_the_one_before_is_under_way(
    live_app: Flask, live_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_due_within_s(monkeypatch, 86_400)
    jobs.run_worker(live_app, until_done=True)

    with psycopg.connect(live_url) as connection:
        locks = connection.execute("SELECT DISTINCT lock FROM jobs.procrastinate_jobs").fetchall()
    assert (None,) not in locks
    assert all(periodic.task.lock for periodic in jobs.jobs.periodic_registry.periodic_tasks.values())
