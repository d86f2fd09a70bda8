"""Sending sealed hours to Stripe's meter, once each, for organizations that pay as they go.

An hour that began before the subscription is not sent: what was free stays free. All of it needs the system's scope.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from sqlalchemy import func, select

from billing.access import NEVER_BEGAN, moment_of, subscribed
from billing.facts import facts_for
from billing.gateway import Gateway
from billing.models import BillingAccount, UsageHour
from billing.plans import PlanCode
from core.accounts import Organization
from core.db import db

HOUR = timedelta(hours=1)
UNSURE_AFTER = timedelta(hours=23)
"""The meter knows an identifier for a day; after that it is asked what it has before anything is sent again."""
TOO_OLD = timedelta(days=35)
"""What the meter takes no more."""
ENDS_SOON = timedelta(minutes=10)
INVOICE_OPEN_FOR = timedelta(minutes=45)
"""So long after a period's end its invoice takes usage for sure; Stripe finalizes it after about an hour."""


metered_at = func.coalesce(UsageHour.metered_at, UsageHour.hour)


class Metered(msgspec.Struct, frozen=True):
    """An organization that pays as it goes, since when, and until when if it ends."""

    organization_id: UUID
    customer_id: str
    since: datetime
    ends_at: datetime | None
    period_start: datetime | None = None
    period_end: datetime | None = None

    def closed_at(self, now: datetime) -> datetime | None:
        """When the last period closed whose usage is invoiced; None where no other follows."""
        border = self.period_end if self.period_end is not None and self.period_end <= now else self.period_start
        return None if border is None or (self.ends_at is not None and border >= self.ends_at) else border


def metered(organization_id: UUID) -> Metered | None:
    account = db.session.get(BillingAccount, organization_id)
    snapshot = facts_for(db.session.get_one(Organization, organization_id)).subscription
    if account is None or account.customer_id is None or account.metered_since is None or snapshot is None:
        return None
    found = subscribed(snapshot)
    ends_at = moment_of(snapshot.get("ended_at")) or found.ends_at
    return Metered(
        organization_id, account.customer_id, account.metered_since, ends_at, found.period_start, found.period_end
    )


def note_plan(account: BillingAccount, *, now: datetime) -> None:
    """Keeps since when the organization pays as it goes: from the period in which that was seen first."""
    snapshot = facts_for(db.session.get_one(Organization, account.organization_id)).subscription
    found = subscribed(snapshot) if snapshot is not None else None
    if found is None or found.plan is not PlanCode.METERED or found.status in NEVER_BEGAN:
        account.metered_since = None
    elif account.metered_since is None:
        account.metered_since = min(now, found.period_start or now)


def every_metered() -> Iterator[Metered]:
    for organization_id in db.session.scalars(
        select(BillingAccount.organization_id).where(BillingAccount.metered_since.is_not(None))
    ).all():
        found = metered(organization_id)
        if found is not None:
            yield found


def ending_soon(now: datetime) -> list[Metered]:
    """Whose open hour has to be counted before its end: the subscription or its period ends within the hour, and the
    last minutes belong onto that invoice."""
    return [
        one
        for one in every_metered()
        if any(end is not None and now <= end <= now + ENDS_SOON for end in (one.ends_at, one.period_end))
    ]


def unsent(payer: Metered, *, now: datetime) -> list[UsageHour]:
    """Oldest first. What is too old to be taken shows when the counts are compared."""
    query = (
        select(UsageHour)
        .where(
            UsageHour.organization_id == payer.organization_id,
            UsageHour.sent_at.is_(None),
            UsageHour.hour >= max(payer.since, now - TOO_OLD),
            UsageHour.hour < (payer.ends_at or now),
        )
        .order_by(UsageHour.hour, UsageHour.part)
    )
    return list(db.session.scalars(query))


def place(part: UsageHour, payer: Metered, *, now: datetime) -> None:
    """Gives a part its time at the meter, unless it may be there already and is no longer known by its identifier."""
    if not _is_unsure(part, now=now):
        part.metered_at = time_on_meter(part, payer, now=now)


def note_attempt(part: UsageHour, *, now: datetime) -> None:
    """Committed before it is sent, so that after a crash it is known to be unsure."""
    part.attempted_at = part.attempted_at or now


def time_on_meter(part: UsageHour, payer: Metered, *, now: datetime) -> datetime:
    """Its hour; or what comes too late for the invoice of its period is counted at the start of the next one."""
    closed_at = payer.closed_at(now)
    if closed_at is None or part.hour >= closed_at:
        return part.hour
    is_all_before = part.sealed_at < closed_at or part.hour + HOUR <= closed_at
    return part.hour if is_all_before and now < closed_at + INVOICE_OPEN_FOR else closed_at


def send(part: UsageHour, payer: Metered, gateway: Gateway, *, now: datetime) -> None:
    """Harmless to repeat, also days after it was tried first."""
    if not (_is_unsure(part, now=now) and _is_there(part, payer, gateway)):
        part.metered_at = time_on_meter(part, payer, now=now)
        gateway.send_usage(part.identifier, customer_id=payer.customer_id, checks=part.checks, at=part.metered_at)
    part.sent_at = now


def sent_checks(organization_id: UUID, *, since: datetime, until: datetime) -> int:
    total = select(func.sum(UsageHour.checks)).where(
        UsageHour.organization_id == organization_id,
        UsageHour.sent_at.is_not(None),
        metered_at >= since,
        metered_at < until,
    )
    return int(db.session.scalar(total) or 0)


def parts_in(organization_id: UUID, *, since: datetime, until: datetime) -> list[UsageHour]:
    """Of a stretch of time, for whoever wants to check an invoice. Works in the organization's scope too."""
    query = select(UsageHour).where(
        UsageHour.organization_id == organization_id, metered_at >= since, metered_at < until
    )
    return list(db.session.scalars(query.order_by(UsageHour.hour, UsageHour.part)))


def _is_unsure(part: UsageHour, *, now: datetime) -> bool:
    return part.attempted_at is not None and now - part.attempted_at > UNSURE_AFTER


def _is_there(part: UsageHour, payer: Metered, gateway: Gateway) -> bool:
    """Whether the meter has more for an hour in which it may have been counted than what is known to have been sent."""
    for at in {part.hour, part.metered_at or part.hour}:
        since = at.replace(minute=0, second=0, microsecond=0)
        known = sent_checks(payer.organization_id, since=since, until=since + HOUR)
        if gateway.usage_of(payer.customer_id, since=since, until=since + HOUR) >= known + part.checks:
            return True
    return False
