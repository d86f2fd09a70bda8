"""Bringing what we keep of an organization up to what Stripe says. One way for every event, button and nightly round.

Nothing is locked while Stripe is asked. The account counts what was written, so an older answer never overwrites a
newer one.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import blinker
import msgspec
from sqlalchemy import select

from billing import arrears, emails, entitlements, gone_customers, metering
from billing.access import GOES_ON, IS_OVER, NEVER_BEGAN, STANDS_STILL, EffectiveAccess, moment_of, subscribed
from billing.errors import PaymentsAway
from billing.facts import account_of, find_account, is_of_ours, live_subscriptions
from billing.gateway import Gateway
from billing.models import OPENING, Checkout, Invoice, Subscription
from billing.stripe_words import Snapshot, id_of
from core.accounts import Organization, OrganizationStatus
from core.db import db, transaction
from core.scope import needs_system_scope

must_end = blinker.Signal()
"""Sent, with the change that showed it, where somebody who left would go on being charged."""

MOST_TRIES = 4
_KNOWN = GOES_ON | STANDS_STILL | NEVER_BEGAN | IS_OVER


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """All that Stripe says of a customer, fetched without holding anything."""

    version: int
    """Of the account when it was begun to ask."""
    customer_id: str
    customer: Snapshot | None = None
    """None if Stripe knows none of this id."""
    subscriptions: Sequence[Snapshot] = ()
    invoices: Sequence[Snapshot] = ()
    money: Mapping[str, tuple[Snapshot | None, Snapshot | None]] = {}
    """Charge and dispute by payment."""
    checkouts: Mapping[str, Snapshot] = {}
    is_partial: bool = False
    """Only its subscriptions."""


def refresh_subscriptions(organization_id: UUID, gateway: Gateway, *, now: datetime) -> None:
    """As `sync`, by one question: for a page that acts on them."""
    sync(organization_id, gateway, now=now, is_partial=True)


@needs_system_scope
def sync(organization_id: UUID, gateway: Gateway, *, now: datetime, is_partial: bool = False) -> EffectiveAccess:
    """Commits: before Stripe is asked, so that nothing is held meanwhile, and afterwards.

    An answer that somebody else's has overtaken is asked for anew. Raises PaymentsAway; then
    nothing is written.
    """
    for _ in range(MOST_TRIES):
        with transaction():
            account = find_account(organization_id)
            asked = (account.version, account.customer_id) if account is not None else None
            checkouts, standing = _unfinished(organization_id), gone_customers.standing(organization_id)
        if asked is None or asked[1] is None:
            with transaction():
                return entitlements.refresh(organization_id, now=now)
        if is_partial:
            listed = gateway.subscriptions_of(asked[1])
            told = Told(version=asked[0], customer_id=asked[1], subscriptions=listed, is_partial=True)
        else:
            told = _fetch(asked[0], asked[1], checkouts, standing, gateway)
        with transaction():
            access = _write(organization_id, told, now=now)
        if access is not None:
            return access
    raise PaymentsAway("Somebody else was asking at the same time.")


def _fetch(version: int, customer_id: str, checkouts: Sequence[str], standing: Sequence[str], gateway: Gateway) -> Told:
    customer = gateway.customer_with_tax_ids(customer_id)
    if customer is None:
        return Told(version=version, customer_id=customer_id)
    if customer.get("deleted"):  # and with it every subscription
        kept = [found for one in standing if (found := gateway.find_subscription(one)) is not None]
        return Told(version=version, customer_id=customer_id, customer=customer, subscriptions=kept)
    invoices = gateway.invoices_of(customer_id)
    money = {intent: (gateway.charge_for(intent), gateway.dispute_of(intent)) for intent in _latest_payments(invoices)}
    sessions = {one: found for one in checkouts if (found := gateway.find_checkout(one)) is not None}
    return Told(
        version=version,
        customer_id=customer_id,
        customer=customer,
        subscriptions=gateway.subscriptions_of(customer_id),
        invoices=invoices,
        money=money,
        checkouts=sessions,
    )


def _write(organization_id: UUID, told: Told, *, now: datetime) -> EffectiveAccess | None:
    """None if something else was written since it was begun to ask."""
    account = account_of(organization_id)
    if (account.version, account.customer_id) != (told.version, told.customer_id):
        return None
    account.version += 1
    account.synced_at = account.synced_at if told.is_partial else now
    for snapshot in told.subscriptions:
        _keep_subscription(organization_id, snapshot, now=now)
    _keep_invoices(organization_id, told, now=now)
    if told.is_partial:
        pass
    elif told.customer is None:
        gone_customers.note_unknown(account, now=now)
    elif told.customer.get("deleted"):
        gone_customers.forget(account, now=now)
    else:
        account.customer, account.customer_gone_at = told.customer, None
        _keep_checkouts(organization_id, told.checkouts)
    db.session.flush()
    _note_arrears(organization_id, now=now)
    _watch_live(organization_id, now=now)
    metering.note_plan(account, now=now)
    return entitlements.refresh(organization_id, now=now)


def find_invoice(organization_id: UUID, invoice_id: str) -> Invoice | None:
    query = select(Invoice).where(Invoice.organization_id == organization_id, Invoice.id == invoice_id)
    return db.session.scalar(query)


def invoices_of(organization_id: UUID) -> list[Invoice]:
    """Newest first, without drafts."""
    query = select(Invoice).where(Invoice.organization_id == organization_id, Invoice.status != "draft")
    return list(db.session.scalars(query.order_by(Invoice.created_at.desc(), Invoice.id.desc())))


def _watch_live(organization_id: UUID, *, now: datetime) -> None:
    """One live subscription at most, and none of an account that is closing or closed."""
    live = live_subscriptions(organization_id)
    organization = db.session.get_one(Organization, organization_id, populate_existing=True)
    if len(live) > 1:
        about = " ".join(sorted(one["id"] for one in live))
        emails.alert_once("subscription_second", organization, about=about, now=now)
    if organization.status == OrganizationStatus.CLOSED and live:
        about = " ".join(sorted(one["id"] for one in live))
        emails.alert_once("charged_after_closing", organization, about=about, now=now)
        must_end.send(organization_id=organization_id)
    elif organization.status == OrganizationStatus.CLOSING and any(_renews(one) for one in live):
        must_end.send(organization_id=organization_id)


def _renews(snapshot: Snapshot) -> bool:
    return snapshot.get("status") in GOES_ON and subscribed(snapshot).ends_at is None


def _note_arrears(organization_id: UUID, *, now: datetime) -> None:
    query = select(Subscription).where(Subscription.organization_id == organization_id)
    for subscription in db.session.scalars(query).all():
        if subscription.status not in arrears.IN_ARREARS:
            subscription.unpaid_since = None
            continue
        invoices = select(Invoice.snapshot).where(
            Invoice.organization_id == organization_id, Invoice.subscription_id == subscription.id
        )
        newest_first = list(db.session.scalars(invoices.order_by(Invoice.created_at.desc(), Invoice.id.desc())))
        since = subscription.unpaid_since
        if since is None or not arrears.still_counts(since, newest_first):
            subscription.unpaid_since = arrears.began_at(newest_first) or now


def _keep_subscription(organization_id: UUID, snapshot: Snapshot, *, now: datetime) -> None:
    found = db.session.get(Subscription, snapshot["id"])
    if found is None:
        created_at = moment_of(snapshot.get("created")) or now
        found = Subscription(id=snapshot["id"], organization_id=organization_id, created_at=created_at)
        db.session.add(found)
    found.status, found.snapshot, found.fetched_at = str(snapshot.get("status")), snapshot, now
    if is_of_ours(snapshot) and (found.status not in _KNOWN or found.status == "paused"):
        organization = db.session.get_one(Organization, organization_id)
        emails.alert_once("subscription_odd", organization, about=f"{found.id} {found.status}", now=now)


def _keep_invoices(organization_id: UUID, told: Told, *, now: datetime) -> None:
    for snapshot in told.invoices:
        found = db.session.get(Invoice, snapshot["id"])
        if found is None:
            created_at = moment_of(snapshot.get("created")) or now
            found = Invoice(id=snapshot["id"], organization_id=organization_id, created_at=created_at)
            db.session.add(found)
        found.subscription_id = subscription_of(snapshot)
        found.status, found.snapshot, found.fetched_at = str(snapshot.get("status")), snapshot, now
        intent = payment_intent_of(snapshot)
        if intent is not None and intent in told.money:
            found.charge, found.dispute = told.money[intent]


def _latest_payments(newest_first: Sequence[Snapshot]) -> list[str]:
    """Of each subscription's latest paid invoice: only what became of that money bears on the access."""
    found: dict[str | None, str | None] = {}
    for snapshot in newest_first:
        if snapshot.get("status") == "paid" and snapshot.get("amount_paid"):
            found.setdefault(subscription_of(snapshot), payment_intent_of(snapshot))
    return [intent for intent in found.values() if intent is not None]


def _unfinished(organization_id: UUID) -> list[str]:
    """Checkouts of which something may still come."""
    query = select(Checkout.session_id).where(
        Checkout.organization_id == organization_id,
        (Checkout.status == "open") | ((Checkout.status == "complete") & (Checkout.payment_status == "unpaid")),
        Checkout.session_id.not_like(f"{OPENING}%"),
    )
    return list(db.session.scalars(query))


def _keep_checkouts(organization_id: UUID, sessions: Mapping[str, Snapshot]) -> None:
    query = select(Checkout).where(Checkout.organization_id == organization_id, Checkout.session_id.in_(sessions))
    for attempt in db.session.scalars(query).all():
        note_checkout(attempt, sessions[attempt.session_id])


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
