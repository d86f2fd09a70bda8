"""Counting by the clock: quotas every minute, hours sealed every hour, and a nightly look for what came late."""

from datetime import timedelta

import structlog

from api.usage import availability, counts, limit_accuracy, request_days
from billing import metering, quotas
from billing.jobs import send_usage
from core.clock import utc_now
from core.db import acting_as_system, transaction
from core.jobs import Queue, defer, in_its_own_session, isolate_errors, jobs

log = structlog.get_logger()

LATE = timedelta(days=7)
"""A spool that comes home later than this is not looked for any more."""


@jobs.periodic(cron="* * * * *")
@jobs.task(queueing_lock="watch_quotas")
@in_its_own_session
def watch_quotas(timestamp: int) -> None:  # noqa: ARG001  the queue tells when it was due
    """All are looked at together; those of whom there is news, one by one."""
    now = utc_now()
    with acting_as_system(), transaction():
        counted = quotas.counted(now)
        used = counts.used_since({quota.organization_id: quota.since for quota in counted})
        to_notify = quotas.to_notify(counted, used)
    for quota in to_notify:
        with isolate_errors("quota.not_watched", quota.organization_id), acting_as_system(), transaction():
            quotas.note_usage(quota, used[quota.organization_id], now=now)


@jobs.periodic(cron="* * * * *")
@jobs.task(queueing_lock="count_last_minutes")
@in_its_own_session
def count_last_minutes(timestamp: int) -> None:
    """Of who pays as they go and whose period ends within minutes: the last of it belongs onto its invoice."""
    now = utc_now()
    with acting_as_system(), transaction():
        ending = [payer.organization_id for payer in metering.ending_soon(now)]
        if ending:
            counts.count_open_hour(ending, now=now)
            defer(send_usage, timestamp=timestamp)


@jobs.periodic(cron="6 * * * *")
@jobs.task(queueing_lock="seal_hours", queue=Queue.LONG)
@in_its_own_session
def seal_hours(timestamp: int) -> None:  # noqa: ARG001  the queue tells when it was due
    with acting_as_system(), transaction():
        added = counts.seal_hours(now=utc_now())
    log.info("usage.sealed", checks=added)


@jobs.periodic(cron="8 * * * *")
@jobs.task(queueing_lock="count_request_days", queue=Queue.LONG)
@in_its_own_session
def count_request_days(timestamp: int) -> None:  # noqa: ARG001  the queue tells when it was due
    with acting_as_system(), transaction():
        request_days.count(now=utc_now())


@jobs.periodic(cron="40 3 * * *")
@jobs.task(queueing_lock="look_for_late_checks", queue=Queue.LONG)
@in_its_own_session
def look_for_late_checks(timestamp: int) -> None:  # noqa: ARG001  the queue tells when it was due
    now = utc_now()
    with acting_as_system(), transaction():
        counts.seal_hours(now=now)
        added = counts.count_again(since=counts.full_hour(now - LATE), until=counts.full_hour(now), now=now)
    log.info("usage.late_checks_added", checks=added)


@jobs.periodic(cron="45 3 * * *")
@jobs.task(queueing_lock="purge_request_counts", queue=Queue.LONG)
@in_its_own_session
def purge_request_counts(timestamp: int) -> None:  # noqa: ARG001  the queue tells when it was due
    with acting_as_system(), transaction():
        availability.purge(now=utc_now())
        limit_accuracy.purge(now=utc_now())
