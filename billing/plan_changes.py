"""Whether a subscription was ended, resumed or switched, as Stripe has it; and the record of it."""

from datetime import datetime
from typing import Any

from billing import changes
from billing.gateway import Gateway
from billing.intents import Change
from billing.plans import PLANS, PlanCode
from billing.stripe_objects import GOES_ON, STANDS_STILL, StripeObject, subscribed
from core import audit

END, RESUME, SWITCH = "end", "resume", "switch"
_LIVE = GOES_ON | STANDS_STILL


def _subscription(change: Change, gateway: Gateway) -> StripeObject | None:
    """None if Stripe has none of this id any more."""
    return gateway.find_subscription(change.wanted["subscription"])


def _is_ended(change: Change, gateway: Gateway) -> bool:
    snapshot = _subscription(change, gateway)
    found = subscribed(snapshot) if snapshot is not None else None
    if found is None or found.status not in _LIVE:
        return True
    return found.ends_at is not None and not change.wanted["is_at_once"]


def _is_resumed(change: Change, gateway: Gateway) -> bool:
    snapshot = _subscription(change, gateway)
    found = subscribed(snapshot) if snapshot is not None else None
    if found is None or found.status not in _LIVE:
        return False
    return found.ends_at is None and found.scheduled_plan is None


def _is_switched(change: Change, gateway: Gateway) -> bool:
    """Also while the bank is asked for a confirmation."""
    snapshot = _subscription(change, gateway)
    if snapshot is None:
        return False
    found, plan = subscribed(snapshot), PlanCode(change.wanted["plan"])
    if not change.wanted["is_now"]:
        return found.scheduled_plan is plan
    return found.plan is plan or snapshot.get("pending_update") is not None


def _note(change: Change, now: datetime, action: str, **about: Any) -> None:
    subject_id = change.wanted["subscription"]
    audit.write(change.organization_id, action, by=change.by, now=now, subject_id=subject_id, **about)


def _note_switched(change: Change, now: datetime) -> None:
    before, is_now = change.wanted["before"], change.wanted["is_now"]
    after = {"plan": PLANS[PlanCode(change.wanted["plan"])].name, "at": "once" if is_now else "the end of the period"}
    _note(
        change,
        now,
        "plan.switched",
        before={"plan": PLANS[PlanCode(before)].name if before else None},
        after=after,
    )


def _note_ended(change: Change, now: datetime) -> None:
    _note(change, now, "plan.ended")


def _note_resumed(change: Change, now: datetime) -> None:
    _note(change, now, "plan.resumed")


changes.declare(END, changes.Kind("end", changes.if_so(_is_ended), _note_ended))
changes.declare(RESUME, changes.Kind("resume", changes.if_so(_is_resumed), _note_resumed))
changes.declare(SWITCH, changes.Kind("switch", changes.if_so(_is_switched), _note_switched))
