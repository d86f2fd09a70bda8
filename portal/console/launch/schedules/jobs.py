"""Reminders of the plan and of watch lists, every ten minutes."""

from core.clock import utc_now
from core.db import acting_as_system, transaction
from core.jobs import in_its_own_session, jobs
from portal.console.launch.schedules import services

EVERY_TEN_MINUTES = "*/10 * * * *"


@jobs.periodic(cron=EVERY_TEN_MINUTES)
@jobs.task(queueing_lock="remind_of_launch_tasks")
@in_its_own_session
def remind_of_launch_tasks(timestamp: int) -> None:  # noqa: ARG001  the queue tells when it was due
    with acting_as_system(), transaction():
        services.remind(now=utc_now())
