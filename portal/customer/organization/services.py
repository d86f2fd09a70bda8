"""Details, retention, closing. What is set here is a documented instruction: all is on the audit log."""

from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any
from uuid import UUID

from sqlalchemy import select

from billing import entitlements
from billing.jobs import end_plan_of_closing_account, go_on_with_plan_of_kept_account
from core import audit, names
from core.accounts import Organization, OrganizationStatus, hold
from core.audit import Actor
from core.db import db
from core.errors import AppError
from core.jobs import defer
from core.mail import send_mail
from core.members import Membership, Role, User
from core.profiles import OrganizationProfile, find_profile
from core.rows import fresh
from legal_docs import figures
from portal.customer.organization.signals import closing_began, details_changed

RETRIEVAL_WINDOW = timedelta(days=figures.RETRIEVAL_DAYS)
_SUSPENDED = OrganizationStatus.SUSPENDED.value


class RetentionBeyondPlan(AppError):
    status, code, title = (
        HTTPStatus.CONFLICT,
        "retention_beyond_plan",
        "Your plan does not include this retention period",
    )
    advice = "Choose fewer days or upgrade your plan. The current setting was not changed."


class NotClosing(AppError):
    status, code, title = HTTPStatus.CONFLICT, "not_closing", "This organization is not closing"
    advice = "Reload the page to see the current status."


def find(organization_id: UUID) -> Organization:
    return fresh(Organization, organization_id)


def save_details(organization_id: UUID, details: dict[str, Any], *, by: Actor, now: datetime) -> None:
    """Keeps the details. An application that is being looked at moves on, so that nobody decides on old ones."""
    profile = find_profile(organization_id)
    before = _facts(profile, details) if profile else None
    if profile is None:
        profile = OrganizationProfile(organization_id=organization_id)
        db.session.add(profile)
    for name, value in details.items():
        setattr(profile, name, value)
    after = _facts(profile, details)
    profile.updated_at = now
    db.session.flush()
    if before != after:
        details_changed.send(organization_id, now=now)
        audit.write(organization_id, "organization.details_changed", by=by, now=now, before=before, after=after)


def rename(organization_id: UUID, name: str, *, by: Actor, now: datetime) -> None:
    organization = hold(organization_id)
    before, organization.name = organization.name, names.clean(name)
    details_changed.send(organization_id, now=now)
    audit.write(
        organization_id,
        "organization.renamed",
        by=by,
        now=now,
        before={"name": before},
        after={"name": organization.name},
    )


def longest_retention(organization: Organization, *, now: datetime) -> int:
    """In days: what the plan allows, or what was set under a larger one."""
    longest = entitlements.access_for(organization.id, now=now).limits.retention_days
    return max(longest, organization.retention_days)


def set_retention(organization_id: UUID, days: int, *, by: Actor, now: datetime) -> None:
    """How long decisions are kept. A shorter time holds from the next daily purge. Raises RetentionBeyondPlan."""
    organization = hold(organization_id)
    if organization.retention_days == days:
        return
    longest = longest_retention(organization, now=now)
    if days > longest:
        raise RetentionBeyondPlan(f"You can keep decisions for up to {longest:,} days. {RetentionBeyondPlan.advice}")
    before, organization.retention_days = organization.retention_days, days
    audit.write(
        organization_id,
        "organization.retention_changed",
        by=by,
        now=now,
        before={"days": before},
        after={"days": days},
    )


def close(
    organization_id: UUID,
    *,
    by: Actor,
    now: datetime,
    window: timedelta = RETRIEVAL_WINDOW,
    reason: str | None = None,
) -> datetime:
    """Starts closing: keys are blocked at once, the data can be fetched until the returned time, then it is deleted.

    For one that is closing already it can come sooner, never later. With a `reason` it is we who close it: an owner who
    keeps the account then finds it suspended.
    """
    organization = hold(organization_id)
    if organization.status == OrganizationStatus.CLOSED:
        raise NotClosing("This organization is already closed.")
    ends_before = organization.closes_at if organization.status == OrganizationStatus.CLOSING else None
    closes_at = min(now + window, ends_before) if ends_before else now + window
    is_taken_over = reason is not None and organization.closing_from != _SUSPENDED
    if closes_at == ends_before and not is_taken_over:
        return closes_at
    if ends_before is None:
        organization.closing_from, organization.status = organization.status, OrganizationStatus.CLOSING.value
        closing_began.send(organization_id, by=by, now=now)
        defer(end_plan_of_closing_account, organization_id=str(organization_id))
    if reason is not None:
        if organization.closing_from != _SUSPENDED:
            organization.status_before, organization.closing_from = organization.closing_from, _SUSPENDED
        organization.status_reason = reason
    organization.closes_at = closes_at
    because = {"reason": reason} if reason else {}
    after = {"closes_at": closes_at.isoformat(), **because}
    audit.write(organization_id, "organization.closing", by=by, now=now, after=after)
    notify_owners(organization, "account_closing", now=now, closes_at=closes_at, **because)
    return closes_at


def cancel_closing(organization_id: UUID, *, by: Actor, now: datetime) -> None:
    """Undoes closing. What was suspended is so again, and its plan still ends. Raises NotClosing."""
    organization = hold(organization_id)
    if organization.status != OrganizationStatus.CLOSING or organization.closes_at is None:
        raise NotClosing
    if organization.closes_at <= now:
        raise NotClosing("It is too late to cancel the closure.")
    organization.status = organization.closing_from or OrganizationStatus.SANDBOX.value
    organization.closing_from = organization.closes_at = None
    if organization.status != OrganizationStatus.SUSPENDED:
        defer(go_on_with_plan_of_kept_account, organization_id=str(organization_id))
    audit.write(organization_id, "organization.kept", by=by, now=now, after={"status": organization.status})


def notify_owners(organization: Organization, template: str, *, now: datetime, **words: object) -> None:
    """One mail to each owner."""
    owners = db.session.execute(
        select(User.email, User.name)
        .join(Membership, Membership.user_id == User.id)
        .where(Membership.organization_id == organization.id, Membership.role == Role.OWNER.value)
    )
    for owner in owners.all():
        send_mail(
            template,
            to=owner.email,
            organization_id=organization.id,
            now=now,
            context={"name": owner.name, "organization": organization.name, **words},
        )


def _facts(profile: OrganizationProfile, details: dict[str, Any]) -> dict[str, Any]:
    return {name: getattr(profile, name) for name in details}
