"""Jobs: work that is committed with the row that caused it, or that the clock starts. Kept in PostgreSQL.

Rooms declare theirs with `@jobs.task` and `@jobs.periodic`, whose times are in UTC, and leave them with `defer`; one
worker (`flask worker`) carries them out.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, ParamSpec
from uuid import UUID

import procrastinate
import structlog
from flask import Flask, current_app
from procrastinate.exceptions import AlreadyEnqueued
from procrastinate.job_context import JobContext
from procrastinate.jobs import JobDeferrer, Status
from procrastinate.manager import JobManager
from procrastinate.tasks import Task
from procrastinate.worker import Worker
from sqlalchemy import Connection, text
from structlog.contextvars import bound_contextvars

from core.clock import utc_now
from core.db import Role, db
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
def each_by_itself(event: str, organization_id: UUID) -> Iterator[None]:
    """Around what a job does for one organization of many: its trouble is logged and reported, and the others go on."""
    try:
        yield
    except Exception as error:
        log.exception(event, organization_id=str(organization_id))
        report_error(error)


def defer(task: Task[Any, Any, Any], **arguments: Any) -> None:
    """Leaves a job that is done if, and only if, the session's transaction is committed.

    Also where the same is waiting already: that the clock starts none twice is no reason to refuse what somebody asks.
    """
    with _queue_at_hand() as connection:
        JobDeferrer(
            job_manager=_outbox,
            job=task.configure().job.evolve(queueing_lock=None),
            connection=connection.connection.driver_connection,
        ).defer(**arguments)


@contextmanager
def _queue_at_hand() -> Iterator[Connection]:
    """The session's connection; the queue's own SQL finds its tables without their schema."""
    connection = db.session().connection()
    path = connection.execute(text("SELECT current_setting('search_path')")).scalar_one()
    set_path = text("SELECT set_config('search_path', :path, true)")
    connection.execute(set_path, {"path": f"{SCHEMA},public"})
    yield connection
    connection.execute(set_path, {"path": path})


def take_up_again() -> None:
    """Jobs that were under way in a dump that was restored; those of the clock come again by themselves."""
    with _queue_at_hand() as connection:
        connection.execute(_TAKE_UP_AGAIN)


def run_worker(app: Flask, *, until_done: bool = False) -> None:
    """Carries out jobs until SIGTERM or SIGINT, or until none is left; a job under way is finished first."""
    connector = procrastinate.PsycopgConnector(
        conninfo=app.config["DATABASE_URL"],
        min_size=1,
        max_size=4,
        kwargs={"options": f"-c role={Role.SYSTEM} -c search_path={SCHEMA},public"},
    )
    with jobs.replace_connector(connector):  # tasks that the clock starts know this queue and no copy of it
        asyncio.run(_work(app, until_done=until_done))


async def _work(app: Flask, *, until_done: bool) -> None:
    async with jobs.open_async():
        with app.app_context():
            await jobs.run_worker_async(
                concurrency=4,
                wait=not until_done,
                install_signal_handlers=not until_done,
                task_middleware=[_tell_of_trouble],
            )


def _tell_of_trouble(call_next: Callable[[], Any], context: JobContext, _worker: Worker) -> Any:
    """An error is reported when the job is given up, not each time that it will be tried again."""
    with bound_contextvars(task=context.job.task_name, job_id=context.job.id):
        try:
            return call_next()
        except Exception as error:
            if context.task.get_retry_exception(exception=error, job=context.job) is None:
                report_error(error)
            raise


@jobs.periodic(cron="50 1 * * *")
@jobs.task(queueing_lock="forget_finished_jobs", pass_context=True)
async def forget_finished_jobs(context: JobContext, timestamp: int) -> None:  # noqa: ARG001  the queue tells when it was due
    """Those that failed stay, for a person to look at."""
    await context.app.job_manager.delete_old_jobs(nb_hours=KEEP_FINISHED_HOURS)


@jobs.periodic(cron="*/5 * * * *")
@jobs.task(queueing_lock="take_up_lost_jobs", pass_context=True)
async def take_up_lost_jobs(context: JobContext, timestamp: int) -> None:  # noqa: ARG001  the queue tells when it was due
    """What a killed worker had begun is done by another; what seems to kill workers is left for a person."""
    manager = context.app.job_manager
    for job in await manager.get_stalled_jobs():
        if job.attempts >= MOST_LOSSES:
            await manager.finish_job(job, Status.FAILED, delete_job=False)
            continue
        with contextlib.suppress(AlreadyEnqueued):  # the clock has started another meanwhile
            await manager.retry_job(job)
            log.warning("job.taken_up_again", job_id=job.id, task=job.task_name)


@gauge_at_scrape("aig_jobs_waiting", "Jobs that are due and were not begun.")
def waiting() -> list[Reading]:
    return [({}, db.session.execute(_WAITING, {"now": utc_now()}).one().jobs)]


@gauge_at_scrape("aig_jobs_oldest_waiting_seconds", "How long the first of the jobs that are due has waited.")
def oldest_waiting_seconds() -> list[Reading]:
    return [({}, float(db.session.execute(_WAITING, {"now": utc_now()}).one().seconds))]


@gauge_at_scrape("aig_jobs_failed", "Jobs that were given up.")
def failed() -> list[Reading]:
    found = text(f"SELECT count(*) FROM {SCHEMA}.procrastinate_jobs WHERE status = 'failed'")  # noqa: S608  our schema
    return [({}, db.session.execute(found).scalar_one())]
