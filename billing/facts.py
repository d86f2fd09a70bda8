"""What access depends on, read from the database: the account, what was given by hand, and what Stripe told."""

from typing import Any
from uuid import UUID

from sqlalchemy import select

from billing.access import GOES_ON, IS_OVER, NEVER_BEGAN, Facts, Grant, Payment, moment_of, subscribed
from billing.models import BillingAccount, Checkout, Invoice, Subscription
from billing.plans import PlanCode
from billing.stripe_words import PRODUCT
from core.accounts import Organization, OrganizationStatus, hold
from core.db import db


def facts_for(organization: Organization) -> Facts:
    account = find_account(organization.id)
    return Facts(
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
    """The organization's account, held until the transaction ends; made if it is not there yet."""
    hold(organization_id)
    account = db.session.get(BillingAccount, organization_id, with_for_update=True, populate_existing=True)
    if account is None:
        account = BillingAccount(organization_id=organization_id)
        db.session.add(account)
        db.session.flush()
    return account


def grant_of(account: BillingAccount | None) -> Grant | None:
    if account is None or account.grant_plan is None:
        return None
    return Grant(PlanCode(account.grant_plan), account.grant_until, account.grant_reason or "")


def _facts_of_money(organization_id: UUID) -> dict[str, Any]:
    """Of the subscription that counts, among those that are ours."""
    query = select(Subscription).where(Subscription.organization_id == organization_id)
    found = sorted(filter(_is_ours, db.session.scalars(query)), key=lambda one: (_rank(one.status), one.created_at))
    if not found:
        return {}
    latest = found[-1]
    invoices = select(Invoice).where(Invoice.organization_id == organization_id, Invoice.subscription_id == latest.id)
    newest_first = list(db.session.scalars(invoices.order_by(Invoice.created_at.desc(), Invoice.id.desc())))
    paid = next((one for one in newest_first if one.brought_money), None)
    tried_in_vain = [
        moment_of((one.snapshot.get("status_transitions") or {}).get("finalized_at")) or one.created_at
        for one in newest_first
        if one.status in {"open", "uncollectible"} and one.snapshot.get("attempt_count")
    ]
    unpaid = select(Checkout.id).where(
        Checkout.organization_id == organization_id,
        Checkout.subscription_id == latest.id,
        Checkout.status == "complete",
        Checkout.payment_status == "unpaid",
    )
    return {
        "subscription": latest.snapshot,
        "first_failure_at": min(tried_in_vain, default=None),
        "is_first_payment_open": paid is None and db.session.scalar(unpaid) is not None,
        "payment": Payment(
            is_refunded=bool(paid and paid.charge and paid.charge.get("refunded")),
            is_charged_back=bool(paid and paid.dispute and paid.dispute.get("status") == "lost"),
        ),
    }


def _is_ours(subscription: Subscription) -> bool:
    """Another product of ours may be sold to the same customer."""
    metadata = subscription.snapshot.get("metadata") or {}
    return metadata.get("product") == PRODUCT or subscribed(subscription.snapshot).plan is not None


def _rank(status: str) -> int:
    """What goes on counts before what stands still, that before what is over, and that before what never began."""
    if status in GOES_ON:
        return 3
    if status in NEVER_BEGAN:
        return 0
    return 1 if status in IS_OVER else 2
