"""Jobs whose worker was killed: another takes them over as soon as its heartbeat is missed."""

import asyncio

import structlog
from procrastinate.exceptions import ConnectorException, UniqueViolation
from procrastinate.jobs import Job, Status
from procrastinate.worker import Worker

from core.jobs.connection import is_lost
from core.jobs.queue import MOST_LOSSES, jobs

log = structlog.get_logger()

HEARTBEAT_S = 4.0
STALLED_AFTER_S = 16.0
"""With the time until it is seen and begun anew, a lost job waits less than 30 seconds."""


async def keep_alive(worker: Worker) -> None:
    """Also while it finishes what it has begun: the library's own heartbeat ends before that."""
    while True:
        await asyncio.sleep(HEARTBEAT_S)
        if worker.worker_id is not None:
            try:
                await jobs.job_manager.update_heartbeat(worker.worker_id)
            except ConnectorException as error:
                log.warning("worker.no_heartbeat", exc_info=error)


async def take_over_for_ever() -> None:
    """After trouble it pauses: the other workers could not show that they live either."""
    while True:
        await asyncio.sleep(HEARTBEAT_S)
        try:
            await take_over()
        except ConnectorException as error:
            if not is_lost(error):
                raise
            log.warning("worker.lost_jobs_not_seen", exc_info=error)
            await asyncio.sleep(STALLED_AFTER_S)


async def take_over() -> None:
    for job in await jobs.job_manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_AFTER_S):
        await _take_over(job)


async def _take_over(job: Job) -> None:
    """What seems to kill workers is left for a person."""
    if job.attempts >= MOST_LOSSES:
        await jobs.job_manager.finish_job(job, Status.FAILED, delete_job=False)
        return
    try:
        await jobs.job_manager.retry_job(job)
    except UniqueViolation:  # the clock has left another meanwhile, which waits until this one is out of the way
        await jobs.job_manager.finish_job(job, Status.ABORTED, delete_job=False)
    log.warning("job.taken_over", job_id=job.id, task=job.task_name)
