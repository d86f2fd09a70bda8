"""Which access an organization has, and why: one pure function of the facts. It reads no clock and no database.

In this order: whatever we gave by hand, a subscription that is paid, the pilot, a subscription in arrears, Free.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import msgspec

from billing.plans import PLANS, SANDBOX, SOLD, Limits, Plan, PlanCode
from billing.stripe_objects import GOES_ON, NEVER_BEGAN, Subscribed, subscribed
from core.formats import utc

GRACE = timedelta(days=14)
"""How long a paid plan goes on after its first failed payment."""


_WHY_PAUSED = {
    "first_payment_failure": "It is paused because the first payment failed.",
    "final_payment_failure": "It is paused because the last payment failed.",
    "trial_end_without_payment_method": "It is paused because the trial ended without a payment method.",
}


_THEN_FREE = "After that you are on the Free plan."


class AccessState(StrEnum):
    SANDBOX = "sandbox"
    PILOT = "pilot"
    TRIAL = "trial"
    ACTIVE = "active"
    ACTIVE_ENDING = "active_ending"
    GRACE = "grace"
    RESTRICTED = "restricted"
    ENDED = "ended"


class Grant(msgspec.Struct, frozen=True):
    """A plan that an operator gave by hand; `until` is None where it has no end."""

    plan: PlanCode
    until: datetime | None
    reason: str


class Payment(msgspec.Struct, frozen=True):
    """What became of the money for the subscription's latest paid invoice."""

    is_refunded: bool = False
    """All of it was given back."""
    is_charged_back: bool = False
    """A dispute about it was lost."""


class BillingFacts(msgspec.Struct, frozen=True, kw_only=True):
    """All that access depends on, apart from the time."""

    is_approved: bool
    legal_due_at: datetime | None = None
    pilot_ends_at: datetime | None = None
    grant: Grant | None = None
    subscription: Mapping[str, Any] | None = None
    """The latest one, as Stripe tells it, word for word."""
    first_failure_at: datetime | None = None
    """When the oldest invoice that is still open was first tried to be paid, in vain."""
    is_first_payment_open: bool = False
    """Checkout is finished, and the money has not arrived yet."""
    payment: Payment = Payment()


class EffectiveAccess(msgspec.Struct, frozen=True, kw_only=True):
    """`reason` is for the customer to read; `changes_at` is when time alone changes the access."""

    state: AccessState
    plan: PlanCode | None
    """None before the approval."""
    limits: Limits
    reason: str
    changes_at: datetime | None = None
    is_unpaid: bool = False
    """Whether live keys are blocked for want of payment."""
    unpaid_from: datetime | None = None
    """From when on they will, if nothing is paid before."""

    @property
    def may_use_live_keys(self) -> bool:
        return self.state not in {AccessState.SANDBOX, AccessState.RESTRICTED}


def access_of(facts: BillingFacts, *, now: datetime) -> EffectiveAccess:
    """The whole decision. The same facts at the same time give the same answer."""
    if not facts.is_approved:
        reason = "Your organization is not approved yet. Test keys work, with lower limits."
        return EffectiveAccess(state=AccessState.SANDBOX, plan=None, limits=SANDBOX, reason=reason)
    access = _of_money(facts, now=now)
    if facts.legal_due_at is None:
        return access
    if facts.legal_due_at <= now:
        reason = "Live keys are disabled until you accept the new version of the Terms or the DPA."
        return msgspec.structs.replace(access, state=AccessState.RESTRICTED, reason=reason)
    return msgspec.structs.replace(access, changes_at=_earliest(access.changes_at, facts.legal_due_at))


def renewing_without_access(facts: BillingFacts) -> Subscribed | None:
    """A subscription that renews although what was paid for it was given back."""
    found = subscribed(facts.subscription) if facts.subscription is not None else None
    is_given_back = facts.payment.is_refunded or facts.payment.is_charged_back
    is_renewing = found is not None and found.status in GOES_ON and found.ends_at is None
    return found if is_given_back and is_renewing else None


def _of_money(facts: BillingFacts, *, now: datetime) -> EffectiveAccess:
    by_subscription = _of_subscription(facts, now=now)
    is_paid = by_subscription is not None and by_subscription.plan in SOLD
    in_order = (
        _of_grant(facts.grant, now=now),
        by_subscription if is_paid else None,
        _of_pilot(facts.pilot_ends_at, now=now),
        by_subscription,
        _of_the_past(facts),
    )
    return next(access for access in in_order if access is not None)


def _of_grant(grant: Grant | None, *, now: datetime) -> EffectiveAccess | None:
    if grant is None or (grant.until is not None and grant.until <= now):
        return None
    state = AccessState.ACTIVE_ENDING if grant.until else AccessState.ACTIVE
    until = f"until {_day(grant.until)}" if grant.until else "with no end date"
    reason = f"We set your plan to {PLANS[grant.plan].name}, {until}: {grant.reason}"
    return _on(grant.plan, state, reason, changes_at=grant.until)


