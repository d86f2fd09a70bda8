"""Giving money back, by an operator. What follows for the access stands in `docs/decisions/0010`."""

from datetime import datetime, timedelta
from enum import StrEnum
from http import HTTPStatus
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import select

from billing import credit_notes, entitlements, mirror
from billing.access import GOES_ON, STANDS_STILL, Subscribed, subscribed
from billing.afterwards import catch_up
from billing.connection import gateway as configured_gateway
from billing.errors import PaymentsAway, PaymentsRefused
from billing.facts import account_of, facts_for
from billing.gateway import Gateway
from billing.models import Invoice
from billing.money import NotAnAmount, format_amount, parse_amount
from billing.stripe_words import Snapshot
from billing.waiting import UntilStripeAnswers
from core import audit
from core.accounts import Organization
from core.audit import Actor, ActorKind
from core.clock import utc_now
from core.db import acting_as_system, db, transaction
from core.errors import AppError, FieldProblem, InvalidRequest, NotFound
from core.jobs import Queue, defer, in_its_own_session, jobs

GIVEN_UP_AFTER = timedelta(hours=1)
_LIVE = GOES_ON | STANDS_STILL
_UNTIL_STRIPE_ANSWERS = UntilStripeAnswers()


class NothingToRefund(AppError):
    status, code, title = HTTPStatus.CONFLICT, "nothing_to_refund", "Nothing of this invoice can be refunded"
    advice = "It was not paid, was refunded already, or is disputed: then the bank decides."


class RefundedMeanwhile(AppError):
    status, code, title = HTTPStatus.CONFLICT, "refunded_meanwhile", "Something of this invoice was refunded meanwhile"
    advice = "Load the page again to see what is left. Nothing more was refunded."


class RefundUnsure(AppError):
    status, code, title = HTTPStatus.SERVICE_UNAVAILABLE, "refund_unsure", "We are finding out whether it was refunded"
    advice = "Stripe did not answer in time. Do not refund it again: the audit log says so as soon as it is certain."


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
    something else than there is, and is refused. Asks Stripe first how the charge stands. A refund in full ends the
    access, and with `ends_subscription` the subscription too: otherwise Stripe would charge for it again. Needs the
    system's scope.
    """
    with transaction():
        invoice = _invoice(organization_id, invoice_id)
        number, payment = invoice.snapshot.get("number") or invoice_id, mirror.payment_intent_of(invoice.snapshot)
        stake = at_stake(organization_id)
        _begin(organization_id, invoice_id, now=now)
    try:
        intent, wanted, left, charge = _wanted(payment, gateway, amount_minor, refunded_before_minor)
        currency = str(charge["currency"])
        key = f"refund-{charge['id']}-{charge['amount_refunded']}-{wanted}"
        about = {"invoice": number, "amount": format_amount(wanted, currency), "reason": reason}
        refund_id = _give_back(organization_id, intent, wanted, key, gateway, about=about, by=by)
    except RefundUnsure:
        raise
    except Exception:
        with transaction():
            account_of(organization_id).pending = None
        raise
    with transaction():
        _confirm(organization_id, invoice_id, about, by=by, now=now)
    credit_notes.write(organization_id, invoice_id, refund_id, gateway, amount_minor=wanted, memo=reason)
    outcome = AfterRefund.UNTOUCHED
    if stake is not None and stake.invoice_id == invoice_id and wanted == left:
        outcome = AfterRefund.KEPT
        if ends_subscription:
            outcome = _end(organization_id, stake.subscription.id, gateway, by=by, now=now)
    catch_up(organization_id, gateway, now=now)
    return Refunded(wanted, currency, outcome)


def _begin(organization_id: UUID, invoice_id: str, *, now: datetime) -> None:
    """On record before Stripe is asked. Raises RefundedMeanwhile while another one is under way."""
    account = account_of(organization_id)
    if account.pending is not None and account.pending["at"] > (now - GIVEN_UP_AFTER).timestamp():
        raise RefundedMeanwhile
    account.pending = {"invoice": invoice_id, "at": now.timestamp()}


def _wanted(
    payment: str | None, gateway: Gateway, amount_minor: int | None, refunded_before_minor: int
) -> tuple[str, int, int, Snapshot]:
    """The payment, how much of it to give back, how much is left, and the charge."""
    intent, charge = _refundable(payment, gateway)
    if charge["amount_refunded"] != refunded_before_minor:
        raise RefundedMeanwhile
    left = charge["amount"] - charge["amount_refunded"]
    if amount_minor is not None and not 0 < amount_minor <= left:
        detail = f"Enter an amount up to {format_amount(left, str(charge['currency']))}."
        raise InvalidRequest(errors=(FieldProblem("amount", "out_of_range", detail),))
    return intent, amount_minor or left, left, charge


def _give_back(
    organization_id: UUID, intent: str, wanted: int, key: str, gateway: Gateway, *, about: dict[str, Any], by: Actor
) -> str:
    """The refund's id. Raises RefundUnsure if the answer was lost; then the worker finds out, by the same key."""
    try:
        return gateway.refund(intent, amount_minor=wanted, key=key)
    except PaymentsAway as away:
        if away.is_unsent:
            raise
        with transaction():
            pending = account_of(organization_id).pending or {}
            work = {"intent": intent, "amount_minor": wanted, "key": key, "invoice_id": pending.get("invoice")}
            actor = {"kind": by.kind.value, "id": str(by.id) if by.id else None}
            defer(find_out_about_refund, organization_id=str(organization_id), about=about, actor=actor, **work)
        raise RefundUnsure from away


