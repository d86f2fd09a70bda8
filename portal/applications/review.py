"""What operators do with an application: approve, ask, defer, decline. Nobody decides about their own organization.

Needs the system's scope.
"""

from datetime import datetime
from http import HTTPStatus
from uuid import UUID

from sqlalchemy import select

from billing import entitlements
from core import audit
from core.accounts import Organization, OrganizationStatus, hold
from core.audit import Actor
from core.db import db
from core.errors import AppError
from core.members import Membership
from portal.applications import services
from portal.applications.models import Application, MessageKind
from portal.applications.states import INFORMATION_WITHIN, WAITING_FOR_US, Status
from portal.organization.services import tell_owners


class OwnOrganization(AppError):
    status, code, title = HTTPStatus.FORBIDDEN, "own_organization", "This organization is your own"
    advice = "Let another operator decide about it."


def queue() -> list[tuple[Application, Organization]]:
    """What waits for us, oldest first; what was put off comes last."""
    rows = db.session.execute(
        select(Application, Organization)
        .join(Organization, Organization.id == Application.organization_id)
        .where(Application.status.in_(WAITING_FOR_US))
        .order_by(Application.status.desc(), Application.submitted_at, Application.id)
    )
    return [(row[0], row[1]) for row in rows]


def approve(
    application: Application, *, version: int, reason: str, pilot_ends_at: datetime, by: Actor, now: datetime
) -> Application:
    """Makes the organization live, on a pilot with an end. Raises ApplicationMoved or OwnOrganization."""
    decided = _decide(application, Status.APPROVED, version=version, reason=reason, by=by, now=now)
    organization = hold(application.organization_id)
    before = organization.status
    if before in {OrganizationStatus.CLOSING, OrganizationStatus.CLOSED}:
        raise services.ApplicationMoved("This account is closing or closed. Nothing was changed.")
    if organization.status == OrganizationStatus.SUSPENDED:
        organization.status_before = OrganizationStatus.LIVE.value
    elif organization.status == OrganizationStatus.SANDBOX:
        organization.status = OrganizationStatus.LIVE.value
    organization.pilot_ends_at = pilot_ends_at
    db.session.flush()
    entitlements.refresh(organization.id, now=now)
    audit.write(
        organization.id,
        "organization.approved",
        by=by,
        now=now,
        before={"status": before},
        after={"status": organization.status, "pilot_ends_at": pilot_ends_at.isoformat(), "reason": reason},
    )
    tell_owners(organization, "application_approved", now=now, reason=reason, pilot_ends_at=pilot_ends_at)
    return decided


def decline(application: Application, *, version: int, reason: str, by: Actor, now: datetime) -> Application:
    decided = _decide(application, Status.DECLINED, version=version, reason=reason, by=by, now=now)
    tell_owners(_organization(application), "application_declined", now=now, reason=reason)
    return decided


def defer(application: Application, *, version: int, reason: str, by: Actor, now: datetime) -> Application:
    """Puts a decision off, and says why."""
    refuse_own(application.organization_id, by)
    moved = services.move(application, Status.DEFERRED, version=version, reason=reason, by=by, now=now, due_at=None)
    tell_owners(_organization(application), "application_deferred", now=now, reason=reason)
    return moved


def ask(application: Application, *, version: int, question: str, by: Actor, now: datetime) -> Application:
    """Asks the applicant, whose answer brings the application back. It expires if none comes."""
    refuse_own(application.organization_id, by)
    moved = services.move(
        application,
        Status.INFORMATION_REQUESTED,
        version=version,
        by=by,
        now=now,
        due_at=now + INFORMATION_WITHIN,
    )
    services.say(moved, MessageKind.QUESTION, question, by=by, now=now)
    tell_owners(_organization(application), "application_question", now=now, question=question)
    return moved


def note(application: Application, *, body: str, by: Actor, now: datetime) -> None:
    """For operators' eyes only; the trail says that there is one."""
    services.say(application, MessageKind.INTERNAL_NOTE, body, by=by, now=now)
    audit.write(application.organization_id, "application.noted", by=by, now=now, subject_id=str(application.id))


def overdue(now: datetime) -> list[UUID]:
    """Applications whose question was not answered in time."""
    return list(
        db.session.scalars(
            select(Application.id).where(
                Application.status == Status.INFORMATION_REQUESTED.value, Application.due_at <= now
            )
        )
    )


def expire(application_id: UUID, *, by: Actor, now: datetime) -> None:
    """Raises ApplicationMoved where the answer came first."""
    application = services.find(application_id)
    services.move(application, Status.EXPIRED, by=by, now=now, decided_at=now)
    tell_owners(_organization(application), "application_expired", now=now)


def _decide(
    application: Application, to: Status, *, version: int, reason: str, by: Actor, now: datetime
) -> Application:
    refuse_own(application.organization_id, by)
    return services.move(
        application, to, version=version, reason=reason, by=by, now=now, decided_at=now, decided_by=by.id
    )


def refuse_own(organization_id: UUID, by: Actor) -> None:
    """Raises OwnOrganization."""
    if by.id is not None and db.session.get(Membership, (organization_id, by.id)) is not None:
        raise OwnOrganization


def _organization(application: Application) -> Organization:
    return db.session.get_one(Organization, application.organization_id)
