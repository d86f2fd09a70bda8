"""What the clock does about notifications: blocked decisions each minute, and old deliveries deleted at night."""

import structlog

from core.clock import utc_now
from core.db import acting_as_system, transaction
from core.jobs import Queue, in_its_own_session, isolate_errors, jobs
from portal.notifications import alerts, blocked, deliveries

log = structlog.get_logger()


@jobs.periodic(cron="* * * * *")
@jobs.task(aliases=["portal.notifications.jobs.tell_of_blocked_decisions"], queueing_lock="notify_of_blocked_decisions")
@in_its_own_session
def notify_of_blocked_decisions(timestamp: int) -> None:  # noqa: ARG001  the queue tells when it was due
    now = utc_now()
    with acting_as_system(), transaction():
        waiting = blocked.to_notify(now=now)
    for channel_id, organization_id in waiting:
        with isolate_errors("notification.blocked_not_told", organization_id), acting_as_system(), transaction():
            blocked.notify(channel_id, now=now)


@jobs.periodic(cron="25 3 * * *")
@jobs.task(queueing_lock="purge_notifications", queue=Queue.LONG)
@in_its_own_session
def purge_notifications(timestamp: int) -> None:  # noqa: ARG001  the queue tells when it was due
    now = utc_now()
    with acting_as_system(), transaction():
        deleted = deliveries.purge(now=now)
        alerts.purge(now=now)
    log.info("notification.purged", deliveries=deleted)
