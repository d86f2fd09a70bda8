"""Bringing what we keep of an organization up to what Stripe says. One way for every event, button and nightly round.

`sync` is that way: fetch, lock, store, read the facts once, settle the access, notify. Nothing is locked while Stripe
is asked. The account counts what was written, so an older answer never overwrites a newer one.
"""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from billing import arrears, emails, entitlements, facts, fetching, gone_customers, metering, unwanted_charges
from billing.access import EffectiveAccess
from billing.accounts import lock_account
from billing.errors import PaymentsAway
from billing.fetching import CustomerState
from billing.gateway import Gateway
from billing.models import BillingAccount, Checkout, Invoice, Subscription
from billing.stripe_objects import (
    GOES_ON,
    IS_OVER,
    NEVER_BEGAN,
    STANDS_STILL,
    StripeObject,
    id_of,
    is_of_ours,
    moment_of,
    payment_intent_of,
    subscription_of,
)
from core.accounts import Organization, hold
from core.db import db, transaction
from core.scope import needs_system_scope

MOST_TRIES = 4
"""Each loss means that somebody else wrote a newer answer, so more than a few in a row are no race but a fault."""
_KNOWN = GOES_ON | STANDS_STILL | NEVER_BEGAN | IS_OVER


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
            question = fetching.question_about(organization_id, is_partial=is_partial)
        if question is None:
            with transaction():
                return entitlements.refresh(organization_id, now=now)
        state = fetching.fetch(question, gateway)
        with transaction():
            account, organization = lock_account(organization_id), hold(organization_id)
            if (account.version, account.customer_id) == (question.version, question.customer_id):
                return _take_over(account, organization, state, now=now)
    raise PaymentsAway("Another process was reading it at the same time.")


def _take_over(
    account: BillingAccount, organization: Organization, state: CustomerState, *, now: datetime
) -> EffectiveAccess:
    """Needs both held."""
    _store(account, organization, state, now=now)
    known = facts.read(organization, account)
    metering.note_plan(account, known.facts.subscription, now=now)
    access = entitlements.settle(organization, known.facts, now=now)
    unwanted_charges.look_for(organization, known.live, now=now)
    return access


def find_invoice(organization_id: UUID, invoice_id: str) -> Invoice | None:
    query = select(Invoice).where(Invoice.organization_id == organization_id, Invoice.id == invoice_id)
    return db.session.scalar(query)


def invoices_of(organization_id: UUID) -> list[Invoice]:
    """Newest first, without drafts."""
    query = select(Invoice).where(Invoice.organization_id == organization_id, Invoice.status != "draft")
    return list(db.session.scalars(query.order_by(Invoice.created_at.desc(), Invoice.id.desc())))


def _store(account: BillingAccount, organization: Organization, state: CustomerState, *, now: datetime) -> None:
    account.version += 1
    account.synced_at = account.synced_at if state.question.is_partial else now
    for snapshot in state.subscriptions:
        _store_subscription(organization, snapshot, now=now)
    for snapshot in state.invoices:
        _store_invoice(organization.id, snapshot, state, now=now)
    if not state.question.is_partial:
        _store_customer(account, state, now=now)
    db.session.flush()
    _note_arrears(organization.id, now=now)


def _store_customer(account: BillingAccount, state: CustomerState, *, now: datetime) -> None:
    if state.customer is None:
        gone_customers.note_unknown(account, now=now)
    elif state.customer.get("deleted"):
        gone_customers.forget(account, now=now)
    else:
        account.customer, account.customer_gone_at = state.customer, None
        _store_checkouts(account.organization_id, state.checkouts)


def _store_subscription(organization: Organization, snapshot: StripeObject, *, now: datetime) -> None:
    found = db.session.get(Subscription, snapshot["id"])
    if found is None:
        created_at = moment_of(snapshot.get("created")) or now
        found = Subscription(id=snapshot["id"], organization_id=organization.id, created_at=created_at)
        db.session.add(found)
    found.status, found.snapshot, found.fetched_at = str(snapshot.get("status")), snapshot, now
    if is_of_ours(snapshot) and (found.status not in _KNOWN or found.status == "paused"):
        emails.alert_once("subscription_odd", organization, about=f"{found.id} {found.status}", now=now)


def _store_invoice(organization_id: UUID, snapshot: StripeObject, state: CustomerState, *, now: datetime) -> None:
    found = db.session.get(Invoice, snapshot["id"])
    if found is None:
        created_at = moment_of(snapshot.get("created")) or now
        found = Invoice(id=snapshot["id"], organization_id=organization_id, created_at=created_at)
        db.session.add(found)
    found.subscription_id = subscription_of(snapshot)
    found.status, found.snapshot, found.fetched_at = str(snapshot.get("status")), snapshot, now
    intent = payment_intent_of(snapshot)
    if intent is not None and intent in state.payments:
        found.charge, found.dispute = state.payments[intent]


def _store_checkouts(organization_id: UUID, sessions: Mapping[str, StripeObject]) -> None:
    query = select(Checkout).where(Checkout.organization_id == organization_id, Checkout.session_id.in_(sessions))
    for attempt in db.session.scalars(query).all():
        session = sessions[attempt.session_id]
        attempt.status, attempt.payment_status = str(session.get("status")), str(session.get("payment_status"))
        subscription = session.get("subscription")
        attempt.subscription_id = id_of(subscription) if subscription else None


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
