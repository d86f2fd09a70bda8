"""Sending sealed hours to Stripe's meter, once each, for organizations that pay as they go.

An hour that began before the subscription is not sent: what was free stays free. All of it needs the system's scope.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import func, select

from billing.facts import in_rank
from billing.gateway import Gateway
from billing.models import BillingAccount, Subscription, UsageHour
from billing.plans import PlanCode
from billing.stripe_objects import NEVER_BEGAN, moment_of, subscribed
from core.clock import utc_now
from core.db import among, db, transaction
from core.rows import locked
from core.scope import needs_system_scope

HOUR = timedelta(hours=1)
UNSURE_AFTER = timedelta(hours=23)
"""The meter knows an identifier for a day; after that it is asked what it has before anything is sent again."""
TOO_OLD = timedelta(days=35)
"""What the meter takes no more."""
CLAIMED_FOR = timedelta(minutes=2)
"""Longer than all that is asked of Stripe about one part; who claimed it and died holds it up for no longer."""
ENDS_SOON = timedelta(minutes=10)
INVOICE_OPEN_FOR = timedelta(minutes=45)
"""So long after a period's end its invoice takes usage for sure; Stripe finalizes it after about an hour."""


metered_at = func.coalesce(UsageHour.metered_at, UsageHour.hour)


PartKey = tuple[UUID, datetime, int]


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


@needs_system_scope
def every_metered() -> list[Metered]:
    """Two queries, however many there are."""
    accounts = select(BillingAccount).where(
        BillingAccount.metered_since.is_not(None), BillingAccount.customer_id.is_not(None)
    )
    query = select(Subscription).where(
        Subscription.organization_id.in_(accounts.with_only_columns(BillingAccount.organization_id))
    )
    subscriptions: dict[UUID, list[Subscription]] = defaultdict(list)
    for subscription in db.session.scalars(query):
        subscriptions[subscription.organization_id].append(subscription)
    found = (_metered(account, subscriptions[account.organization_id]) for account in db.session.scalars(accounts))
    return [one for one in found if one is not None]


def _metered(account: BillingAccount, subscriptions: Iterable[Subscription]) -> Metered | None:
    ours = in_rank(subscriptions)
    if account.customer_id is None or account.metered_since is None or not ours:
        return None
    subscription = ours[-1]
    found, since = subscribed(subscription.snapshot), account.metered_since
    ends_at = moment_of(subscription.snapshot.get("ended_at")) or found.ends_at
    return Metered(account.organization_id, account.customer_id, since, ends_at, found.period_start, found.period_end)


@needs_system_scope
def note_plan(account: BillingAccount, snapshot: Mapping[str, Any] | None, *, now: datetime) -> None:
    """Stores since when the organization pays as it goes: from the period in which that was seen first."""
    found = subscribed(snapshot) if snapshot is not None else None
    if found is None or found.plan is not PlanCode.METERED or found.status in NEVER_BEGAN:
        account.metered_since = None
    elif account.metered_since is None:
        account.metered_since = min(now, found.period_start or now)


def ending_soon(now: datetime) -> list[Metered]:
    """Whose open hour has to be counted before its end: the subscription or its period ends within the hour, and the
    last minutes belong onto that invoice."""
    return [
        one
        for one in every_metered()
        if any(end is not None and now <= end <= now + ENDS_SOON for end in (one.ends_at, one.period_end))
    ]


@needs_system_scope
def unsent(payers: Iterable[Metered], *, now: datetime) -> dict[UUID, list[PartKey]]:
    """Oldest first. One query. What is too old to be taken shows when the counts are compared."""
    spans = {payer.organization_id: (payer.since, payer.ends_at or now) for payer in payers}
    query = (
        select(UsageHour.organization_id, UsageHour.hour, UsageHour.part)
        .where(among(UsageHour.organization_id, spans), UsageHour.sent_at.is_(None), UsageHour.hour >= now - TOO_OLD)
        .order_by(UsageHour.organization_id, UsageHour.hour, UsageHour.part)
    )
    found: dict[UUID, list[PartKey]] = defaultdict(list)
    for organization_id, hour, part in db.session.execute(query):
        since, until = spans[organization_id]
        if since <= hour < until:
            found[organization_id].append((organization_id, hour, part))
    return found


def time_on_meter(part: UsageHour, payer: Metered, *, now: datetime) -> datetime:
    """Its hour; or what comes too late for the invoice of its period is counted at the start of the next one."""
    closed_at = payer.closed_at(now)
    if closed_at is None or part.hour >= closed_at:
        return part.hour
    is_all_before = part.sealed_at < closed_at or part.hour + HOUR <= closed_at
    return part.hour if is_all_before and now < closed_at + INVOICE_OPEN_FOR else closed_at


def send(key: PartKey, payer: Metered, gateway: Gateway) -> None:
    """Harmless to repeat, also days after it was tried first. Commits; nothing is held while Stripe is asked."""
    with transaction():
        claimed = _claim(key, payer, now=utc_now())
    if claimed is None:
        return
    try:
        part, is_unsure = claimed
        if not (is_unsure and _is_there(part, payer, gateway)):
            if is_unsure:
                with transaction():
                    part = _begin_anew(key, payer, now=utc_now())
            gateway.send_usage(part.identifier, customer_id=payer.customer_id, checks=part.checks, at=part.at)
    except BaseException:
        with transaction():
            _held(key).claimed_until = None
        raise
    with transaction():
        row = _held(key)
        row.sent_at, row.claimed_until = utc_now(), None


class Part(msgspec.Struct, frozen=True):
    """As it is sent; `at` is its time at the meter."""

    identifier: str
    hour: datetime
    at: datetime
    checks: int


def _claim(key: PartKey, payer: Metered, *, now: datetime) -> tuple[Part, bool] | None:
    """The part, and whether it may be at the meter already. None if it was sent, or somebody else sends it."""
    row = _held(key)
    if row.sent_at is not None or (row.claimed_until is not None and row.claimed_until > now):
        return None
    row.claimed_until = now + CLAIMED_FOR
    is_unsure = row.attempted_at is not None and now - row.attempted_at > UNSURE_AFTER
    if not is_unsure:
        row.metered_at, row.attempted_at = time_on_meter(row, payer, now=now), row.attempted_at or now
    return _part_of(row), is_unsure


def _begin_anew(key: PartKey, payer: Metered, *, now: datetime) -> Part:
    """It is not there: its first attempt is this one."""
    row = _held(key)
    row.metered_at, row.attempted_at = time_on_meter(row, payer, now=now), now
    return _part_of(row)


def _held(key: PartKey) -> UsageHour:
    return locked(UsageHour, key)


def _part_of(row: UsageHour) -> Part:
    return Part(row.identifier, row.hour, row.metered_at or row.hour, row.checks)


@needs_system_scope
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


def _is_there(part: Part, payer: Metered, gateway: Gateway) -> bool:
    """Whether the meter has more for an hour in which it may have been counted than what is known to have been sent."""
    for at in {part.hour, part.at}:
        since = at.replace(minute=0, second=0, microsecond=0)
        with transaction():
            known = sent_checks(payer.organization_id, since=since, until=since + HOUR)
        if gateway.usage_of(payer.customer_id, since=since, until=since + HOUR) >= known + part.checks:
            return True
    return False
