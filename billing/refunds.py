"""Giving money back, by an operator. What follows for the access is in `docs/decisions/0010`."""

from datetime import datetime
from enum import StrEnum
from http import HTTPStatus
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import select

from billing import changes, credit_notes, intents, mirror
from billing.accounts import lock_account
from billing.connection import gateway as configured_gateway
from billing.errors import ChangeUnsure, PaymentsAway, PaymentsRefused
from billing.facts import facts_for
from billing.gateway import Gateway
from billing.intents import Change
from billing.models import Invoice
from billing.money import NotAnAmount, format_amount, parse_amount
from billing.resync import catch_up
from billing.stripe_objects import GOES_ON, STANDS_STILL, StripeObject, Subscribed, payment_intent_of, subscribed
from billing.waiting import UntilStripeAnswers
from core import audit
from core.accounts import Organization
from core.audit import Actor
from core.clock import utc_now
from core.db import acting_as_system, db, transaction
from core.errors import AppError, FieldProblem, InvalidRequest, NotFound
from core.jobs import Queue, defer_at, in_its_own_session, jobs
from core.scope import needs_system_scope

REFUND = "refund"
_LIVE = GOES_ON | STANDS_STILL
_UNTIL_STRIPE_ANSWERS = UntilStripeAnswers()


class NothingToRefund(AppError):
    status, code, title = HTTPStatus.CONFLICT, "nothing_to_refund", "This invoice can't be refunded"
    advice = "It was not paid, was already refunded, or is disputed, in which case the bank decides."


class RefundedMeanwhile(AppError):
    status, code, title = HTTPStatus.CONFLICT, "refunded_meanwhile", "Part of this invoice was refunded in the meantime"
    advice = "Reload the page to see the remaining amount. Nothing more was refunded."


class RefundUnsure(AppError):
    status, code, title = HTTPStatus.SERVICE_UNAVAILABLE, "refund_unsure", "We are checking whether the refund was made"
    advice = (
        "Stripe did not respond in time. Do not refund it again; the audit log shows the result as soon as it is known."
    )


class AfterRefund(StrEnum):
    """What became of the subscription."""

    UNTOUCHED = "untouched"
    """Only a part was refunded, or access does not depend on this invoice."""
    KEPT = "kept"
    """Access is over, and the subscription goes on, as the operator wanted."""
    ENDED = "ended"
    WILL_END = "will_end"
    """As soon as Stripe answers."""


class AtStake(msgspec.Struct, frozen=True):
    """The live subscription whose access is over when this invoice is refunded in full."""

    invoice_id: str
    subscription: Subscribed


class Refunded(msgspec.Struct, frozen=True):
    amount_minor: int
    currency: str
    after: AfterRefund


def at_stake(organization_id: UUID) -> AtStake | None:
    snapshot = facts_for(db.session.get_one(Organization, organization_id)).subscription
    found = subscribed(snapshot) if snapshot is not None else None
    if found is None or found.status not in _LIVE:
        return None
    query = select(Invoice).where(Invoice.organization_id == organization_id, Invoice.subscription_id == found.id)
    newest_first = db.session.scalars(query.order_by(Invoice.created_at.desc(), Invoice.id.desc()))
    paid = next((one for one in newest_first if one.brought_money), None)
    return AtStake(paid.id, found) if paid is not None else None


def amount_of(organization_id: UUID, invoice_id: str, written: str) -> int | None:
    """What an operator wrote, in the invoice's currency; None for all that is left.

    Raises NotFound or InvalidRequest.
    """
    if not written.strip():
        return None
    currency = _invoice(organization_id, invoice_id).snapshot.get("currency")
    try:
        return parse_amount(written, currency)
    except NotAnAmount as fault:
        raise InvalidRequest(errors=(FieldProblem("amount", "invalid", str(fault)),)) from fault


@needs_system_scope
def refund(
    organization_id: UUID,
    invoice_id: str,
    gateway: Gateway,
    *,
    amount_minor: int | None,
    refunded_before_minor: int,
    reason: str,
    by: Actor,
    now: datetime,
    ends_subscription: bool = True,
) -> Refunded:
    """All that is left of what was paid, or a part of it. Raises NothingToRefund or InvalidRequest.

    `refunded_before_minor` is what whoever decides has seen as refunded: a second press, or a second operator, has seen
    something else than there is, and is refused. Asks Stripe for the charge first. A refund in full ends the
    access, and with `ends_subscription` the subscription too: otherwise Stripe would charge for it again. Raises
    RefundUnsure if the answer was lost.
    """
    with transaction():
        invoice = _invoice(organization_id, invoice_id)
        number, payment = invoice.snapshot.get("number") or invoice_id, payment_intent_of(invoice.snapshot)
        stake, settled = at_stake(organization_id), intents.settled(organization_id, REFUND)
    intent, amount, left, charge = _wanted(payment, gateway, amount_minor, refunded_before_minor)
    is_over = stake is not None and stake.invoice_id == invoice_id and amount == left
    ends = stake.subscription.id if stake is not None and is_over and ends_subscription else None
    wanted = {
        "invoice": invoice_id,
        "payment": intent,
        "amount_minor": amount,
        "ends": ends,
        "about": {"invoice": number, "amount": format_amount(amount, str(charge["currency"])), "reason": reason},
    }
    with transaction():
        change = _begin(organization_id, wanted, settled, by=by, now=now)
    refund_id = _give_back(change, gateway)
    with transaction():
        changes.put_on_record(change, now=now, refund_id=refund_id)
    credit_notes.write(organization_id, invoice_id, refund_id, gateway, amount_minor=amount, memo=reason)
    outcome = AfterRefund.KEPT if is_over else AfterRefund.UNTOUCHED
    if ends is not None:
        outcome = _end(ends, gateway)
    catch_up(organization_id, gateway, now=now)
    return Refunded(amount, str(charge["currency"]), outcome)


