"""What access depends on, read from the database: the account, what was given by hand, and what Stripe said."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import select

from billing import arrears
from billing.access import BillingFacts, Grant, Payment
from billing.accounts import find_account
from billing.models import BillingAccount, Checkout, Invoice, Subscription
from billing.plans import PlanCode
from billing.stripe_objects import GOES_ON, IS_OVER, NEVER_BEGAN, STANDS_STILL, StripeObject, is_of_ours
from core.accounts import Organization, OrganizationStatus
from core.db import db

_MAY_CHARGE = GOES_ON | STANDS_STILL


class Known(msgspec.Struct, frozen=True):
    """All that our own rows say of an organization, read once."""

    facts: BillingFacts
    live: Sequence[StripeObject]
    """Subscriptions of ours that may charge somebody; the one that counts comes last."""


def read(organization: Organization, account: BillingAccount | None) -> Known:
    ours = _our_subscriptions(organization.id)
    facts = BillingFacts(
        is_approved=_is_approved(organization),
        legal_due_at=organization.legal_due_at,
        pilot_ends_at=organization.pilot_ends_at,
        grant=grant_of(account),
        **(_facts_of_money(ours[-1]) if ours else {}),
    )
    return Known(facts, [one.snapshot for one in ours if one.status in _MAY_CHARGE])


def facts_for(organization: Organization) -> BillingFacts:
    return read(organization, find_account(organization.id)).facts


def live_subscriptions(organization_id: UUID) -> list[StripeObject]:
    """Of ours, that may charge somebody; the one that counts comes last."""
    return [one.snapshot for one in _our_subscriptions(organization_id) if one.status in _MAY_CHARGE]


def grant_of(account: BillingAccount | None) -> Grant | None:
    if account is None or account.grant_plan is None:
        return None
    return Grant(PlanCode(account.grant_plan), account.grant_until, account.grant_reason or "")


def _is_approved(organization: Organization) -> bool:
    """Also while it is suspended, closing, or closing out of a suspension."""
    status: str | None = organization.status
    if status == OrganizationStatus.CLOSING:
        status = organization.closing_from
    if status == OrganizationStatus.SUSPENDED:
        status = organization.status_before
    return status != OrganizationStatus.SANDBOX


def _our_subscriptions(organization_id: UUID) -> list[Subscription]:
    """The one that counts comes last."""
    query = select(Subscription).where(Subscription.organization_id == organization_id)
    return in_rank(db.session.scalars(query))


def _facts_of_money(latest: Subscription) -> dict[str, Any]:
    """Of the subscription that counts."""
    organization_id = latest.organization_id
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


def in_rank(subscriptions: Iterable[Subscription]) -> list[Subscription]:
    """Of ours among an organization's; the one that counts comes last."""
    ours = (one for one in subscriptions if is_of_ours(one.snapshot))
    return sorted(ours, key=lambda one: (_rank(one.status), one.created_at))


def _rank(status: str) -> int:
    """What goes on counts before what is paused, that before what is over, and that before what never began."""
    if status in GOES_ON:
        return 3
    if status in NEVER_BEGAN:
        return 0
    return 1 if status in IS_OVER else 2
