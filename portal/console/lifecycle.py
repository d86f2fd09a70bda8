"""What operators do to an organization. Needs the system's scope."""

from datetime import datetime, timedelta
from http import HTTPStatus
from uuid import UUID

from sqlalchemy import or_, select

from api.decisions import statistics
from api.keys import lookup
from api.keys import services as keys
from api.keys.token import KeyEnvironment
from billing import entitlements
from core import audit
from core.accounts import Organization, OrganizationStatus, hold
from core.audit import Actor
from core.db import db
from core.errors import AppError, NotFound
from core.members import Membership, User
from core.paging import Page, page_of
from core.scope import needs_system_scope
from portal.customer.applications.review import refuse_own
from portal.customer.organization import services as organizations
from portal.customer.organization.services import notify_owners

USAGE_OVER = timedelta(days=30)


class CannotSuspend(AppError):
    status, code, title = HTTPStatus.CONFLICT, "cannot_suspend", "This organization cannot be suspended"
    advice = "Reload the page to see its current status."


class NotSuspended(AppError):
    status, code, title = HTTPStatus.CONFLICT, "not_suspended", "This organization is not suspended"
    advice = "Reload the page to see its current status."


@needs_system_scope
def search(words: str, *, after: UUID | None = None, size: int = 50) -> Page[Organization]:
    """Organizations whose name, slug or member's address has these words; the newest first."""
    query = select(Organization)
    if words:
        members = (
            select(Membership.organization_id)
            .join(User, User.id == Membership.user_id)
            .where(User.email.icontains(words, autoescape=True))
        )
        query = query.where(
            or_(
                Organization.name.icontains(words, autoescape=True),
                Organization.slug.icontains(words, autoescape=True),
                Organization.id.in_(members),
            )
        )
    if after is not None:
        query = query.where(Organization.id < after)
    found = db.session.scalars(query.order_by(Organization.id.desc()).limit(size + 1)).all()
    return page_of(found, size, id_of=lambda one: one.id)


@needs_system_scope
def find(organization_id: UUID) -> Organization:
    """Raises NotFound."""
    organization = db.session.get(Organization, organization_id)
    if organization is None:
        raise NotFound("This organization does not exist.")
    return organization


def suspend(organization_id: UUID, *, reason: str, by: Actor, now: datetime) -> None:
    """Blocks every key. Nothing is lost. Raises CannotSuspend."""
    refuse_own(organization_id, by)
    organization = hold(organization_id)
    if organization.status not in {OrganizationStatus.SANDBOX, OrganizationStatus.LIVE}:
        raise CannotSuspend
    organization.status_before, organization.status = organization.status, OrganizationStatus.SUSPENDED.value
    organization.status_reason = reason
    audit.write(
        organization_id,
        "organization.suspended",
        by=by,
        now=now,
        before={"status": organization.status_before},
        after={"status": organization.status, "reason": reason},
    )
    notify_owners(organization, "organization_suspended", now=now, reason=reason)


def restore(organization_id: UUID, *, reason: str, by: Actor, now: datetime) -> None:
    """Ends a suspension. Raises NotSuspended."""
    refuse_own(organization_id, by)
    organization = hold(organization_id)
    if organization.status != OrganizationStatus.SUSPENDED:
        raise NotSuspended
    organization.status = organization.status_before or OrganizationStatus.SANDBOX.value
    organization.status_before = organization.status_reason = None
    audit.write(
        organization_id,
        "organization.restored",
        by=by,
        now=now,
        before={"status": OrganizationStatus.SUSPENDED.value},
        after={"status": organization.status, "reason": reason},
    )
    notify_owners(organization, "organization_restored", now=now, reason=reason)


def close(organization_id: UUID, *, after_days: int, reason: str, by: Actor, now: datetime) -> None:
    """Ends an account, as its owner told us in writing or because we end the contract. Raises NotClosing."""
    refuse_own(organization_id, by)
    organizations.close(organization_id, window=timedelta(days=after_days), reason=reason, by=by, now=now)


def revoke_key(organization_id: UUID, key_id: UUID, *, reason: str, by: Actor, now: datetime) -> None:
    """Ends one key for good, and tells the owners. Once, however often it is asked for."""
    refuse_own(organization_id, by)
    if lookup.find(organization_id, key_id, for_update=True).revoked_at is None:
        key = keys.revoke(organization_id, key_id, reason=reason, by=by, now=now)
        notify_owners(find(organization_id), "key_revoked", now=now, key=key, reason=reason)


def usage_of(organization_id: UUID, *, now: datetime) -> dict[str, tuple[int, int]]:
    """Allowed and blocked decisions of the last 30 days, by environment."""
    usage = {}
    for environment in KeyEnvironment:
        slots = statistics.over_time(
            organization_id, environment=environment.value, since=now - USAGE_OVER, to=now, step=USAGE_OVER
        )
        usage[environment.value] = (sum(slot.allowed for slot in slots), sum(slot.blocked for slot in slots))
    return usage


@needs_system_scope
def move_pilot_end(organization_id: UUID, ends_at: datetime, *, by: Actor, now: datetime) -> None:
    refuse_own(organization_id, by)
    organization = hold(organization_id)
    before, organization.pilot_ends_at = organization.pilot_ends_at, ends_at
    db.session.flush()
    audit.write(
        organization_id,
        "organization.pilot_end_moved",
        by=by,
        now=now,
        before={"pilot_ends_at": before.isoformat() if before else None},
        after={"pilot_ends_at": ends_at.isoformat()},
    )
    entitlements.refresh(organization_id, now=now)
