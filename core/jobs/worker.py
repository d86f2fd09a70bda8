"""`flask worker`: carries out the jobs of every queue until it is told to stop.

A database that goes away ends nothing: each queue is taken up again when it is back. Any other trouble ends the worker
with an error, so that whoever watches over it starts another.
"""

import asyncio
import contextlib
import signal
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import psycopg
import structlog
from flask import Flask
from procrastinate.exceptions import ConnectorException
from procrastinate.job_context import JobContext
from procrastinate.worker import Worker
from structlog.contextvars import bound_contextvars

from core.clock import monotonic_s
from core.db import DatabaseRole
from core.graceful_shutdown import is_stopping
from core.jobs.connection import PatientConnector, is_lost
from core.jobs.outages import outlive_outages
from core.jobs.queue import SCHEMA, Queue, jobs
from core.jobs.stalled import HEARTBEAT_S, keep_alive, take_over, take_over_for_ever
from core.observability import report_error

log = structlog.get_logger()

PLACES = {
    Queue.DEFAULT: 4,
    Queue.MAIL: 2,
    Queue.PROBES: 1,
    Queue.CLOCKS: 2,
    Queue.DELIVERIES: 2,
    Queue.STRIPE: 2,
    Queue.LONG: 3,
}
_DELIVERIES_SIDE_BY_SIDE = 10
MOST_SESSIONS = sum(PLACES.values()) + _DELIVERIES_SIDE_BY_SIDE
"""With the database, at once: no place waits for the session of another."""
_PLACES_UNTIL_DONE = 4
_PAUSE_S, _LONGEST_PAUSE_S = 0.2, 10.0
_WELL_AFTER_S = 30.0
_CONNECTION_WITHIN_S = 5.0
_CONNECTION_FOR_S = 60.0
"""So long at most it goes on asking a server that is the primary no more."""
_NEVER_S = 1e6
_FORGOTTEN_AFTER_S = 600.0
"""Until then what a silent worker had begun is found by its name."""


def run_worker(app: Flask, *, until_done: bool = False) -> None:
    """Until SIGTERM or SIGINT, or until no job is left; a job under way is finished first."""
    connector = PatientConnector(
        conninfo=app.config["DATABASE_URL"],
        min_size=1,
        max_size=6,
        timeout=_CONNECTION_WITHIN_S,
        max_lifetime=_CONNECTION_FOR_S,
        kwargs={"options": f"-c role={DatabaseRole.SYSTEM} -c search_path={SCHEMA},public", "connect_timeout": 5},
    )
    _forbid_overlap()
    outlive_outages(jobs)
    with jobs.replace_connector(connector):  # tasks that the clock starts know this queue and no copy of it
        asyncio.run(_until_done(app) if until_done else _until_told(app, connector))


def _forbid_overlap() -> None:
    """What the clock starts never runs beside itself, however long it takes: two would do the same work."""
    for periodic in jobs.periodic_registry.periodic_tasks.values():
        periodic.task.lock = periodic.task.lock or periodic.task.queueing_lock


async def _until_done(app: Flask) -> None:
    async with jobs.open_async():
        await take_over()
        with app.app_context():
            await _run(_worker(None, _PLACES_UNTIL_DONE, wait=False))


async def _until_told(app: Flask, connector: PatientConnector) -> None:
    loop, told = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    loop.set_default_executor(ThreadPoolExecutor(sum(PLACES.values())))
    with app.app_context():
        work = asyncio.create_task(_every_queue())
    hearing = asyncio.create_task(told.wait())
    await asyncio.wait({work, hearing}, return_when=asyncio.FIRST_COMPLETED)
    hearing.cancel()
    if told.is_set():
        is_stopping.set()
        connector.is_patient = False
        work.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await work


async def _every_queue() -> None:
    await _through_outages("queue", jobs.connector.open_async, is_endless=False)
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(take_over_for_ever())
            for queue, places in PLACES.items():
                group.create_task(_through_outages(queue, partial(_serve, queue, places)))
    finally:
        await jobs.close_async()


async def _through_outages(
    part: str, attempt: Callable[[], Coroutine[Any, Any, None]], *, is_endless: bool = True
) -> None:
    """Again and again after growing pauses, for as long as the database is away."""
    task, pause_s = asyncio.current_task(), _PAUSE_S
    while True:
        began_s = monotonic_s()
        try:
            await attempt()
            if not is_endless:
                return
        except (ConnectorException, psycopg.Error) as error:
            if not is_lost(error):
                raise
            log.warning("worker.database_lost", part=part, exc_info=error)
        if task is not None and task.cancelling():
            return  # told to stop, and could not even say good-bye to the database
        pause_s = _PAUSE_S if monotonic_s() - began_s > _WELL_AFTER_S else min(pause_s * 2, _LONGEST_PAUSE_S)
        await asyncio.sleep(pause_s)


async def _serve(queue: Queue, places: int) -> None:
    worker = _worker([queue], places, wait=True)
    heart = asyncio.create_task(keep_alive(worker))
    try:
        await _run(worker)
    finally:
        heart.cancel()


async def _run(worker: Worker) -> None:
    run: Callable[[], Coroutine[Any, Any, None]] = worker.run
    await run()


def _worker(queues: list[Queue] | None, places: int, *, wait: bool) -> Worker:
    return Worker(
        app=jobs,
        queues=queues,
        name=queues[0] if queues else "worker",
        concurrency=places,
        wait=wait,
        install_signal_handlers=False,
        update_heartbeat_interval=_NEVER_S if wait else HEARTBEAT_S,
        stalled_worker_timeout=_FORGOTTEN_AFTER_S,
        task_middleware=[_report_trouble],
    )


def _report_trouble(call_next: Callable[[], Any], context: JobContext, _worker: Worker) -> Any:
    """An error is reported when the job is given up, not each time that it will be tried again."""
    with bound_contextvars(task=context.job.task_name, job_id=context.job.id):
        try:
            return call_next()
        except Exception as error:
            if context.task.get_retry_exception(exception=error, job=context.job) is None:
                report_error(error)
            raise
