"""What a switch to another plan would mean, before anything is changed: fetched by the worker, shown by the page."""

from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from billing.accounts import find_account, lock_account
from billing.connection import gateway
from billing.plans import PlanCode
from billing.subscriptions import NoSubscription, is_upgrade, snapshot_of, switchable
from core.clock import utc_now
from core.db import acting_as_system, transaction
from core.jobs import Queue, defer, in_its_own_session, jobs

PREVIEW_HOLDS = timedelta(minutes=10)


class Preview(msgspec.Struct, frozen=True):
    """What a switch means. `due_minor` is in cents; None at the end of the period, and until Stripe has given it."""

    plan: PlanCode
    is_now: bool
    due_minor: int | None
    at: datetime | None


def preview(organization_id: UUID, plan: PlanCode, *, now: datetime) -> Preview:
    """As Stripe gave it last; where that is too old, the worker asks, and the amount is not known yet. Commits.

    Raises NoSubscription or CannotSwitch.
    """
    with transaction():
        snapshot, account = snapshot_of(organization_id), find_account(organization_id)
        if snapshot is None or account is None:
            raise NoSubscription
        found = switchable(snapshot, plan, account)
        if not is_upgrade(found.plan, plan):
            return Preview(plan, is_now=False, due_minor=None, at=found.period_end)
        stored = account.preview or {}
        is_for_this = (stored.get("plan"), stored.get("subscription")) == (plan.value, found.id)
        if is_for_this and stored["at"] > _fresh_from(now):
            return Preview(plan, is_now=True, due_minor=stored["due_minor"], at=None)
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
            snapshot, account = snapshot_of(UUID(organization_id)), find_account(UUID(organization_id))
            is_told = account is not None and account.preview is not None and account.preview["at"] > _fresh_from(now)
            is_same = is_told and account is not None and (account.preview or {}).get("plan") == plan
        if snapshot is None or is_same:
            return
        due_minor = gateway().preview_change(snapshot, PlanCode(plan))
        with transaction():
            held = lock_account(UUID(organization_id))
            stored = {"plan": plan, "subscription": snapshot["id"], "due_minor": due_minor}
            held.preview = {**stored, "at": int(utc_now().timestamp())}
