"""From a plan to Stripe: one customer, one open checkout and one live subscription, however often somebody clicks."""

from datetime import datetime, timedelta
from http import HTTPStatus
from uuid import UUID

from sqlalchemy import select

from billing import mirror
from billing.access import IS_OVER, NEVER_BEGAN
from billing.facts import account_of, find_account
from billing.gateway import Gateway
from billing.models import BillingAccount, Checkout
from billing.plans import PLANS, SOLD, PlanCode
from billing.stripe_words import id_of
from core import audit
from core.accounts import Organization, OrganizationStatus
from core.audit import Actor
from core.db import db
from core.errors import AppError, NotFound
from core.ids import new_uuid

ASK_EVERY = timedelta(seconds=2)
_OVER = IS_OVER | NEVER_BEGAN
"""Beside these a new one may begin; what is incomplete was never paid, and expires."""


class AlreadySubscribed(AppError):
    status, code, title = HTTPStatus.CONFLICT, "already_subscribed", "There is a subscription already"
    advice = "Load the plan page again: it shows the subscription, and lets you change it."


class NotForSale(AppError):
    status, code, title = HTTPStatus.CONFLICT, "not_for_sale", "This plan cannot be chosen here"
    advice = "Choose one that the plan page offers."


class NotApprovedYet(AppError):
    status, code, title = HTTPStatus.CONFLICT, "not_approved_yet", "Plans can be chosen after the approval"
    advice = "The task list says what is missing for it."


def start(
    organization_id: UUID,
    plan: PlanCode,
    gateway: Gateway,
    *,
    email: str,
    success_url: str,
    cancel_url: str,
    by: Actor,
    now: datetime,
) -> str:
    """The address of a checkout; of the one that is open already, if it is for the same plan.

    Raises NotForSale, NotApprovedYet, AlreadySubscribed or, since an unsure answer is a no, PaymentsAway. Needs the
    system's scope.
    """
    account = account_of(organization_id)
    organization = db.session.get_one(Organization, organization_id)
    if plan not in SOLD or (plan is PlanCode.METERED and not account.is_metered_offered):
        raise NotForSale
    if organization.status != OrganizationStatus.LIVE:
        raise NotApprovedYet
    customer_id = customer_of(account, organization, gateway, email=email, now=now)
    url = _open_already(organization_id, plan, customer_id, gateway)
    if any(one["status"] not in _OVER for one in gateway.subscriptions_of(customer_id)):
        raise AlreadySubscribed
    if url is not None:
        return url
    attempt_id = new_uuid()
    page = gateway.open_checkout(
        organization_id,
        attempt_id=attempt_id,
        customer_id=customer_id,
        plan=plan,
        success_url=success_url,
        cancel_url=cancel_url,
    )
    db.session.add(
        Checkout(
            id=attempt_id,
            organization_id=organization_id,
            session_id=page.session_id,
            plan=plan.value,
            status="open",
            payment_status="unpaid",
            opened_at=now,
            opened_by=by.id,
        )
    )
    audit.write(organization_id, "plan.checkout_opened", by=by, now=now, after={"plan": PLANS[plan].name})
    return page.url


def find(organization_id: UUID, session_id: str) -> Checkout:
    """Raises NotFound."""
    query = select(Checkout).where(Checkout.organization_id == organization_id, Checkout.session_id == session_id)
    found = db.session.scalar(query)
    if found is None:
        raise NotFound("There is no such checkout.")
    return found


def may_ask(organization_id: UUID, *, now: datetime) -> bool:
    """Whether it is long enough ago that Stripe was asked: pages that wait ask every few seconds, in every tab."""
    account = find_account(organization_id)
    return account is None or account.synced_at is None or now - account.synced_at >= ASK_EVERY


def customer_of(
    account: BillingAccount, organization: Organization, gateway: Gateway, *, email: str, now: datetime
) -> str:
    """One for each organization; a new one after the last was deleted at Stripe."""
    if account.customer_id is not None:
        if gateway.customer(account.customer_id) is not None:
            return account.customer_id
        mirror.bring_up(organization.id, gateway, now=now)  # what ended with it is not forgotten
    account.customers_made += 1
    account.customer_id = gateway.make_customer(
        organization.id,
        name=organization.name,
        email=account.billing_email or email,
        number=account.customers_made,
    )
    db.session.flush()
    return account.customer_id


def _open_already(organization_id: UUID, plan: PlanCode, customer_id: str, gateway: Gateway) -> str | None:
    """The open checkout's address. One for another plan is ended, so that nobody pays twice."""
    query = select(Checkout).where(Checkout.organization_id == organization_id, Checkout.status == "open")
    attempt = db.session.scalar(query)
    if attempt is None:
        return None
    session = gateway.checkout(attempt.session_id)
    is_same = attempt.plan == plan and id_of(session["customer"]) == customer_id
    if session["status"] == "open" and is_same:
        return str(session["url"])
    if session["status"] == "open":
        gateway.expire_checkout(attempt.session_id)
        session = gateway.checkout(attempt.session_id)
    mirror.note_checkout(attempt, session)
    db.session.flush()
    return None
