"""The live checks of a month where a plan has a limit: warnings, and the rest when they are used up."""

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import Select, select

from billing import entitlements, letters
from billing.access import Access, access_of
from billing.facts import facts_for
from billing.models import Entitlement
from billing.plans import PLANS
from core import audit
from core.accounts import Organization, OrganizationStatus, hold
from core.audit import SYSTEM
from core.calendar import month_around
from core.db import db

WARN_AT_PERCENT = 80


class Quota(msgspec.Struct, frozen=True):
    """How many live checks the month around now may hold; months are counted from the sign-up."""

    organization_id: UUID
    checks: int
    since: datetime
    until: datetime


def quota_of(organization: Organization, access: Access, *, now: datetime) -> Quota | None:
    """None where the plan has no limit. What was used under another plan, earlier in the month, does not count."""
    checks = access.limits.checks_a_month
    if checks is None:
        return None
    since, until = month_of(organization, now=now)
    kept = db.session.get(Entitlement, organization.id)
    if kept is not None and kept.plan == access.plan:
        since = max(since, kept.plan_since.replace(minute=0, second=0, microsecond=0))
    return Quota(organization.id, checks, since, until)


def month_of(organization: Organization, *, now: datetime) -> tuple[datetime, datetime]:
    """The month in which checks are counted, from the day of the sign-up, at midnight UTC."""
    anchor = organization.created_at.replace(hour=0, minute=0, second=0, microsecond=0)
    return month_around(now, anchor=anchor)


def limited(now: datetime) -> list[UUID]:
    """Organizations whose checks are counted and not used up. Needs the system's scope. One query."""
    query = _limited().where(Entitlement.quota_until.is_(None) | (Entitlement.quota_until <= now))
    return list(db.session.scalars(query.with_only_columns(Organization.id)))


def may_be_near(used: Mapping[UUID, int]) -> list[UUID]:
    """Those among them with whom to look closer: who has used most of the smallest limit that there is."""
    least = min((plan.limits.checks_a_month for plan in PLANS.values() if plan.limits.checks_a_month), default=0)
    return [organization_id for organization_id, checks in used.items() if checks * 100 >= least * WARN_AT_PERCENT]


def with_quota(now: datetime, *, among: Collection[UUID] | None = None) -> Iterator[Quota]:
    """Organizations whose checks are counted; some queries for each. Needs the system's scope."""
    query = _limited() if among is None else _limited().where(Organization.id.in_(list(among)))
    for organization in db.session.scalars(query).all():
        quota = quota_of(organization, access_of(facts_for(organization), now=now), now=now)
        if quota is not None:
            yield quota


def _limited() -> Select[Organization]:
    return (
        select(Organization)
        .join(Entitlement, Entitlement.organization_id == Organization.id)
        .where(
            Organization.status == OrganizationStatus.LIVE.value,
            Entitlement.plan.in_([plan.code.value for plan in PLANS.values() if plan.limits.checks_a_month]),
        )
    )


def note_usage(quota: Quota, used: int, *, now: datetime) -> None:
    """Warns when most of the month's checks are used; lets live keys rest when all are. Needs the system's scope."""
    organization = hold(quota.organization_id)
    if quota_of(organization, access_of(facts_for(organization), now=now), now=now) != quota:
        return  # another plan came meanwhile
    about = f"{quota.since:%Y-%m-%d}"
    words = {"used": used, "limit": quota.checks, "until": quota.until}
    if used * 100 >= quota.checks * WARN_AT_PERCENT:
        is_news = letters.send_once("quota_near", organization, about=about, now=now, **words)
        if is_news and used < quota.checks:
            after = {"used": used, "limit": quota.checks, "until": quota.until.isoformat()}
            audit.write(organization.id, "entitlement.quota_near", by=SYSTEM, now=now, after=after)
    if used < quota.checks:
        return
    letters.send_once("quota_reached", organization, about=about, now=now, **words)
    kept = db.session.get_one(Entitlement, quota.organization_id)
    if kept.quota_until != quota.until:
        kept.quota_reached_at, kept.quota_until = now, quota.until
        after = {"used": used, "limit": quota.checks, "until": quota.until.isoformat()}
        audit.write(organization.id, "entitlement.quota_reached", by=SYSTEM, now=now, after=after)
        entitlements.refresh(organization.id, now=now)
