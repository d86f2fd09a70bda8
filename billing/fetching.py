"""Asking Stripe for all that bears on an organization's access. Nothing is held, and nothing is written, meanwhile."""

from collections.abc import Mapping, Sequence
from uuid import UUID

import msgspec
from sqlalchemy import select

from billing.gateway import Gateway
from billing.models import OPENING, BillingAccount, Checkout, Subscription
from billing.stripe_objects import IS_OVER, StripeObject, payment_intent_of, subscription_of
from core.db import db


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked about, as we knew it when we began to ask."""

    version: int
    """Of the account."""
    customer_id: str
    checkouts: Sequence[str]
    """Sessions of which something may still come."""
    subscriptions: Sequence[str]
    """Those that are not over, as far as we know."""
    is_partial: bool
    """Only its subscriptions."""


class CustomerState(msgspec.Struct, frozen=True, kw_only=True):
    """What Stripe answered."""

    question: Question
    customer: StripeObject | None = None
    """None if Stripe knows none of this id."""
    subscriptions: Sequence[StripeObject] = ()
    invoices: Sequence[StripeObject] = ()
    payments: Mapping[str, tuple[StripeObject | None, StripeObject | None]] = {}
    """Charge and dispute by payment."""
    checkouts: Mapping[str, StripeObject] = {}


def question_about(organization_id: UUID, *, is_partial: bool) -> Question | None:
    """None for who never was a customer at Stripe."""
    account = db.session.get(BillingAccount, organization_id)
    if account is None or account.customer_id is None:
        return None
    unfinished = select(Checkout.session_id).where(
        Checkout.organization_id == organization_id,
        (Checkout.status == "open") | ((Checkout.status == "complete") & (Checkout.payment_status == "unpaid")),
        Checkout.session_id.not_like(f"{OPENING}%"),
    )
    not_over = select(Subscription.id).where(
        Subscription.organization_id == organization_id, Subscription.status.not_in(IS_OVER)
    )
    return Question(
        version=account.version,
        customer_id=account.customer_id,
        checkouts=db.session.scalars(unfinished).all(),
        subscriptions=db.session.scalars(not_over).all(),
        is_partial=is_partial,
    )


def fetch(question: Question, gateway: Gateway) -> CustomerState:
    """Raises PaymentsAway or PaymentsRefused."""
    customer_id = question.customer_id
    if question.is_partial:
        return CustomerState(question=question, subscriptions=gateway.subscriptions_of(customer_id))
    customer = gateway.customer_with_tax_ids(customer_id)
    if customer is None:
        return CustomerState(question=question)
    if customer.get("deleted"):  # and with it every subscription
        kept = [found for one in question.subscriptions if (found := gateway.find_subscription(one)) is not None]
        return CustomerState(question=question, customer=customer, subscriptions=kept)
    # a checkout brings its subscription, so subscriptions are listed after checkouts: none is missed
    invoices = gateway.invoices_of(customer_id)
    sessions = {one: found for one in question.checkouts if (found := gateway.find_checkout(one)) is not None}
    subscriptions = gateway.subscriptions_of(customer_id)
    paid = _latest_payments(invoices)
    return CustomerState(
        question=question,
        customer=customer,
        subscriptions=subscriptions,
        invoices=invoices,
        payments={intent: (gateway.charge_for(intent), gateway.dispute_of(intent)) for intent in paid},
        checkouts=sessions,
    )


def _latest_payments(newest_first: Sequence[StripeObject]) -> list[str]:
    """Of each subscription's latest paid invoice: only what became of that money bears on the access."""
    found: dict[str | None, str | None] = {}
    for snapshot in newest_first:
        if snapshot.get("status") == "paid" and snapshot.get("amount_paid"):
            found.setdefault(subscription_of(snapshot), payment_intent_of(snapshot))
    return [intent for intent in found.values() if intent is not None]
