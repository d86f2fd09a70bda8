"""Credit notes for refunds, as tax law wants them. Needs the system's scope."""

from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from billing import emails
from billing.connection import gateway as configured_gateway
from billing.errors import PaymentsAway, PaymentsRefused
from billing.gateway import Gateway
from billing.waiting import UntilStripeAnswers
from core.accounts import Organization
from core.clock import utc_now
from core.db import acting_as_system, db, transaction
from core.jobs import Queue, defer_at, in_its_own_session, jobs

LATER = timedelta(minutes=1)


def write(
    organization_id: UUID, invoice_id: str, refund_id: str, gateway: Gateway, *, amount_minor: int, memo: str
) -> None:
    """Now. If Stripe does not answer, the worker does it: it was asked to, together with the refund."""
    about: Any = {"invoice_id": invoice_id, "refund_id": refund_id, "amount_minor": amount_minor, "memo": memo}
    with suppress(PaymentsAway):
        _write(organization_id, gateway, now=utc_now(), **about)


def write_later(
    organization_id: UUID, invoice_id: str, refund_id: str, *, amount_minor: int, memo: str, now: datetime
) -> None:
    """By the worker, who is given the same one if it was written already. Needs the refund's transaction."""
    about: Any = {"invoice_id": invoice_id, "refund_id": refund_id, "amount_minor": amount_minor, "memo": memo}
    defer_at(now + LATER, write_credit_note, organization_id=str(organization_id), **about)


def _write(organization_id: UUID, gateway: Gateway, *, now: datetime, refund_id: str, **about: Any) -> None:
    """What Stripe refuses, a person has to write. Raises PaymentsAway."""
    try:
        gateway.write_credit_note(refund_id=refund_id, **about)
    except PaymentsRefused as refused:
        with transaction():
            organization = db.session.get_one(Organization, organization_id)
            emails.alert_once("credit_note_missing", organization, about=refund_id, now=now, why=refused.detail)


@jobs.task(retry=UntilStripeAnswers(), queue=Queue.STRIPE)
@in_its_own_session
def write_credit_note(organization_id: str, **about: Any) -> None:
    with acting_as_system(), transaction():
        _write(UUID(organization_id), configured_gateway(), now=utc_now(), **about)
