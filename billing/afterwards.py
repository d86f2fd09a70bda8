"""Catching up after something was done at Stripe: at once, or if it falls silent, by the worker.

What was done stays done and on record; that the next question was not answered must not undo our memory of it.
"""

from datetime import datetime
from uuid import UUID

from billing import entitlements, mirror
from billing.access import Access
from billing.connection import gateway
from billing.errors import PaymentsAway
from billing.gateway import Gateway
from billing.waiting import UntilStripeAnswers
from core.clock import utc_now
from core.db import acting_as_system, transaction
from core.jobs import Queue, defer, in_its_own_session, jobs


def catch_up(organization_id: UUID, gateway: Gateway, *, now: datetime) -> Access:
    """Commits what was done before it asks. Needs the system's scope."""
    try:
        return mirror.bring_up(organization_id, gateway, now=now)
    except PaymentsAway:
        with transaction():
            defer(bring_up_later, organization_id=str(organization_id))
            return entitlements.access_for(organization_id, now=now)


@jobs.task(retry=UntilStripeAnswers(), queue=Queue.STRIPE)
@in_its_own_session
def bring_up_later(organization_id: str) -> None:
    with acting_as_system():
        mirror.bring_up(UUID(organization_id), gateway(), now=utc_now())
