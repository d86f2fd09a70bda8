"""From a plan to Stripe: one customer, one open checkout and one live subscription, however often somebody clicks."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from http import HTTPStatus
from uuid import UUID

from sqlalchemy import select, update

from billing import gone_customers, mirror
from billing.accounts import find_account, lock_account
from billing.errors import PaymentsRefused
from billing.gateway import Gateway
from billing.models import OPENING, BillingAccount, Checkout
from billing.plans import PLANS, SOLD, PlanCode
from billing.resync import sync_later
from billing.stripe_objects import IS_OVER, NEVER_BEGAN, StripeObject, is_of_ours
from core import audit
from core.accounts import Organization, OrganizationStatus
from core.audit import Actor
from core.db import db, rows_changed, transaction
from core.errors import AppError, NotFound
from core.ids import new_uuid
from core.jobs import defer
from core.rows import fresh, read_anew
from core.scope import needs_system_scope

ASK_EVERY = timedelta(seconds=5)
_OVER = IS_OVER | NEVER_BEGAN
"""Beside these a new one may begin; what is incomplete was never paid, and expires."""


class AlreadySubscribed(AppError):
    status, code, title = HTTPStatus.CONFLICT, "already_subscribed", "You already have a subscription"
    advice = "Reload the plan page to see the subscription and change it."


class NotForSale(AppError):
    status, code, title = HTTPStatus.CONFLICT, "not_for_sale", "This plan is not available"
    advice = "Choose one of the plans on the plan page."


class NotApprovedYet(AppError):
    status, code, title = (
        HTTPStatus.CONFLICT,
        "not_approved_yet",
        "You can subscribe once your organization is approved",
    )
    advice = "See the remaining steps on the Get started page."


@needs_system_scope
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

    The attempt is on record before Stripe is asked, and its id is the key: whoever asks again, after an answer that was
    lost, is given the same checkout. Commits; nothing is held meanwhile. Raises NotForSale, NotApprovedYet,
    AlreadySubscribed or, since an unsure answer is a no, PaymentsAway.
    """
    with transaction():
        _need_for_sale(organization_id, plan)
        there = _open_attempt(organization_id)
        known = there.session_id if there is not None else None
    customer_id = customer_of(organization_id, gateway, email=email, now=now)
    if any(one["status"] not in _OVER and is_of_ours(one) for one in gateway.subscriptions_of(customer_id)):
        raise AlreadySubscribed
    open_there = [one for one in gateway.open_checkouts_of(customer_id) if is_of_ours(one)]
    with transaction():
        ended = {known} - {one["id"] for one in open_there}
        attempt_id, session_id = _begin(organization_id, plan, ended, by=by, now=now)
    url = _end_others(open_there, session_id, gateway)
    if url is not None:
        return url
    page = gateway.open_checkout(
        organization_id,
        attempt_id=attempt_id,
        customer_id=customer_id,
        plan=plan,
        success_url=success_url,
        cancel_url=cancel_url,
    )
    with transaction():
        is_wanted = _note_opened(organization_id, attempt_id, page.session_id, plan, by=by, now=now)
    if not is_wanted:
        gateway.expire_checkout(page.session_id)
        raise NotApprovedYet
    return page.url


def _need_for_sale(organization_id: UUID, plan: PlanCode) -> None:
    account = lock_account(organization_id)
    organization = fresh(Organization, organization_id)
    if plan not in SOLD or (plan is PlanCode.METERED and not account.is_metered_offered):
        raise NotForSale
    if organization.status != OrganizationStatus.LIVE:
        raise NotApprovedYet


def _open_attempt(organization_id: UUID) -> Checkout | None:
    query = select(Checkout).where(Checkout.organization_id == organization_id, Checkout.status == "open")
    return db.session.scalar(read_anew(query))


