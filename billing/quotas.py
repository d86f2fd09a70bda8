"""The live checks of a month where a plan has a limit: warnings, and the block when they are used up."""

from collections.abc import Collection, Mapping
from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import select

from billing import emails, entitlements
from billing.access import EffectiveAccess, access_of
from billing.facts import facts_for
from billing.models import BillingEmail, Entitlement
from billing.plans import PLANS, PlanCode
from core import audit
from core.accounts import Organization, OrganizationStatus, hold
from core.audit import SYSTEM
from core.calendar import month_around
from core.db import among, db
from core.scope import needs_system_scope

WARN_AT_PERCENT = 80
_NEAR = "quota_near"


class Quota(msgspec.Struct, frozen=True):
    """How many live checks the month around now may hold; months are counted from the sign-up."""

    organization_id: UUID
    checks: int
    since: datetime
    until: datetime


def quota_of(organization: Organization, access: EffectiveAccess, *, now: datetime) -> Quota | None:
    """None where the plan has no limit. What was used under another plan, earlier in the month, does not count."""
    return _quota(organization, db.session.get(Entitlement, organization.id), access.plan, now=now)


def _quota(organization: Organization, kept: Entitlement | None, plan: str | None, *, now: datetime) -> Quota | None:
    checks = PLANS[PlanCode(plan)].limits.checks_a_month if plan is not None else None
    if checks is None:
        return None
    since, until = month_of(organization, now=now)
    if kept is not None and kept.plan == plan:
        since = max(since, kept.plan_since.replace(minute=0, second=0, microsecond=0))
    return Quota(organization.id, checks, since, until)


def _about(quota: Quota) -> str:
    """Names the month in what is sent once for it."""
    return f"{quota.since:%Y-%m-%d}"


def month_of(organization: Organization, *, now: datetime) -> tuple[datetime, datetime]:
    """The month in which checks are counted, from the day of the sign-up, at midnight UTC."""
    anchor = organization.created_at.replace(hour=0, minute=0, second=0, microsecond=0)
    return month_around(now, anchor=anchor)


@needs_system_scope
def counted(now: datetime) -> list[Quota]:
    """Of every organization whose checks are counted and not used up, by the plan that was last worked out.

    One query; `note_usage` looks again before it acts.
    """
    query = (
        select(Organization, Entitlement)
        .join(Entitlement, Entitlement.organization_id == Organization.id)
        .where(
            Organization.status == OrganizationStatus.LIVE.value,
            Entitlement.plan.in_([plan.code.value for plan in PLANS.values() if plan.limits.checks_a_month]),
            Entitlement.quota_until.is_(None) | (Entitlement.quota_until <= now),
        )
    )
    found = (_quota(organization, kept, kept.plan, now=now) for organization, kept in db.session.execute(query))
    return [quota for quota in found if quota is not None]


def to_notify(quotas: Collection[Quota], used: Mapping[UUID, int]) -> list[Quota]:
    """Those that are used up, or near it while nobody was notified in this month. One query."""
    near = [quota for quota in quotas if used.get(quota.organization_id, 0) * 100 >= quota.checks * WARN_AT_PERCENT]
    notified = _notified([quota.organization_id for quota in near])
    return [
        quota
        for quota in near
        if used[quota.organization_id] >= quota.checks or (quota.organization_id, _about(quota)) not in notified
    ]


def _notified(organization_ids: Collection[UUID]) -> set[tuple[UUID, str]]:
    query = select(BillingEmail.organization_id, BillingEmail.about).where(
        among(BillingEmail.organization_id, organization_ids), BillingEmail.template == _NEAR
    )
    return {(organization_id, about) for organization_id, about in db.session.execute(query)}


@needs_system_scope
def note_usage(quota: Quota, used: int, *, now: datetime) -> None:
    """Warns when most of the month's checks are used; blocks live keys when all are."""
    organization = hold(quota.organization_id)
    if quota_of(organization, access_of(facts_for(organization), now=now), now=now) != quota:
        return  # another plan came meanwhile
    about = _about(quota)
    words = {"used": used, "limit": quota.checks, "until": quota.until}
    if used * 100 >= quota.checks * WARN_AT_PERCENT:
        is_sent = emails.send_once(_NEAR, organization, about=about, now=now, **words)
        if is_sent and used < quota.checks:
            after = {"used": used, "limit": quota.checks, "until": quota.until.isoformat()}
            audit.write(organization.id, "entitlement.quota_near", by=SYSTEM, now=now, after=after)
    if used < quota.checks:
        return
    emails.send_once("quota_reached", organization, about=about, now=now, **words)
    kept = db.session.get_one(Entitlement, quota.organization_id)
    if kept.quota_until != quota.until:
        kept.quota_reached_at, kept.quota_until = now, quota.until
        after = {"used": used, "limit": quota.checks, "until": quota.until.isoformat()}
        audit.write(organization.id, "entitlement.quota_reached", by=SYSTEM, now=now, after=after)
        entitlements.refresh(organization.id, now=now)
