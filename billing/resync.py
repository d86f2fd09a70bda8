"""Catching up after something was done at Stripe: at once, or if it falls silent, by the worker.

What was done stays done and on record; that the next question was not answered must not undo our memory of it.
"""

from datetime import datetime
from uuid import UUID

from billing import entitlements, mirror
from billing.access import EffectiveAccess
from billing.connection import gateway
from billing.errors import PaymentsAway
from billing.gateway import Gateway
from billing.waiting import UntilStripeAnswers
from core.clock import utc_now
from core.db import acting_as_system, transaction
from core.jobs import Queue, defer, in_its_own_session, jobs
from core.scope import needs_system_scope


@needs_system_scope
def catch_up(organization_id: UUID, gateway: Gateway, *, now: datetime) -> EffectiveAccess:
    """Commits what was done before it asks."""
    try:
        return mirror.sync(organization_id, gateway, now=now)
    except PaymentsAway:
        with transaction():
            defer(sync_later, organization_id=str(organization_id))
            return entitlements.access_for(organization_id, now=now)


@jobs.task(aliases=["billing.afterwards.bring_up_later"], retry=UntilStripeAnswers(), queue=Queue.STRIPE)
@in_its_own_session
def sync_later(organization_id: str) -> None:
    with acting_as_system():
        mirror.sync(UUID(organization_id), gateway(), now=utc_now())
