"""What an organization can do about its subscription: end it, go on with it, switch to another plan and back."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from http import HTTPStatus
from typing import Any
from uuid import UUID

import msgspec

from billing import checkouts, entitlements, mirror
from billing.accounts import find_account
from billing.changes import Steps, making
from billing.errors import PaymentsAway, PaymentsRefused
from billing.facts import facts_for, live_subscriptions
from billing.gateway import Gateway
from billing.models import BillingAccount
from billing.plan_changes import END, RESUME, SWITCH
from billing.plans import SOLD, PlanCode
from billing.resync import sync_later
from billing.stripe_objects import GOES_ON, STANDS_STILL, StripeObject, Subscribed, subscribed
from core.accounts import Organization
from core.audit import Actor
from core.db import db, transaction
from core.errors import AppError, NotFound
from core.jobs import defer
from core.scope import needs_system_scope

_CHANGEABLE = GOES_ON | STANDS_STILL


class NoSubscription(AppError):
    status, code, title = HTTPStatus.CONFLICT, "no_subscription", "You have no subscription to change"
    advice = "Reload the plan page to see your current plan."


class CannotSwitch(AppError):
    status, code, title = HTTPStatus.CONFLICT, "cannot_switch", "You can't switch to this plan right now"
    advice = "Reload the plan page to see the available plans."


class SubscriptionStatus(msgspec.Struct, frozen=True):
    """What the plan page needs to know beside the access."""

    subscription: Subscribed | None
    """One that can be changed."""
    has_customer: bool
    """Whether Stripe's pages for cards and invoices can be opened."""
    open_invoice_url: str | None
    """Where an invoice that is due can be paid."""


def status_of(organization_id: UUID) -> SubscriptionStatus:
    snapshot = snapshot_of(organization_id)
    found = subscribed(snapshot) if snapshot else None
    account = find_account(organization_id)
    open_invoices = [one for one in mirror.invoices_of(organization_id) if one.status == "open"]
    return SubscriptionStatus(
        subscription=found if found is not None and found.status in _CHANGEABLE else None,
        has_customer=account is not None and account.customer_id is not None,
        open_invoice_url=open_invoices[-1].snapshot.get("hosted_invoice_url") if open_invoices else None,
    )


def portal_url(organization_id: UUID, gateway: Gateway, *, return_url: str) -> str:
    """Raises NoSubscription for who never was a customer."""
    with transaction():
        account = find_account(organization_id)
        customer_id = account.customer_id if account is not None else None
    if customer_id is None:
        raise NoSubscription
    return gateway.portal_url(customer_id, return_url=return_url)


@needs_system_scope
def end(organization_id: UUID, gateway: Gateway, *, by: Actor, now: datetime) -> None:
    """With what was paid for; what is paused or unpaid ends at once. Twice is once. Every live one, if there are more.

    Commits; nothing is held while Stripe is asked.
    """
    for snapshot in _live(organization_id, gateway, now=now):
        _end(organization_id, snapshot, gateway, is_at_once=snapshot["status"] not in GOES_ON, by=by, now=now)
    _look_again(organization_id, gateway, now=now)


def end_for_closing(organization_id: UUID, gateway: Gateway, *, by: Actor, now: datetime) -> None:
    """Nothing that is open can be paid any more, and what is live does not renew."""
    checkouts.expire_open(organization_id, gateway)
    with suppress(NoSubscription):
        end(organization_id, gateway, by=by, now=now)


def end_at_once(organization_id: UUID, gateway: Gateway, *, by: Actor, now: datetime) -> None:
    """All of an account that is closed for good. Twice is once."""
    checkouts.expire_open(organization_id, gateway)
    with suppress(NoSubscription):
        for snapshot in _live(organization_id, gateway, now=now):
            _end(organization_id, snapshot, gateway, is_at_once=True, by=by, now=now)
        _look_again(organization_id, gateway, now=now)


def end_without_access(organization_id: UUID, gateway: Gateway, *, by: Actor, now: datetime) -> None:
    """One that goes on and gives no access, so that it charges no more. Raises NotFound."""
    mirror.refresh_subscriptions(organization_id, gateway, now=now)
    with transaction():
        found = entitlements.charged_without_access(db.session.get_one(Organization, organization_id))
        snapshot = snapshot_of(organization_id)
    if found is None or snapshot is None:
        raise NotFound("There is no active subscription to cancel.")
    _end(organization_id, snapshot, gateway, is_at_once=True, bills_usage=False, by=by, now=now)
    _look_again(organization_id, gateway, now=now)


