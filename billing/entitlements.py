"""The access of an organization as it is now, and projecting it to the row that checks read."""

from datetime import datetime
from http import HTTPStatus
from uuid import UUID

from sqlalchemy import select

from billing import access_changes
from billing.access import BillingFacts, EffectiveAccess, Grant, access_of, renewing_without_access
from billing.accounts import lock_account
from billing.facts import facts_for, grant_of
from billing.models import Entitlement
from billing.plans import PlanCode
from billing.stripe_objects import Subscribed
from core import audit
from core.accounts import BlockReason, Organization, OrganizationStatus, hold
from core.audit import SYSTEM, Actor
from core.db import db
from core.errors import AppError, FieldProblem, InvalidRequest
from core.scope import needs_system_scope


class GrantOver(AppError):
    status, code, title = HTTPStatus.CONFLICT, "grant_over", "This organization has no manually set plan"
    advice = "Reload the page to see the current status."


def access_for(organization_id: UUID, *, now: datetime) -> EffectiveAccess:
    """Worked out from the facts as they are."""
    return access_of(facts_for(db.session.get_one(Organization, organization_id)), now=now)


@needs_system_scope
def refresh(organization_id: UUID, *, now: datetime) -> EffectiveAccess:
    """Works the access out anew, notifies of a change, and writes what checks need to know."""
    organization = hold(organization_id)
    return settle(organization, facts_for(organization), now=now)


def settle(organization: Organization, facts: BillingFacts, *, now: datetime) -> EffectiveAccess:
    """Works the access out, stores it, and notifies of a change. Needs the organization held."""
    access, renewing = access_of(facts, now=now), renewing_without_access(facts)
    before = _store(organization, access, now=now)
    if before is not None:
        access_changes.notify(organization, before, access, renewing_without_access=renewing, now=now)
    return access


def _store(organization: Organization, access: EffectiveAccess, *, now: datetime) -> str | None:
    """The state before, if the access changed."""
    stored, before = db.session.get(Entitlement, organization.id), None
    if stored is None:
        stored = Entitlement(organization_id=organization.id, since=now, plan_since=now, plan=access.plan)
        db.session.add(stored)
    elif (stored.state, stored.plan) != (access.state, access.plan):
        before = stored.state
        _record_change(organization, stored, access, now=now)
        stored.since = now
    stored.plan_since = stored.plan_since if stored.plan == access.plan else now
    stored.state, stored.plan, stored.reason = access.state.value, access.plan, access.reason
    stored.changes_at, stored.computed_at = access.changes_at, now
    project_to_organization(organization, access, stored, now=now)
    db.session.flush()
    return before


def charged_without_access(organization: Organization) -> Subscribed | None:
    """A subscription that renews although what was paid for it was given back."""
    return renewing_without_access(facts_for(organization))


@needs_system_scope
def due(now: datetime) -> list[UUID]:
    """Organizations whose access changes by time alone, or was never worked out."""
    query = (
        select(Organization.id)
        .outerjoin(Entitlement, Entitlement.organization_id == Organization.id)
        .where(
            Organization.status != OrganizationStatus.CLOSED.value,
            (Entitlement.organization_id.is_(None))
            | (Entitlement.changes_at <= now)
            | (Entitlement.quota_until <= now),
        )
    )
    return list(db.session.scalars(query))


@needs_system_scope
def grant(
    organization_id: UUID, plan: PlanCode, *, until: datetime | None, reason: str, by: Actor, now: datetime
) -> EffectiveAccess:
    """Gives a plan by hand, in the place of one given before."""
    if until is not None and until <= now:
        raise InvalidRequest(errors=(FieldProblem("until", "out_of_range", "Choose a date in the future."),))
    account = lock_account(organization_id)
    before = _shown(grant_of(account))
    account.grant_plan, account.grant_until, account.grant_reason = plan.value, until, reason
    after = _shown(grant_of(account))
    audit.write(organization_id, "entitlement.granted", by=by, now=now, before=before, after=after)
    return refresh(organization_id, now=now)


@needs_system_scope
def end_grant(organization_id: UUID, *, by: Actor, now: datetime) -> EffectiveAccess:
    """Raises GrantOver."""
    account = lock_account(organization_id)
    before = grant_of(account)
    if before is None:
        raise GrantOver
    account.grant_plan = account.grant_until = account.grant_reason = None
    audit.write(organization_id, "entitlement.grant_ended", by=by, now=now, before=_shown(before))
    return refresh(organization_id, now=now)


@needs_system_scope
def offer_metered(organization_id: UUID, *, is_offered: bool, by: Actor, now: datetime) -> None:
    """Lets an organization choose to pay as it goes, or no longer."""
    account = lock_account(organization_id)
    if account.is_metered_offered != is_offered:
        account.is_metered_offered = is_offered
        action = "entitlement.metered_offered" if is_offered else "entitlement.metered_withdrawn"
        audit.write(organization_id, action, by=by, now=now)


@needs_system_scope
def ask_for_enterprise(organization_id: UUID, *, by: Actor, now: datetime) -> bool:
    """Whether it was asked for the first time."""
    account = lock_account(organization_id)
    is_first = account.enterprise_asked_at is None
    if is_first:
        account.enterprise_asked_at = now
        audit.write(organization_id, "entitlement.enterprise_asked", by=by, now=now)
    return is_first


def project_to_organization(
    organization: Organization, access: EffectiveAccess, kept: Entitlement, *, now: datetime
) -> None:
    """Into the organization's row, whose changes every process of the API reads at once."""
    is_counted = access.limits.checks_a_month is not None and kept.quota_until is not None and now < kept.quota_until
    if not is_counted:
        kept.quota_reached_at = kept.quota_until = None
    blocked: tuple[datetime | None, datetime | None, str | None] = (None, None, None)
    if access.is_unpaid:
        since = organization.blocked_from if organization.blocked_because == BlockReason.PAYMENT else None
        blocked = (min(since or now, now), None, BlockReason.PAYMENT.value)
    elif access.unpaid_from is not None:
        blocked = (access.unpaid_from, None, BlockReason.PAYMENT.value)
    elif is_counted:
        blocked = (kept.quota_reached_at, kept.quota_until, BlockReason.QUOTA.value)
    wanted = (access.limits.rate_per_key, *blocked)
    if wanted != (
        organization.check_limit,
        organization.blocked_from,
        organization.blocked_until,
        organization.blocked_because,
    ):
        (
            organization.check_limit,
            organization.blocked_from,
            organization.blocked_until,
            organization.blocked_because,
        ) = wanted


def _record_change(organization: Organization, before: Entitlement, access: EffectiveAccess, *, now: datetime) -> None:
    audit.write(
        organization.id,
        "entitlement.changed",
        by=SYSTEM,
        now=now,
        before={"state": before.state, "plan": before.plan},
        after={"state": access.state.value, "plan": access.plan, "reason": access.reason},
    )


def _shown(given: Grant | None) -> dict[str, str | None] | None:
    if given is None:
        return None
    return {
        "plan": given.plan.value,
        "until": given.until.isoformat() if given.until else None,
        "reason": given.reason,
    }
