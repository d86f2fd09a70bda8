"""Reading what Stripe says of a subscription or an invoice. Pure: no database, no web, and not Stripe's SDK."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from billing.plans import PlanCode, plan_of_price

StripeObject = dict[str, Any]
"""An object word for word as Stripe tells it."""


PRODUCT = "ai-governance"
"""In the metadata of all that is ours: other products may share the account."""


GOES_ON = frozenset({"active", "trialing", "past_due"})


STANDS_STILL = frozenset({"paused", "unpaid"})


NEVER_BEGAN = frozenset({"incomplete", "incomplete_expired"})


IS_OVER = frozenset({"canceled"})
"""Together all the statuses of a subscription that Stripe has today."""


class Subscribed(msgspec.Struct, frozen=True):
    """What is read from a subscription as Stripe tells it."""

    id: str
    status: str
    plan: PlanCode | None
    """None for a price that is none of ours."""
    period_start: datetime | None
    period_end: datetime | None
    ends_at: datetime | None
    """When it ends by a cancellation that is asked for; the customer portal sets `cancel_at` alone."""
    trial_end: datetime | None
    scheduled_plan: PlanCode | None
    """The plan that follows at the end of the period."""
    schedule_id: str | None
    """Of the schedule that holds the subscription; Stripe lets nothing else change it meanwhile."""
    ended_by: str | None
    paused_because: str | None


def subscribed(snapshot: Mapping[str, Any]) -> Subscribed:
    """Reads a snapshot; what Stripe leaves out, and what it adds one day, does no harm."""
    items = (snapshot.get("items") or {}).get("data") or []
    prices = [item.get("price") or {} for item in items]
    period_start = max(filter(None, (moment_of(item.get("current_period_start")) for item in items)), default=None)
    period_end = max(filter(None, (moment_of(item.get("current_period_end")) for item in items)), default=None)
    cancel_at = moment_of(snapshot.get("cancel_at"))
    if cancel_at is None and snapshot.get("cancel_at_period_end"):
        cancel_at = period_end
    schedule = snapshot.get("schedule")
    schedule = schedule if isinstance(schedule, dict) else {}
    scheduled = (schedule.get("metadata") or {}).get("plan")
    paused = ((snapshot.get("status_details") or {}).get("paused") or {}).get("subscription") or {}
    plan = next((plan for price in prices if (plan := plan_of_price(price))), None)
    return Subscribed(
        id=str(snapshot.get("id")),
        status=str(snapshot.get("status")),
        plan=plan,
        period_start=period_start,
        period_end=period_end,
        ends_at=cancel_at,
        trial_end=moment_of(snapshot.get("trial_end")),
        scheduled_plan=PlanCode(scheduled) if scheduled in set(PlanCode) and scheduled != plan else None,
        schedule_id=schedule.get("id"),
        ended_by=(snapshot.get("cancellation_details") or {}).get("reason"),
        paused_because=paused.get("type"),
    )


def is_of_ours(snapshot: StripeObject) -> bool:
    """A subscription or a checkout: another product may be sold to the same customer."""
    metadata = snapshot.get("metadata") or {}
    return metadata.get("product") == PRODUCT or subscribed(snapshot).plan is not None


def subscription_of(invoice: StripeObject) -> str | None:
    details = (invoice.get("parent") or {}).get("subscription_details") or {}
    found = details.get("subscription")
    return id_of(found) if found else None


def period_of(invoice: StripeObject) -> tuple[datetime, datetime] | None:
    """What its lines are for, from the earliest to the latest."""
    periods = [line.get("period") or {} for line in (invoice.get("lines") or {}).get("data") or []]
    starts = list(filter(None, (moment_of(period.get("start")) for period in periods)))
    ends = list(filter(None, (moment_of(period.get("end")) for period in periods)))
    return (min(starts), max(ends)) if starts and ends else None


def payment_intent_of(invoice: StripeObject) -> str | None:
    payments = (invoice.get("payments") or {}).get("data") or []
    for payment in payments:
        intent = (payment.get("payment") or {}).get("payment_intent")
        if intent and payment.get("status") == "paid":
            return id_of(intent)
    return None


def moment_of(seconds: Any) -> datetime | None:
    """Stripe's seconds since 1970 as a moment."""
    return datetime.fromtimestamp(seconds, UTC) if seconds else None


def id_of(reference: Any) -> str:
    """Stripe gives an id, or where it was asked to, the whole object."""
    return str(reference.get("id") if isinstance(reference, dict) else reference)
