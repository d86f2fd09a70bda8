"""What access depends on, read from the database: the account, what was given by hand, and what Stripe told."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from billing import arrears
from billing.access import GOES_ON, IS_OVER, NEVER_BEGAN, STANDS_STILL, BillingFacts, Grant, Payment, subscribed
from billing.models import BillingAccount, Checkout, Invoice, Subscription
from billing.plans import PlanCode
from billing.stripe_words import PRODUCT, Snapshot
from core.accounts import Organization, OrganizationStatus
from core.db import db


def facts_for(organization: Organization) -> BillingFacts:
    account = find_account(organization.id)
    return BillingFacts(
        is_approved=_is_approved(organization),
        legal_due_at=organization.legal_due_at,
        pilot_ends_at=organization.pilot_ends_at,
        grant=grant_of(account),
        **_facts_of_money(organization.id),
    )


def _is_approved(organization: Organization) -> bool:
    """Also while it is suspended, closing, or closing out of a suspension."""
    status: str | None = organization.status
    if status == OrganizationStatus.CLOSING:
        status = organization.closing_from
    if status == OrganizationStatus.SUSPENDED:
        status = organization.status_before
    return status != OrganizationStatus.SANDBOX


def find_account(organization_id: UUID) -> BillingAccount | None:
    """None as long as nothing about money was ever said."""
    return db.session.get(BillingAccount, organization_id)


def account_of(organization_id: UUID) -> BillingAccount:
    """The organization's account, held until the transaction ends; made if it is not there yet.

    Never held while Stripe is asked. Who needs the organization's row too takes that second.
    """
    made = insert(BillingAccount).values(organization_id=organization_id)
    db.session.execute(made.on_conflict_do_nothing())
    return db.session.get_one(BillingAccount, organization_id, with_for_update=True, populate_existing=True)


def grant_of(account: BillingAccount | None) -> Grant | None:
    if account is None or account.grant_plan is None:
        return None
    return Grant(PlanCode(account.grant_plan), account.grant_until, account.grant_reason or "")


def _facts_of_money(organization_id: UUID) -> dict[str, Any]:
    """Of the subscription that counts, among those that are ours."""
    query = select(Subscription).where(Subscription.organization_id == organization_id)
    latest = one_that_counts(db.session.scalars(query))
    if latest is None:
        return {}
    invoices = select(Invoice).where(Invoice.organization_id == organization_id, Invoice.subscription_id == latest.id)
    newest_first = list(db.session.scalars(invoices.order_by(Invoice.created_at.desc(), Invoice.id.desc())))
    paid = next((one for one in newest_first if one.brought_money), None)
    unpaid = select(Checkout.id).where(
        Checkout.organization_id == organization_id,
        Checkout.subscription_id == latest.id,
        Checkout.status == "complete",
        Checkout.payment_status == "unpaid",
    )
    return {
        "subscription": latest.snapshot,
        "first_failure_at": latest.unpaid_since or arrears.began_at([one.snapshot for one in newest_first]),
        "is_first_payment_open": paid is None and db.session.scalar(unpaid) is not None,
        "payment": Payment(
            is_refunded=bool(paid and paid.charge and paid.charge.get("refunded")),
            is_charged_back=bool(paid and paid.dispute and paid.dispute.get("status") == "lost"),
        ),
    }


def one_that_counts(subscriptions: Iterable[Subscription]) -> Subscription | None:
    """Among all of an organization's."""
    ours = (one for one in subscriptions if is_of_ours(one.snapshot))
    return max(ours, key=lambda one: (_rank(one.status), one.created_at), default=None)


def is_of_ours(snapshot: Snapshot) -> bool:
    """A subscription or a checkout: another product may be sold to the same customer."""
    metadata = snapshot.get("metadata") or {}
    return metadata.get("product") == PRODUCT or subscribed(snapshot).plan is not None


def live_subscriptions(organization_id: UUID) -> list[Snapshot]:
    """Of ours, that may charge somebody; the one that counts comes last."""
    query = select(Subscription).where(
        Subscription.organization_id == organization_id, Subscription.status.in_(GOES_ON | STANDS_STILL)
    )
    found = sorted(db.session.scalars(query), key=lambda one: (_rank(one.status), one.created_at))
    return [one.snapshot for one in found if is_of_ours(one.snapshot)]


def _rank(status: str) -> int:
    """What goes on counts before what stands still, that before what is over, and that before what never began."""
    if status in GOES_ON:
        return 3
    if status in NEVER_BEGAN:
        return 0
    return 1 if status in IS_OVER else 2
