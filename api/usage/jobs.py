"""Counting by the clock: quotas every minute, hours sealed every hour, and a nightly look for what came late."""

from datetime import timedelta

import structlog

from api.usage import counts
from billing import metering, quotas
from billing.jobs import send_usage
from core.clock import utc_now
from core.db import acting_as_system, transaction
from core.jobs import Queue, defer, each_by_itself, in_its_own_session, jobs

log = structlog.get_logger()

LATE = timedelta(days=7)
"""A spool that comes home later than this is not looked for any more."""


@jobs.periodic(cron="* * * * *")
@jobs.task(queueing_lock="watch_quotas")
@in_its_own_session
def watch_quotas(timestamp: int) -> None:  # noqa: ARG001  the queue tells when it was due
    """All are looked at together; who may be near the limit, one by one."""
    now = utc_now()
    with acting_as_system(), transaction():
        near = quotas.may_be_near(counts.used_lately(quotas.limited(now), now=now))
        with_limit = list(quotas.with_quota(now, among=near))
    for quota in with_limit:
        with each_by_itself("quota.not_watched", quota.organization_id), acting_as_system(), transaction():
            used = counts.used_in(quota.organization_id, since=quota.since, until=quota.until)
            quotas.note_usage(quota, used, now=now)


@jobs.periodic(cron="* * * * *")
@jobs.task(queueing_lock="count_last_minutes")
@in_its_own_session
def count_last_minutes(timestamp: int) -> None:
    """Of who pays as they go and whose period ends within minutes: the last of it belongs onto its invoice."""
    now = utc_now()
    with acting_as_system(), transaction():
        ending = metering.ending_soon(now)
        for payer in ending:
            counts.count_open_hour(payer.organization_id, now=now)
    if ending:
        with transaction():
            defer(send_usage, timestamp=timestamp)


@jobs.periodic(cron="6 * * * *")
@jobs.task(queueing_lock="seal_hours", queue=Queue.LONG)
@in_its_own_session
def seal_hours(timestamp: int) -> None:  # noqa: ARG001  the queue tells when it was due
    with acting_as_system(), transaction():
        added = counts.seal_hours(now=utc_now())
    log.info("usage.sealed", checks=added)


@jobs.periodic(cron="40 3 * * *")
@jobs.task(queueing_lock="look_for_late_checks", queue=Queue.LONG)
@in_its_own_session
def look_for_late_checks(timestamp: int) -> None:  # noqa: ARG001  the queue tells when it was due
    now = utc_now()
    with acting_as_system(), transaction():
        counts.seal_hours(now=now)
        added = counts.count_again(since=counts.full_hour(now - LATE), until=counts.full_hour(now), now=now)
    log.info("usage.late_checks_added", checks=added)