def _confirm(organization_id: UUID, invoice_id: str, about: dict[str, Any], *, by: Actor, now: datetime) -> None:
    account_of(organization_id).pending = None
    audit.write(organization_id, "plan.refunded", by=by, now=now, subject_id=invoice_id, after=about)


@jobs.task(retry=_UNTIL_STRIPE_ANSWERS, queue=Queue.STRIPE)
@in_its_own_session
def find_out_about_refund(
    organization_id: str,
    *,
    intent: str,
    amount_minor: int,
    key: str,
    invoice_id: str,
    about: dict[str, Any],
    actor: dict[str, Any],
) -> None:
    """The same key gives the same refund, or makes it now. On record once it is certain."""
    by = Actor(kind=ActorKind(actor["kind"]), id=UUID(actor["id"]) if actor["id"] else None)
    with acting_as_system():
        identifier, gateway, now = UUID(organization_id), configured_gateway(), utc_now()
        try:
            refund_id = gateway.refund(intent, amount_minor=amount_minor, key=key)
        except PaymentsRefused:
            with transaction():
                account_of(identifier).pending = None
            return
        with transaction():
            _confirm(identifier, invoice_id, about, by=by, now=now)
        credit_notes.write(identifier, invoice_id, refund_id, gateway, amount_minor=amount_minor, memo=about["reason"])
        catch_up(identifier, gateway, now=now)


def end_without_access(organization_id: UUID, gateway: Gateway, *, by: Actor, now: datetime) -> None:
    """Ends a subscription that goes on and gives no access, so that it charges no more. Raises NotFound."""
    with transaction():
        found = entitlements.charged_without_access(db.session.get_one(Organization, organization_id))
    if found is None:
        raise NotFound("There is no subscription that goes on without access.")
    gateway.cancel(found.id, bills_usage=False)
    with transaction():
        audit.write(organization_id, "plan.ended", by=by, now=now, subject_id=found.id)
    catch_up(organization_id, gateway, now=now)


def _invoice(organization_id: UUID, invoice_id: str) -> Invoice:
    found = mirror.find_invoice(organization_id, invoice_id)
    if found is None:
        raise NotFound("There is no such invoice.")
    return found


def _refundable(intent: str | None, gateway: Gateway) -> tuple[str, Snapshot]:
    """The payment and its charge. Raises NothingToRefund."""
    charge = gateway.charge_for(intent) if intent else None
    if intent is None or charge is None or charge.get("refunded") or charge.get("disputed"):
        raise NothingToRefund
    return intent, charge


def _end(organization_id: UUID, subscription_id: str, gateway: Gateway, *, by: Actor, now: datetime) -> AfterRefund:
    """The money is given back already, so a Stripe that falls silent now must not undo our memory of that."""
    with transaction():
        audit.write(organization_id, "plan.ended", by=by, now=now, subject_id=subscription_id)
    try:
        gateway.cancel(subscription_id, bills_usage=False)
    except PaymentsAway:
        with transaction():
            defer(end_refunded_subscription, organization_id=str(organization_id), subscription_id=subscription_id)
        return AfterRefund.WILL_END
    except PaymentsRefused:
        pass  # it has ended meanwhile; catching up shows how it stands
    return AfterRefund.ENDED


@jobs.task(retry=_UNTIL_STRIPE_ANSWERS, queue=Queue.STRIPE)
@in_its_own_session
def end_refunded_subscription(organization_id: str, subscription_id: str) -> None:
    with acting_as_system():
        gateway, now = configured_gateway(), utc_now()
        if gateway.subscription(subscription_id).get("status") in _LIVE:
            gateway.cancel(subscription_id, bills_usage=False)
        catch_up(UUID(organization_id), gateway, now=now)
