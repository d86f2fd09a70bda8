"""What the clock does to the log: the purge at 02:00 UTC or within the hour, idempotency keys, counts of hours."""

import structlog

from api.decisions import retention
from api.decisions.hourly import counting as hourly
from core.clock import utc_now
from core.db import acting_as_system, transaction
from core.jobs import Queue, in_its_own_session, jobs

log = structlog.get_logger()

DAILY_AT_TWO = "0 2 * * *"
HOURLY = "30 * * * *"


@jobs.periodic(cron=DAILY_AT_TWO)
@jobs.task(queueing_lock="purge_decisions", queue=Queue.LONG)
@in_its_own_session
def purge_decisions(timestamp: int) -> None:  # noqa: ARG001  the queue tells when it was due
    _purge()


@jobs.periodic(cron=HOURLY)
@jobs.task(queueing_lock="purge_decisions_if_missed", queue=Queue.LONG)
@in_its_own_session
def purge_decisions_if_missed(timestamp: int) -> None:  # noqa: ARG001  the queue tells when it was due
    with acting_as_system(), transaction():
        retention.forget_idempotency_keys(now=utc_now())
        is_overdue = retention.is_overdue(now=utc_now())
    if is_overdue:
        _purge()


@jobs.periodic(cron="7 * * * *")
@jobs.task(queueing_lock="count_decision_hours", queue=Queue.LONG)
@in_its_own_session
def count_decision_hours(timestamp: int) -> None:  # noqa: ARG001  the queue tells when it was due
    """Each day by itself, so that what is done stays done."""
    with acting_as_system():
        for since, until in hourly.steps(now=utc_now()):
            with transaction():
                hourly.recount(since=since, until=until)


@jobs.periodic(cron="* * * * *")
@jobs.task(queueing_lock="recount_changed_hours", queue=Queue.LONG)
@in_its_own_session
def recount_changed_hours(timestamp: int) -> None:  # noqa: ARG001  the queue tells when it was due
    with acting_as_system(), transaction():
        hourly.recount_changed()


def _purge() -> None:
    with transaction():
        purged = retention.purge(now=utc_now())
    log.info("decisions.purged", decisions=purged.decisions, partitions=len(purged.partitions))
