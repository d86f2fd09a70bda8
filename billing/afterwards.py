"""Catching up after something was done at Stripe: at once, or if it falls silent, by the worker.

What was done stays done and on record; that the next question was not answered must not undo our memory of it.
"""

from datetime import datetime
from uuid import UUID

from procrastinate import RetryStrategy

from billing import entitlements, mirror
from billing.access import Access
from billing.connection import gateway
from billing.errors import PaymentsAway
from billing.gateway import Gateway
from core.clock import utc_now
from core.db import acting_as_system, db, transaction
from core.jobs import Queue, defer, in_its_own_session, jobs


def catch_up(organization_id: UUID, gateway: Gateway, *, now: datetime) -> Access:
    """Needs the system's scope."""
    try:
        with db.session.begin_nested():
            return mirror.bring_up(organization_id, gateway, now=now)
    except PaymentsAway:
        defer(bring_up_later, organization_id=str(organization_id))
        return entitlements.access_for(organization_id, now=now)


@jobs.task(retry=RetryStrategy(max_attempts=10, wait=5, exponential_wait=2), queue=Queue.STRIPE)
@in_its_own_session
def bring_up_later(organization_id: str) -> None:
    with acting_as_system(), transaction():
        mirror.bring_up(UUID(organization_id), gateway(), now=utc_now())