def _begin(organization_id: UUID, wanted: dict[str, Any], settled: int, *, by: Actor, now: datetime) -> Change:
    """Raises RefundedMeanwhile if another one is under way, or was settled since Stripe was asked for the charge."""
    lock_account(organization_id)
    if intents.settled(organization_id, REFUND) != settled:
        raise RefundedMeanwhile
    try:
        change = changes.begin(organization_id, REFUND, wanted, by=by, now=now)
    except ChangeUnsure as unsure:
        raise RefundedMeanwhile from unsure
    if change.is_joined:
        raise RefundedMeanwhile
    return change


def _wanted(
    payment: str | None, gateway: Gateway, amount_minor: int | None, refunded_before_minor: int
) -> tuple[str, int, int, StripeObject]:
    """The payment, how much of it to give back, how much is left, and the charge."""
    intent, charge = _refundable(payment, gateway)
    if charge["amount_refunded"] != refunded_before_minor:
        raise RefundedMeanwhile
    left = charge["amount"] - charge["amount_refunded"]
    if amount_minor is not None and not 0 < amount_minor <= left:
        detail = f"Enter an amount up to {format_amount(left, str(charge['currency']))}."
        raise InvalidRequest(errors=(FieldProblem("amount", "out_of_range", detail),))
    return intent, amount_minor or left, left, charge


def _give_back(change: Change, gateway: Gateway) -> str:
    """The refund's id. Raises RefundUnsure if the answer was lost; then the worker finds out."""
    wanted = change.wanted
    try:
        with changes.settled(change) as steps:
            key = steps.key(REFUND)
            return gateway.refund(wanted["payment"], amount_minor=wanted["amount_minor"], key=key)
    except ChangeUnsure as unsure:
        raise RefundUnsure from unsure


def _find(change: Change, gateway: Gateway) -> dict[str, Any] | None:
    found = gateway.find_refund(change.wanted["payment"], key=change.key(REFUND))
    return {"refund_id": found} if found is not None else None


def _note(change: Change, now: datetime, *, refund_id: str) -> None:
    """With what has to follow, which the worker does if nobody was quicker."""
    home, wanted, by = change.organization_id, change.wanted, change.by
    invoice_id, about = wanted["invoice"], wanted["about"]
    audit.write(home, "plan.refunded", by=by, now=now, subject_id=invoice_id, after=about)
    amount = wanted["amount_minor"]
    credit_notes.write_later(home, invoice_id, refund_id, amount_minor=amount, memo=about["reason"], now=now)
    if wanted["ends"] is not None:
        audit.write(home, "plan.ended", by=by, now=now, subject_id=wanted["ends"])
        ended = {"organization_id": str(home), "subscription_id": wanted["ends"]}
        defer_at(now + changes.LOOK_AFTER, end_refunded_subscription, **ended)


changes.declare(REFUND, changes.Kind("refund", _find, _note))


def _invoice(organization_id: UUID, invoice_id: str) -> Invoice:
    found = mirror.find_invoice(organization_id, invoice_id)
    if found is None:
        raise NotFound("Invoice not found.")
    return found


def _refundable(intent: str | None, gateway: Gateway) -> tuple[str, StripeObject]:
    """The payment and its charge. Raises NothingToRefund."""
    charge = gateway.charge_for(intent) if intent else None
    if intent is None or charge is None or charge.get("refunded") or charge.get("disputed"):
        raise NothingToRefund
    return intent, charge


def _end(subscription_id: str, gateway: Gateway) -> AfterRefund:
    """The money is given back already, and the worker ends it too, so a Stripe that falls silent now does no harm."""
    try:
        gateway.cancel(subscription_id, bills_usage=False)
    except PaymentsAway:
        return AfterRefund.WILL_END
    except PaymentsRefused:
        pass  # it has ended meanwhile; catching up shows its state
    return AfterRefund.ENDED


@jobs.task(retry=_UNTIL_STRIPE_ANSWERS, queue=Queue.STRIPE)
@in_its_own_session
def end_refunded_subscription(organization_id: str, subscription_id: str) -> None:
    with acting_as_system():
        gateway, now = configured_gateway(), utc_now()
        if gateway.subscription(subscription_id).get("status") in _LIVE:
            gateway.cancel(subscription_id, bills_usage=False)
        catch_up(UUID(organization_id), gateway, now=now)
