"""Bringing what we keep of an organization up to what Stripe says. One way for every event, button and nightly round.

The account is locked while Stripe is asked and until all is written, so an older answer never overwrites a newer one.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from billing import entitlements, letters, metering
from billing.access import GOES_ON, IS_OVER, NEVER_BEGAN, STANDS_STILL, Access, moment_of
from billing.facts import account_of
from billing.gateway import Gateway
from billing.models import BillingAccount, Checkout, Invoice, Subscription
from billing.stripe_words import Snapshot, id_of
from core.accounts import Organization
from core.db import db

_KNOWN = GOES_ON | STANDS_STILL | NEVER_BEGAN | IS_OVER


def bring_up(organization_id: UUID, gateway: Gateway, *, now: datetime) -> Access:
    """Needs the system's scope. Raises PaymentsAway; then nothing is written."""
    account = account_of(organization_id)
    if account.customer_id is not None:
        if gateway.customer(account.customer_id) is None:
            _forget_customer(account, gateway, now=now)
        else:
            _bring_up_customer(account, account.customer_id, gateway, now=now)
        account.synced_at = now
        db.session.flush()
        metering.note_plan(account, now=now)
    return entitlements.refresh(organization_id, now=now)


def find_invoice(organization_id: UUID, invoice_id: str) -> Invoice | None:
    query = select(Invoice).where(Invoice.organization_id == organization_id, Invoice.id == invoice_id)
    return db.session.scalar(query)


def invoices_of(organization_id: UUID) -> list[Invoice]:
    """Newest first, without drafts."""
    query = select(Invoice).where(Invoice.organization_id == organization_id, Invoice.status != "draft")
    return list(db.session.scalars(query.order_by(Invoice.created_at.desc(), Invoice.id.desc())))


def _bring_up_customer(account: BillingAccount, customer_id: str, gateway: Gateway, *, now: datetime) -> None:
    for snapshot in gateway.subscriptions_of(customer_id):
        _keep_subscription(account.organization_id, snapshot, now=now)
    _keep_invoices(account.organization_id, gateway.invoices_of(customer_id), gateway, now=now)
    _bring_up_checkouts(account.organization_id, gateway)


def _forget_customer(account: BillingAccount, gateway: Gateway, *, now: datetime) -> None:
    """Deleted at Stripe, and with it every subscription. History stays, and a new checkout makes a new customer."""
    standing = select(Subscription).where(
        Subscription.organization_id == account.organization_id, Subscription.status.not_in(IS_OVER)
    )
    for subscription in db.session.scalars(standing).all():
        _keep_subscription(account.organization_id, gateway.subscription(subscription.id), now=now)
    account.customer_id = None


def _keep_subscription(organization_id: UUID, snapshot: Snapshot, *, now: datetime) -> None:
    found = db.session.get(Subscription, snapshot["id"])
    if found is None:
        created_at = moment_of(snapshot.get("created")) or now
        found = Subscription(id=snapshot["id"], organization_id=organization_id, created_at=created_at)
        db.session.add(found)
    found.status, found.snapshot, found.fetched_at = str(snapshot.get("status")), snapshot, now
    if found.status not in _KNOWN or found.status == "paused":
        organization = db.session.get_one(Organization, organization_id)
        letters.alert_once("subscription_odd", organization, about=f"{found.id} {found.status}", now=now)


def _keep_invoices(organization_id: UUID, snapshots: Sequence[Snapshot], gateway: Gateway, *, now: datetime) -> None:
    """Of each subscription's latest paid invoice also what became of the money: only that bears on the access."""
    asked: set[str | None] = set()
    for snapshot in snapshots:
        found = db.session.get(Invoice, snapshot["id"])
        if found is None:
            created_at = moment_of(snapshot.get("created")) or now
            found = Invoice(id=snapshot["id"], organization_id=organization_id, created_at=created_at)
            db.session.add(found)
        found.subscription_id = subscription_of(snapshot)
        found.status, found.snapshot, found.fetched_at = str(snapshot.get("status")), snapshot, now
        if found.brought_money and found.subscription_id not in asked:
            asked.add(found.subscription_id)
            intent = payment_intent_of(snapshot)
            if intent is not None:
                found.charge, found.dispute = gateway.charge_for(intent), gateway.dispute_of(intent)


def _bring_up_checkouts(organization_id: UUID, gateway: Gateway) -> None:
    unfinished = select(Checkout).where(
        Checkout.organization_id == organization_id,
        (Checkout.status == "open") | ((Checkout.status == "complete") & (Checkout.payment_status == "unpaid")),
    )
    for attempt in db.session.scalars(unfinished).all():
        note_checkout(attempt, gateway.checkout(attempt.session_id))


def note_checkout(attempt: Checkout, session: Snapshot) -> None:
    attempt.status, attempt.payment_status = str(session.get("status")), str(session.get("payment_status"))
    subscription = session.get("subscription")
    attempt.subscription_id = id_of(subscription) if subscription else None


def subscription_of(invoice: Snapshot) -> str | None:
    details = (invoice.get("parent") or {}).get("subscription_details") or {}
    found = details.get("subscription")
    return id_of(found) if found else None


def period_of(invoice: Snapshot) -> tuple[datetime, datetime] | None:
    """What its lines are for, from the earliest to the latest."""
    periods = [line.get("period") or {} for line in (invoice.get("lines") or {}).get("data") or []]
    starts = list(filter(None, (moment_of(period.get("start")) for period in periods)))
    ends = list(filter(None, (moment_of(period.get("end")) for period in periods)))
    return (min(starts), max(ends)) if starts and ends else None


def payment_intent_of(invoice: Snapshot) -> str | None:
    payments = (invoice.get("payments") or {}).get("data") or []
    for payment in payments:
        intent = (payment.get("payment") or {}).get("payment_intent")
        if intent and payment.get("status") == "paid":
            return id_of(intent)
    return None