def _end(
    organization_id: UUID,
    snapshot: StripeObject,
    gateway: Gateway,
    *,
    is_at_once: bool,
    by: Actor,
    now: datetime,
    bills_usage: bool = True,
) -> None:
    wanted = {"subscription": snapshot["id"], "is_at_once": is_at_once}
    with (
        _looked_at_if_refused(organization_id, gateway, now=now),
        making(organization_id, END, wanted, by=by, now=now) as steps,
    ):
        if is_at_once:
            steps.key("cancel")
            gateway.cancel(snapshot["id"], bills_usage=bills_usage)
        else:
            _release(snapshot, gateway, steps)
            gateway.end_at_period(snapshot["id"], is_ending=True, key=steps.key("end"))


def resume(organization_id: UUID, gateway: Gateway, *, by: Actor, now: datetime) -> None:
    """Takes back an end or a switch that has not come yet. Of several, the one that counts."""
    snapshot = _live(organization_id, gateway, now=now)[-1]
    wanted = {"subscription": snapshot["id"]}
    with (
        _looked_at_if_refused(organization_id, gateway, now=now),
        making(organization_id, RESUME, wanted, by=by, now=now) as steps,
    ):
        _release(snapshot, gateway, steps)
        if subscribed(snapshot).ends_at is not None:
            gateway.end_at_period(snapshot["id"], is_ending=False, key=steps.key("resume"))
    _look_again(organization_id, gateway, now=now)


def switch(organization_id: UUID, plan: PlanCode, gateway: Gateway, *, by: Actor, now: datetime) -> bool:
    """Up at once, down at the end of the period. Whether it holds already: a bank may want a confirmation first."""
    snapshot = _live(organization_id, gateway, now=now)[-1]
    with transaction():
        found = switchable(snapshot, plan, find_account(organization_id))
    is_now = is_upgrade(found.plan, plan)
    wanted = {"subscription": found.id, "plan": plan.value, "before": found.plan, "is_now": is_now}
    with (
        _looked_at_if_refused(organization_id, gateway, now=now),
        making(organization_id, SWITCH, wanted, by=by, now=now) as steps,
    ):
        _release(snapshot, gateway, steps)
        change = gateway.change_now if is_now else gateway.change_later
        change(snapshot, plan, key=steps.key("switch"))
    _look_again(organization_id, gateway, now=now)
    with transaction():
        return entitlements.access_for(organization_id, now=now).plan is plan


def _live(organization_id: UUID, gateway: Gateway, *, now: datetime) -> list[dict[str, Any]]:
    """Those that can be changed, as Stripe has them now; the one that counts comes last. Raises NoSubscription."""
    mirror.refresh_subscriptions(organization_id, gateway, now=now)
    with transaction():
        found = live_subscriptions(organization_id)
    if not found:
        raise NoSubscription
    return found


def _look_again(organization_id: UUID, gateway: Gateway, *, now: datetime) -> None:
    """The subscriptions at once, everything else by the worker. What was done stays done if Stripe falls silent now."""
    with transaction():
        defer(sync_later, organization_id=str(organization_id))
    with suppress(PaymentsAway):
        mirror.refresh_subscriptions(organization_id, gateway, now=now)


@contextmanager
def _looked_at_if_refused(organization_id: UUID, gateway: Gateway, *, now: datetime) -> Iterator[None]:
    """Its state is not what we thought: the page that is loaded again shows it."""
    try:
        yield
    except PaymentsRefused:
        _look_again(organization_id, gateway, now=now)
        raise


def _release(snapshot: dict[str, Any], gateway: Gateway, steps: Steps) -> None:
    """A schedule, also one that has done its work, keeps everything else from changing the subscription."""
    schedule_id = subscribed(snapshot).schedule_id
    if schedule_id is not None:
        gateway.release_schedule(schedule_id, key=steps.key("release"))


def snapshot_of(organization_id: UUID) -> dict[str, Any] | None:
    snapshot = facts_for(db.session.get_one(Organization, organization_id)).subscription
    return dict(snapshot) if snapshot is not None else None


def switchable(snapshot: dict[str, Any], plan: PlanCode, account: BillingAccount | None) -> Subscribed:
    found = subscribed(snapshot)
    is_offered = plan is not PlanCode.METERED or (account is not None and account.is_metered_offered)
    is_settled = found.status == "active" and found.ends_at is None and found.scheduled_plan is None
    if plan not in SOLD or plan is found.plan or not is_offered or not is_settled:
        raise CannotSwitch
    return found


def is_upgrade(old: PlanCode | None, new: PlanCode) -> bool:
    return old not in SOLD or SOLD.index(new) < SOLD.index(old)
