"""Leaving jobs, and what is known of those that wait."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from enum import StrEnum
from functools import wraps
from typing import Any, ParamSpec
from uuid import UUID

import procrastinate
import structlog
from flask import current_app
from procrastinate.job_context import JobContext
from procrastinate.jobs import JobDeferrer
from procrastinate.manager import JobManager
from procrastinate.tasks import Task
from sqlalchemy import Connection, text

from core.clock import utc_now
from core.db import db
from core.observability import gauge_at_scrape, report_error
from core.observability.scrape import Reading

log = structlog.get_logger()

SCHEMA = "jobs"

_TAKE_UP_AGAIN = text("""
    UPDATE procrastinate_jobs SET status = 'todo', worker_id = NULL WHERE status = 'doing' AND queueing_lock IS NULL
""")

Arguments = ParamSpec("Arguments")

KEEP_FINISHED_HOURS = 72
MOST_LOSSES = 5
"""So often a job may be lost with its worker."""

_WAITING = text(
    f"""
    SELECT count(*) AS jobs, greatest(0, extract(epoch FROM max(:now - coalesce(scheduled_at, left_at)))) AS seconds
    FROM {SCHEMA}.procrastinate_jobs AS job,
    LATERAL (SELECT min(at) AS left_at FROM {SCHEMA}.procrastinate_events WHERE job_id = job.id) AS first_event
    WHERE status = 'todo' AND (scheduled_at IS NULL OR scheduled_at <= :now)
    """  # noqa: S608  our schema
)

_FAILED = text(
    f"SELECT task_name, count(*) AS jobs FROM {SCHEMA}.procrastinate_jobs"  # noqa: S608  our schema
    " WHERE status = 'failed' GROUP BY 1 ORDER BY 2 DESC, 1"
)

_TO_QUEUE = text("""
    WITH before AS MATERIALIZED (SELECT current_setting('search_path') AS path)
    SELECT path, set_config('search_path', :path, true) FROM before
""")
_BACK = text("SELECT set_config('search_path', :path, true)")


class Queue(StrEnum):
    """Each has places of its own in the worker, so that none waits for what another does."""

    DEFAULT = "default"
    MAIL = "mail"
    PROBES = "probes"
    """Their gaps would show as gaps of the service."""
    CLOCKS = "clocks"
    """Clocks that were promised: short, and due to the minute."""
    DELIVERIES = "deliveries"
    """To receivers of others, who may be slow."""
    STRIPE = "stripe"
    LONG = "long"
    """What reads or copies much, or goes through all customers at Stripe: backups, purges, counts, comparisons."""


jobs = procrastinate.App(connector=procrastinate.PsycopgConnector())

_outbox = JobManager(procrastinate.SyncPsycopgConnector())
"""Writes jobs on connections that it is given, in the web server and in the worker alike; it is never opened."""


def in_its_own_session(work: Callable[Arguments, None]) -> Callable[Arguments, None]:
    """Jobs run side by side in threads; each gets an app context, and so a database session, of its own."""

    @wraps(work)
    def run(*args: Arguments.args, **kwargs: Arguments.kwargs) -> None:
        with current_app._get_current_object().app_context():  # type: ignore[attr-defined]  # noqa: SLF001
            work(*args, **kwargs)

    return run


@contextmanager
def isolate_errors(event: str, organization_id: UUID) -> Iterator[None]:
    """Around what a job does for one organization of many: its trouble is logged and reported, and the others go on."""
    try:
        yield
    except Exception as error:
        log.exception(event, organization_id=str(organization_id))
        report_error(error)


def defer(task: Task[Any, Any, Any], **arguments: Any) -> None:
    """Leaves a job that is done if, and only if, the session's transaction is committed.

    Also where the same is waiting already: that the clock starts none twice is no reason to refuse what somebody asks.
    Of one with such a lock two never run side by side.
    """
    _leave(task, None, arguments)


def defer_at(at: datetime, task: Task[Any, Any, Any], **arguments: Any) -> None:
    """The same for a job that is not begun before then; the queue looks every few seconds.

    Not for tasks with a lock: one that waits for its time would hold up those that are due.
    """
    _leave(task, at, arguments)


def _leave(task: Task[Any, Any, Any], at: datetime | None, arguments: Mapping[str, Any]) -> None:
    job = task.configure().job.evolve(queueing_lock=None, lock=task.lock or task.queueing_lock, scheduled_at=at)
    with _queue_at_hand() as connection:
        JobDeferrer(job_manager=_outbox, job=job, connection=connection.connection.driver_connection).defer(**arguments)


@contextmanager
def _queue_at_hand() -> Iterator[Connection]:
    """The session's connection; the queue's own SQL finds its tables without their schema."""
    connection = db.session().connection()
    path = connection.execute(_TO_QUEUE, {"path": f"{SCHEMA},public"}).scalar_one()
    yield connection
    connection.execute(_BACK, {"path": path})


def take_up_again() -> None:
    """Jobs that were under way in a dump that was restored; those of the clock come again by themselves."""
    with _queue_at_hand() as connection:
        connection.execute(_TAKE_UP_AGAIN)


@jobs.periodic(cron="50 1 * * *")
@jobs.task(queueing_lock="forget_finished_jobs", pass_context=True)
async def forget_finished_jobs(context: JobContext, timestamp: int) -> None:  # noqa: ARG001  the queue tells when it was due
    """Those that failed stay, for a person to look at."""
    await context.app.job_manager.delete_old_jobs(nb_hours=KEEP_FINISHED_HOURS, include_aborted=True)


@gauge_at_scrape("aig_jobs_waiting", "Jobs that are due and were not begun.")
def waiting() -> list[Reading]:
    return [({}, db.session.execute(_WAITING, {"now": utc_now()}).one().jobs)]


@gauge_at_scrape("aig_jobs_oldest_waiting_seconds", "How long the first of the jobs that are due has waited.")
def oldest_waiting_seconds() -> list[Reading]:
    return [({}, float(db.session.execute(_WAITING, {"now": utc_now()}).one().seconds))]


def failed_by_task() -> dict[str, int]:
    """How many jobs of each task were given up and wait for a person."""
    return {row.task_name: int(row.jobs) for row in db.session.execute(_FAILED)}


@gauge_at_scrape("aig_jobs_failed", "Jobs that were given up.")
def failed() -> list[Reading]:
    return [({}, sum(failed_by_task().values()))]