def _of_pilot(ends_at: datetime | None, *, now: datetime) -> EffectiveAccess | None:
    if ends_at is None or ends_at <= now:
        return None
    reason = f"Your pilot is free until {_day(ends_at)}. {_THEN_FREE[:-1]}, unless you choose another plan."
    return _on(PlanCode.PILOT, AccessState.PILOT, reason, changes_at=ends_at)


def _of_the_past(facts: BillingFacts) -> EffectiveAccess:
    if facts.grant is not None:
        return _over(f"The plan we set for you ended on {_day(facts.grant.until)}.")
    if facts.pilot_ends_at is not None:
        return _over(f"Your pilot ended on {_day(facts.pilot_ends_at)}. You are not charged.")
    return _on(PlanCode.FREE, AccessState.ACTIVE, "You are on the Free plan.")


def _of_subscription(facts: BillingFacts, *, now: datetime) -> EffectiveAccess | None:
    """None where the subscription says nothing: there is none, or it never began."""
    if facts.subscription is None or facts.is_first_payment_open:
        return None
    found = subscribed(facts.subscription)
    return None if found.status in NEVER_BEGAN else _of_begun(found, facts, now=now)


def _of_begun(found: Subscribed, facts: BillingFacts, *, now: datetime) -> EffectiveAccess:
    if facts.payment.is_charged_back:
        return _restricted(found, "Your bank charged back a payment.")
    if facts.payment.is_refunded:
        return _over("Your plan ended because your payment was refunded in full.")
    if found.status not in GOES_ON:
        return _of_stopped(found)
    if found.plan is None:
        return _over("Your subscription does not match any of our plans. Contact support.")
    plan = PLANS[found.plan]
    if found.status == "past_due":
        return _of_arrears(found, plan, first_failure_at=facts.first_failure_at, now=now)
    return _of_active(found, plan, now=now)


def _of_stopped(found: Subscribed) -> EffectiveAccess:
    if found.status == "unpaid":
        return _restricted(found, "Invoices are unpaid.")
    if found.status == "paused":
        return _restricted(found, _WHY_PAUSED.get(found.paused_because or "", "It is paused."))
    if found.status != "canceled":
        return _over("Your subscription is in an unexpected state, and we are looking into it.")
    if found.ended_by in {"payment_failed", "payment_disputed"}:
        return _restricted(found, "It was canceled because it was not paid.")
    return _over(f"Your subscription{_to(found)} has ended.")


def _of_active(found: Subscribed, plan: Plan, *, now: datetime) -> EffectiveAccess:
    if found.status == "trialing":
        until = f" until {_day(found.trial_end)}" if found.trial_end else ""
        return _on(plan.code, AccessState.TRIAL, f"You are on a trial of {plan.name}{until}.")
    if found.ends_at is None:
        renews = f" It renews on {_day(found.period_end)}." if found.period_end else ""
        return _on(plan.code, AccessState.ACTIVE, f"You are subscribed to {plan.name}.{renews}")
    if found.ends_at <= now:
        return _over(f"Your subscription to {plan.name} ended on {_day(found.ends_at)}.")
    reason = f"You canceled {plan.name}. Your plan stays active until {_day(found.ends_at)}. {_THEN_FREE}"
    return _on(plan.code, AccessState.ACTIVE_ENDING, reason, changes_at=found.ends_at)


def _of_arrears(found: Subscribed, plan: Plan, *, first_failure_at: datetime | None, now: datetime) -> EffectiveAccess:
    ends_at = (first_failure_at or found.period_start or now) + GRACE
    if ends_at <= now:
        return _restricted(found, f"A payment failed and was not paid by {_day(ends_at)}.")
    active = f"Your plan stays active until {_day(ends_at)}."
    reason = f"A payment for {plan.name} failed. {active} Pay the open invoice before then."
    return msgspec.structs.replace(_on(plan.code, AccessState.GRACE, reason, changes_at=ends_at), unpaid_from=ends_at)


def _restricted(found: Subscribed, why: str) -> EffectiveAccess:
    reason = (
        f"Live keys are disabled because of your subscription{_to(found)}. {why} Test keys and all pages keep working."
    )
    return msgspec.structs.replace(_on(PlanCode.FREE, AccessState.RESTRICTED, reason), is_unpaid=True)


def _over(why: str) -> EffectiveAccess:
    return _on(PlanCode.FREE, AccessState.ENDED, f"{why} You are on the Free plan.")


def _to(found: Subscribed) -> str:
    return f" to {PLANS[found.plan].name}" if found.plan else ""


def _on(plan: PlanCode, state: AccessState, reason: str, *, changes_at: datetime | None = None) -> EffectiveAccess:
    return EffectiveAccess(state=state, plan=plan, limits=PLANS[plan].limits, reason=reason, changes_at=changes_at)


def _earliest(*moments: datetime | None) -> datetime | None:
    return min((moment for moment in moments if moment is not None), default=None)


def _day(moment: datetime | None) -> str:
    return utc(moment, "day") if moment else "an unknown date"
