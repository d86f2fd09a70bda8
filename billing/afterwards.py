"""Catching up after something was done at Stripe: at once, or if it falls silent, by the worker.

What was done stays done and on record; that the next question was not answered must not undo our memory of it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from uuid import UUID

from billing import entitlements, mirror
from billing.access import Access
from billing.connection import gateway
from billing.errors import ChangeUnsure, PaymentsAway
from billing.gateway import Gateway
from billing.waiting import UntilStripeAnswers
from core import audit
from core.audit import Actor
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


@contextmanager
def found_out_if_unsure(organization_id: UUID, change: str, *, by: Actor, now: datetime) -> Iterator[None]:
    """Around writes at Stripe. Where an answer is lost, the worker finds out how things stand, and that is on record.

    Raises ChangeUnsure then.
    """
    try:
        yield
    except PaymentsAway as away:
        if away.is_unsent:
            raise
        with transaction():
            defer(bring_up_later, organization_id=str(organization_id))
            audit.write(organization_id, "plan.change_unsure", by=by, now=now, after={"change": change})
        raise ChangeUnsure from away


@jobs.task(retry=UntilStripeAnswers(), queue=Queue.STRIPE)
@in_its_own_session
def bring_up_later(organization_id: str) -> None:
    with acting_as_system():
        mirror.bring_up(UUID(organization_id), gateway(), now=utc_now())
