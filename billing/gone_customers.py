"""Customers that Stripe does not have any more: what is over with them, and what operators do about them."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from billing import emails, entitlements
from billing.accounts import lock_account
from billing.models import BillingAccount, Checkout, Subscription
from billing.stripe_objects import IS_OVER
from core import audit
from core.accounts import Organization
from core.audit import Actor
from core.db import db
from core.errors import NotFound


def unknown() -> list[BillingAccount]:
    """Whose customer Stripe does not know, for operators to look at."""
    query = select(BillingAccount).where(BillingAccount.customer_gone_at.is_not(None))
    return list(db.session.scalars(query.order_by(BillingAccount.customer_gone_at)))


def unlink(organization_id: UUID, *, by: Actor, now: datetime) -> None:
    """What was bought through it is over, and a new checkout makes a new one. Raises NotFound."""
    account = lock_account(organization_id)
    if account.customer_gone_at is None:
        raise NotFound("The customer of this organization exists in Stripe.")
    before = {"customer": account.customer_id}
    forget(account, now=now)
    db.session.flush()
    audit.write(organization_id, "plan.customer_unlinked", by=by, now=now, before=before)
    entitlements.refresh(organization_id, now=now)


def note_unknown(account: BillingAccount, *, now: datetime) -> None:
    """Access stays as it is until an operator has looked: it may be our key that is of another account."""
    if account.customer_gone_at is None:
        account.customer_gone_at = now
        organization = db.session.get_one(Organization, account.organization_id)
        emails.alert_once("customer_gone", organization, about=str(account.customer_id), now=now)


def forget(account: BillingAccount, *, now: datetime) -> None:
    """History stays, and a new checkout makes a new customer. What Stripe does not have can charge nobody: it is over.

    Needs the account held.
    """
    not_over = select(Subscription).where(
        Subscription.organization_id == account.organization_id, Subscription.status.not_in(IS_OVER)
    )
    for subscription in db.session.scalars(not_over).all():
        if subscription.fetched_at != now or subscription.status not in IS_OVER:
            ended = {**subscription.snapshot, "status": "canceled", "ended_at": int(now.timestamp())}
            subscription.status, subscription.snapshot, subscription.fetched_at = "canceled", ended, now
    unfinished = select(Checkout).where(Checkout.organization_id == account.organization_id, Checkout.status == "open")
    for attempt in db.session.scalars(unfinished).all():
        attempt.status = "expired"
    account.customer_id = account.customer = account.customer_gone_at = None
    account.version += 1
