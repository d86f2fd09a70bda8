"""Jobs: work that is committed with the row that caused it, or that the clock starts. Kept in PostgreSQL.

Rooms declare theirs with `@jobs.task` and `@jobs.periodic`, whose times are in UTC, and leave them with `defer`; one
worker (`flask worker`) carries them out.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, ParamSpec
from uuid import UUID

import procrastinate
import structlog
from flask import Flask, current_app
from procrastinate.jobs import JobDeferrer
from procrastinate.manager import JobManager
from procrastinate.tasks import Task
from sqlalchemy import text

from core.db import Role, db
from core.observability import report_error

log = structlog.get_logger()

SCHEMA = "jobs"

Arguments = ParamSpec("Arguments")

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
    connection = db.session().connection()
    path = connection.execute(text("SELECT current_setting('search_path')")).scalar_one()
    set_path = text("SELECT set_config('search_path', :path, true)")
    connection.execute(set_path, {"path": f"{SCHEMA},public"})
    JobDeferrer(
        job_manager=_outbox,
        job=task.configure().job.evolve(queueing_lock=None),
        connection=connection.connection.driver_connection,
    ).defer(**arguments)
    connection.execute(set_path, {"path": path})


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
            await jobs.run_worker_async(concurrency=4, wait=not until_done, install_signal_handlers=not until_done)