def _begin(
    organization_id: UUID, plan: PlanCode, ended: set[str | None], *, by: Actor, now: datetime
) -> tuple[UUID, str]:
    """The attempt that is to be opened, the one that is there if it is for the same plan and has not `ended` at Stripe.

    One that was opened since Stripe was asked is not among what Stripe said, and has not ended.
    """
    lock_account(organization_id)
    there = _open_attempt(organization_id)
    if there is not None and there.plan == plan and (there.is_being_opened or there.session_id not in ended):
        return there.id, there.session_id
    if there is not None:
        there.status = "expired"
        db.session.flush()
    attempt_id = new_uuid()
    attempt = Checkout(
        id=attempt_id,
        organization_id=organization_id,
        session_id=f"{OPENING}{attempt_id}",
        plan=plan.value,
        status="open",
        payment_status="unpaid",
        opened_at=now,
        opened_by=by.id,
    )
    db.session.add(attempt)
    db.session.flush()
    return attempt_id, attempt.session_id


def _end_others(open_there: Sequence[StripeObject], session_id: str, gateway: Gateway) -> str | None:
    """Nobody pays twice: what is open beside the wanted one is ended. The wanted one's address, if it is open."""
    for session in open_there:
        if session["id"] != session_id:
            with suppress(PaymentsRefused):  # it was paid or has expired meanwhile
                gateway.expire_checkout(session["id"])
    return next((str(one["url"]) for one in open_there if one["id"] == session_id), None)


def _note_opened(
    organization_id: UUID, attempt_id: UUID, session_id: str, plan: PlanCode, *, by: Actor, now: datetime
) -> bool:
    """Whether it is still wanted: the account may have been closed while Stripe was asked."""
    lock_account(organization_id)
    attempt = fresh(Checkout, attempt_id)
    organization = fresh(Organization, organization_id)
    is_first, attempt.session_id = attempt.is_being_opened, session_id
    if organization.status != OrganizationStatus.LIVE:
        attempt.status = "expired"
        return False
    if is_first:
        audit.write(organization_id, "plan.checkout_opened", by=by, now=now, after={"plan": PLANS[plan].name})
    return True


def find(organization_id: UUID, session_id: str) -> Checkout:
    """Raises NotFound."""
    query = select(Checkout).where(Checkout.organization_id == organization_id, Checkout.session_id == session_id)
    found = db.session.scalar(query)
    if found is None:
        raise NotFound("Checkout not found.")
    return found


def request_sync(attempt: Checkout, *, now: datetime) -> None:
    """Has the worker ask Stripe, at most every few seconds: pages that wait ask often, in every tab. Commits."""
    long_ago = BillingAccount.asked_at.is_(None) | (BillingAccount.asked_at <= now - ASK_EVERY)
    ours = BillingAccount.organization_id == attempt.organization_id
    with transaction():
        if rows_changed(update(BillingAccount).where(ours, long_ago).values(asked_at=now)):
            defer(sync_later, organization_id=str(attempt.organization_id))


def customer_of(organization_id: UUID, gateway: Gateway, *, email: str, now: datetime) -> str:
    """One for each organization; a new one after the last was deleted at Stripe. Commits."""
    with transaction():
        customer_id = lock_account(organization_id).customer_id
    if customer_id is not None:
        if gateway.customer(customer_id) is not None:
            return customer_id
        mirror.sync(organization_id, gateway, now=now)  # what ended with it is not forgotten
    with transaction():
        account = lock_account(organization_id)
        if account.customer_id is not None:
            gone_customers.forget(account, now=now)
        number = account.customers_made + 1
        name, invoices_to = db.session.get_one(Organization, organization_id).name, account.billing_email or email
    made = gateway.make_customer(organization_id, name=name, email=invoices_to, number=number)
    with transaction():
        account = lock_account(organization_id)
        if account.customer_id is None:
            account.customer_id, account.customers_made = made, number
        return account.customer_id


def expire_open(organization_id: UUID, gateway: Gateway) -> None:
    """Every checkout of ours that could still be paid, also those of which we know nothing."""
    with transaction():
        account = find_account(organization_id)
        customer_id = account.customer_id if account is not None else None
    if customer_id is not None:
        _end_others([one for one in gateway.open_checkouts_of(customer_id) if is_of_ours(one)], "", gateway)
