"""Jobs: work that is committed with the row that caused it, or that the clock starts. Kept in PostgreSQL.

Rooms declare theirs with `@jobs.task` and `@jobs.periodic`, whose times are in UTC; one worker (`flask worker`)
carries them out.
"""

import asyncio
from collections.abc import Callable
from functools import wraps

import procrastinate
from flask import Flask, current_app

from core.db import Role

SCHEMA = "jobs"

jobs = procrastinate.App(connector=procrastinate.PsycopgConnector())


def with_its_own_session(work: Callable[[int], None]) -> Callable[[int], None]:
    """Jobs run side by side in threads; each gets an app context, and so a database session, of its own."""

    @wraps(work)
    def run(timestamp: int) -> None:
        with current_app._get_current_object().app_context():  # type: ignore[attr-defined]  # noqa: SLF001
            work(timestamp)

    return run


def run_worker(app: Flask, *, until_done: bool = False) -> None:
    """Carries out jobs until SIGTERM or SIGINT, or until none is left; a job under way is finished first."""
    connector = procrastinate.PsycopgConnector(
        conninfo=app.config["DATABASE_URL"],
        min_size=1,
        max_size=4,
        kwargs={"options": f"-c role={Role.SYSTEM} -c search_path={SCHEMA},public"},
    )
    asyncio.run(_work(jobs.with_connector(connector), app, until_done=until_done))


async def _work(queue: procrastinate.App, app: Flask, *, until_done: bool) -> None:
    async with queue.open_async():
        with app.app_context():
            await queue.run_worker_async(concurrency=2, wait=not until_done, install_signal_handlers=not until_done)
