"""What an organization can do about its subscription: end it, go on with it, switch to another plan and back."""

from contextlib import suppress
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any
from uuid import UUID

import msgspec

from billing import checkouts, entitlements, mirror
from billing.access import GOES_ON, STANDS_STILL, Subscribed, subscribed
from billing.afterwards import bring_up_later, found_out_if_unsure
from billing.connection import gateway
from billing.errors import PaymentsAway, PaymentsRefused
from billing.facts import account_of, facts_for, find_account, live_subscriptions
from billing.gateway import Gateway
from billing.models import BillingAccount
from billing.plans import PLANS, SOLD, PlanCode
from core import audit
from core.accounts import Organization
from core.audit import Actor
from core.clock import utc_now
from core.db import acting_as_system, db, transaction
from core.errors import AppError
from core.jobs import Queue, defer, in_its_own_session, jobs

PREVIEW_HOLDS = timedelta(minutes=10)
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
    """What a switch means. `due_minor` is in cents; None at the end of the period, and until Stripe has told it."""

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
    with transaction():
        account = find_account(organization_id)
        customer_id = account.customer_id if account is not None else None
    if customer_id is None:
        raise NoSubscription
    return gateway.portal_url(customer_id, return_url=return_url)


def end(organization_id: UUID, gateway: Gateway, *, by: Actor, now: datetime) -> None:
    """With what was paid for; what stands still anyhow ends at once. Twice is once. Every live one, if there are more.

    Needs the system's scope, as all that changes. Commits; nothing is held while Stripe is asked.
    """
    for snapshot in _live(organization_id, gateway, now=now):
        with found_out_if_unsure(organization_id, "end", by=by, now=now):
            _release(snapshot, gateway)
            if snapshot["status"] in GOES_ON:
                gateway.end_at_period(snapshot["id"], is_ending=True)
            else:
                gateway.cancel(snapshot["id"])
        with transaction():
            audit.write(organization_id, "plan.ended", by=by, now=now, subject_id=snapshot["id"])
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
            gateway.cancel(snapshot["id"])
            with transaction():
                audit.write(organization_id, "plan.ended", by=by, now=now, subject_id=snapshot["id"])
        _look_again(organization_id, gateway, now=now)


def resume(organization_id: UUID, gateway: Gateway, *, by: Actor, now: datetime) -> None:
    """Takes back an end or a switch that has not come yet. Of several, the one that counts."""
    snapshot = _live(organization_id, gateway, now=now)[-1]
    try:
        with found_out_if_unsure(organization_id, "resume", by=by, now=now):
            _release(snapshot, gateway)
            if subscribed(snapshot).ends_at is not None:
                gateway.end_at_period(snapshot["id"], is_ending=False)
    except PaymentsRefused:  # it has ended meanwhile: show how it stands now
        _look_again(organization_id, gateway, now=now)
        raise
    with transaction():
        audit.write(organization_id, "plan.resumed", by=by, now=now, subject_id=snapshot["id"])
    _look_again(organization_id, gateway, now=now)


def preview(organization_id: UUID, plan: PlanCode, *, now: datetime) -> Preview:
    """As Stripe told it last; where that is too old, the worker asks, and the amount is not known yet. Commits.

    Raises NoSubscription or CannotSwitch.
    """
    with transaction():
        snapshot, account = _snapshot(organization_id), find_account(organization_id)
        if snapshot is None or account is None:
            raise NoSubscription
        found = _switchable(snapshot, plan, account)
        if not _is_upgrade(found.plan, plan):
            return Preview(plan, is_now=False, due_minor=None, at=found.period_end)
        told = account.preview or {}
        if (told.get("plan"), told.get("subscription")) == (plan.value, found.id) and told["at"] > _fresh_from(now):
            return Preview(plan, is_now=True, due_minor=told["due_minor"], at=None)
        defer(ask_preview, organization_id=str(organization_id), plan=plan.value)
        return Preview(plan, is_now=True, due_minor=None, at=None)


def _fresh_from(now: datetime) -> int:
    return int((now - PREVIEW_HOLDS).timestamp())


@jobs.task(queue=Queue.STRIPE)
@in_its_own_session
def ask_preview(organization_id: str, plan: str) -> None:
    """What an upgrade costs now, for the page that waits for it."""
    with acting_as_system():
        now = utc_now()
        with transaction():
            snapshot, account = _snapshot(UUID(organization_id)), find_account(UUID(organization_id))
            is_told = account is not None and account.preview is not None and account.preview["at"] > _fresh_from(now)
            is_same = is_told and account is not None and (account.preview or {}).get("plan") == plan
        if snapshot is None or is_same:
            return
        due_minor = gateway().preview_change(snapshot, PlanCode(plan))
        with transaction():
            held = account_of(UUID(organization_id))
            told = {"plan": plan, "subscription": snapshot["id"], "due_minor": due_minor}
            held.preview = {**told, "at": int(utc_now().timestamp())}


def switch(organization_id: UUID, plan: PlanCode, gateway: Gateway, *, by: Actor, now: datetime) -> bool:
    """Up at once, down at the end of the period. Whether it holds already: a bank may want a confirmation first."""
    snapshot = _live(organization_id, gateway, now=now)[-1]
    with transaction():
        found = _switchable(snapshot, plan, find_account(organization_id))
    is_now = _is_upgrade(found.plan, plan)
    try:
        with found_out_if_unsure(organization_id, "switch", by=by, now=now):
            _release(snapshot, gateway)
            if is_now:
                gateway.change_now(snapshot, plan)
            else:
                gateway.change_later(snapshot, plan)
    except PaymentsRefused:
        _look_again(organization_id, gateway, now=now)
        raise
    after = {"plan": PLANS[plan].name, "at": "once" if is_now else "the end of the period"}
    before = {"plan": PLANS[found.plan].name if found.plan else None}
    with transaction():
        audit.write(organization_id, "plan.switched", by=by, now=now, before=before, after=after)
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
        defer(bring_up_later, organization_id=str(organization_id))
    with suppress(PaymentsAway):
        mirror.refresh_subscriptions(organization_id, gateway, now=now)


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
