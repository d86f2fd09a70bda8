"""What an organization can do about its subscription: end it, go on with it, switch to another plan and back."""

from datetime import datetime
from http import HTTPStatus
from typing import Any
from uuid import UUID

import msgspec

from billing import mirror
from billing.access import GOES_ON, STANDS_STILL, Subscribed, subscribed
from billing.afterwards import catch_up
from billing.facts import account_of, facts_for, find_account
from billing.gateway import Gateway
from billing.models import BillingAccount
from billing.plans import PLANS, SOLD, PlanCode
from core import audit
from core.accounts import Organization
from core.audit import Actor
from core.db import db
from core.errors import AppError

_CHANGEABLE = GOES_ON | STANDS_STILL


class NoSubscription(AppError):
    status, code, title = HTTPStatus.CONFLICT, "no_subscription", "There is no subscription to change"
    advice = "Load the plan page again: it shows what there is."


class CannotSwitch(AppError):
    status, code, title = HTTPStatus.CONFLICT, "cannot_switch", "The plan cannot be switched to this one now"
    advice = "Load the plan page again: it shows which plans can be chosen."


class Standing(msgspec.Struct, frozen=True):
    """What the plan page needs to know beside the access."""

    subscription: Subscribed | None
    """One that can be changed."""
    has_customer: bool
    """Whether Stripe's pages for cards and invoices can be opened."""
    open_invoice_url: str | None
    """Where an invoice that is due can be paid."""


class Preview(msgspec.Struct, frozen=True):
    """What a switch means. `due_minor` is in cents, before taxes; None for one at the end of the period."""

    plan: PlanCode
    is_now: bool
    due_minor: int | None
    at: datetime | None


def standing(organization_id: UUID) -> Standing:
    snapshot = _snapshot(organization_id)
    found = subscribed(snapshot) if snapshot else None
    account = find_account(organization_id)
    open_invoices = [one for one in mirror.invoices_of(organization_id) if one.status == "open"]
    return Standing(
        subscription=found if found is not None and found.status in _CHANGEABLE else None,
        has_customer=account is not None and account.customer_id is not None,
        open_invoice_url=open_invoices[-1].snapshot.get("hosted_invoice_url") if open_invoices else None,
    )


def portal_url(organization_id: UUID, gateway: Gateway, *, return_url: str) -> str:
    """Raises NoSubscription for who never was a customer."""
    account = find_account(organization_id)
    if account is None or account.customer_id is None:
        raise NoSubscription
    return gateway.portal_url(account.customer_id, return_url=return_url)


def end(organization_id: UUID, gateway: Gateway, *, by: Actor, now: datetime) -> None:
    """With what was paid for; what stands still anyhow ends at once. Twice is once.

    Needs the system's scope, as all that changes.
    """
    _, snapshot = _held(organization_id)
    _release(snapshot, gateway)
    if snapshot["status"] in GOES_ON:
        gateway.end_at_period(snapshot["id"], is_ending=True)
    else:
        gateway.cancel(snapshot["id"])
    audit.write(organization_id, "plan.ended", by=by, now=now, subject_id=snapshot["id"])
    catch_up(organization_id, gateway, now=now)


def end_at_once(organization_id: UUID, gateway: Gateway, *, by: Actor, now: datetime) -> None:
    """For an account that is closed for good. Twice is once."""
    account_of(organization_id)
    snapshot = _snapshot(organization_id)
    if snapshot is not None and snapshot["status"] in _CHANGEABLE:
        gateway.cancel(snapshot["id"])
        audit.write(organization_id, "plan.ended", by=by, now=now, subject_id=snapshot["id"])
        catch_up(organization_id, gateway, now=now)


def resume(organization_id: UUID, gateway: Gateway, *, by: Actor, now: datetime) -> None:
    """Takes back an end or a switch that has not come yet."""
    _, snapshot = _held(organization_id)
    _release(snapshot, gateway)
    if subscribed(snapshot).ends_at is not None:
        gateway.end_at_period(snapshot["id"], is_ending=False)
    audit.write(organization_id, "plan.resumed", by=by, now=now, subject_id=snapshot["id"])
    catch_up(organization_id, gateway, now=now)


def preview(organization_id: UUID, plan: PlanCode, gateway: Gateway) -> Preview:
    """Raises NoSubscription, CannotSwitch or PaymentsAway."""
    snapshot = _snapshot(organization_id)
    if snapshot is None:
        raise NoSubscription
    found = _switchable(snapshot, plan, find_account(organization_id))
    if not _is_upgrade(found.plan, plan):
        return Preview(plan, is_now=False, due_minor=None, at=found.period_end)
    return Preview(plan, is_now=True, due_minor=gateway.preview_change(snapshot, plan), at=None)


def switch(organization_id: UUID, plan: PlanCode, gateway: Gateway, *, by: Actor, now: datetime) -> bool:
    """Up at once, down at the end of the period. Whether it holds already: a bank may want a confirmation first."""
    account, snapshot = _held(organization_id)
    found = _switchable(snapshot, plan, account)
    is_now = _is_upgrade(found.plan, plan)
    _release(snapshot, gateway)
    if is_now:
        gateway.change_now(snapshot, plan)
    else:
        gateway.change_later(snapshot, plan)
    after = {"plan": PLANS[plan].name, "at": "once" if is_now else "the end of the period"}
    before = {"plan": PLANS[found.plan].name if found.plan else None}
    audit.write(organization_id, "plan.switched", by=by, now=now, before=before, after=after)
    access = catch_up(organization_id, gateway, now=now)
    return access.plan is plan


def _held(organization_id: UUID) -> tuple[BillingAccount, dict[str, Any]]:
    """The account, locked, and its subscription that can be changed. Raises NoSubscription."""
    account, snapshot = account_of(organization_id), _snapshot(organization_id)
    if snapshot is None or snapshot.get("status") not in _CHANGEABLE:
        raise NoSubscription
    return account, snapshot


def _release(snapshot: dict[str, Any], gateway: Gateway) -> None:
    """A schedule, also one that has done its work, keeps everything else from changing the subscription."""
    schedule_id = subscribed(snapshot).schedule_id
    if schedule_id is not None:
        gateway.release_schedule(schedule_id)


def _snapshot(organization_id: UUID) -> dict[str, Any] | None:
    snapshot = facts_for(db.session.get_one(Organization, organization_id)).subscription
    return dict(snapshot) if snapshot is not None else None


def _switchable(snapshot: dict[str, Any], plan: PlanCode, account: BillingAccount | None) -> Subscribed:
    found = subscribed(snapshot)
    is_offered = plan is not PlanCode.METERED or (account is not None and account.is_metered_offered)
    is_settled = found.status == "active" and found.ends_at is None and found.scheduled_plan is None
    if plan not in SOLD or plan is found.plan or not is_offered or not is_settled:
        raise CannotSwitch
    return found


def _is_upgrade(old: PlanCode | None, new: PlanCode) -> bool:
    return old not in SOLD or SOLD.index(new) < SOLD.index(old)
