"""What operators do with an application: approve, ask, defer, decline. Nobody decides about their own organization.

Needs the system's scope.
"""

from collections.abc import Sequence
from datetime import datetime
from http import HTTPStatus
from uuid import UUID

from sqlalchemy import exists, select

from api.decisions import services as decisions
from api.keys.token import KeyEnvironment
from billing import entitlements
from core import audit
from core.accounts import Organization, OrganizationStatus, hold
from core.audit import Actor, AuditEvent
from core.db import db
from core.errors import AppError
from core.members import Membership
from core.scope import needs_system_scope
from portal.customer.applications import services, welcome
from portal.customer.applications.models import Application, MessageKind
from portal.customer.applications.states import INFORMATION_WITHIN, WAITING_FOR_US, ApplicationStatus
from portal.customer.organization.services import notify_owners

FOLLOWED_UP = "organization.followed_up"


class OwnOrganization(AppError):
    status, code, title = HTTPStatus.FORBIDDEN, "own_organization", "This organization is your own"
    advice = "Ask another operator to review it."


@needs_system_scope
def queue() -> list[tuple[Application, Organization]]:
    """What waits for us, oldest first; what was put off comes last."""
    rows = db.session.execute(
        select(Application, Organization)
        .join(Organization, Organization.id == Application.organization_id)
        .where(Application.status.in_(WAITING_FOR_US))
        .order_by(Application.status.desc(), Application.submitted_at, Application.id)
    )
    return [(row[0], row[1]) for row in rows]


@needs_system_scope
def approve(
    application: Application,
    *,
    version: int,
    reason: str,
    pilot_ends_at: datetime,
    by: Actor,
    now: datetime,
    call_slots: Sequence[datetime] = (),
) -> Application:
    """Makes the organization live, on a pilot with an end, and welcomes its owners.

    Raises ApplicationMoved or OwnOrganization.
    """
    decided = _decide(application, ApplicationStatus.APPROVED, version=version, reason=reason, by=by, now=now)
    organization = hold(application.organization_id)
    before = organization.status
    if before in {OrganizationStatus.CLOSING, OrganizationStatus.CLOSED}:
        raise services.ApplicationMoved("This organization is closing or closed, so nothing was changed.")
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
    notify_owners(
        organization,
        "application_approved",
        now=now,
        reason=reason,
        pilot_ends_at=pilot_ends_at,
        call_slots=call_slots,
        **welcome.words_of_welcome(),
    )
    return decided


def decline(application: Application, *, version: int, reason: str, by: Actor, now: datetime) -> Application:
    decided = _decide(application, ApplicationStatus.DECLINED, version=version, reason=reason, by=by, now=now)
    notify_owners(_organization(application), "application_declined", now=now, reason=reason)
    return decided


def defer(application: Application, *, version: int, reason: str, by: Actor, now: datetime) -> Application:
    """Puts a decision off, and says why."""
    refuse_own(application.organization_id, by)
    moved = services.move(
        application, ApplicationStatus.DEFERRED, version=version, reason=reason, by=by, now=now, due_at=None
    )
    notify_owners(_organization(application), "application_deferred", now=now, reason=reason)
    return moved


def ask(application: Application, *, version: int, question: str, by: Actor, now: datetime) -> Application:
    """Asks the applicant, whose answer brings the application back. It expires if none comes."""
    refuse_own(application.organization_id, by)
    moved = services.move(
        application,
        ApplicationStatus.INFORMATION_REQUESTED,
        version=version,
        by=by,
        now=now,
        due_at=now + INFORMATION_WITHIN,
    )
    services.say(moved, MessageKind.QUESTION, question, by=by, now=now)
    notify_owners(_organization(application), "application_question", now=now, question=question)
    return moved


def note(application: Application, *, body: str, by: Actor, now: datetime) -> None:
    """For operators' eyes only; the audit log says that there is one."""
    services.say(application, MessageKind.INTERNAL_NOTE, body, by=by, now=now)
    audit.write(application.organization_id, "application.noted", by=by, now=now, subject_id=str(application.id))


@needs_system_scope
def overdue(now: datetime) -> list[UUID]:
    """Applications whose question was not answered in time."""
    return list(
        db.session.scalars(
            select(Application.id).where(
                Application.status == ApplicationStatus.INFORMATION_REQUESTED.value, Application.due_at <= now
            )
        )
    )


def expire(application_id: UUID, *, by: Actor, now: datetime) -> None:
    """Raises ApplicationMoved where the answer came first."""
    application = services.find(application_id)
    services.move(application, ApplicationStatus.EXPIRED, by=by, now=now, decided_at=now)
    notify_owners(_organization(application), "application_expired", now=now)


@needs_system_scope
def quiet_since_approval(now: datetime) -> list[UUID]:
    """Live organizations that were approved a day ago, have no live decision yet, and were not written to about it."""
    told = exists().where(AuditEvent.organization_id == Application.organization_id, AuditEvent.action == FOLLOWED_UP)
    found = db.session.scalars(
        select(Application.organization_id)
        .join(Organization, Organization.id == Application.organization_id)
        .where(
            Application.status == ApplicationStatus.APPROVED.value,
            Application.decided_at <= now - welcome.FIRST_CHECK_WITHIN,
            Application.decided_at > now - welcome.FOLLOWED_UP_UNTIL,
            Organization.status == OrganizationStatus.LIVE.value,
            ~told,
        )
    ).all()
    return decisions.without_any(found, KeyEnvironment.LIVE)


def follow_up(organization_id: UUID, *, by: Actor, now: datetime) -> None:
    organization = hold(organization_id)
    notify_owners(organization, "no_first_check", now=now)
    audit.write(organization_id, FOLLOWED_UP, by=by, now=now)


def _decide(
    application: Application, to: ApplicationStatus, *, version: int, reason: str, by: Actor, now: datetime
) -> Application:
    refuse_own(application.organization_id, by)
    return services.move(
        application, to, version=version, reason=reason, by=by, now=now, decided_at=now, decided_by=by.id
    )


@needs_system_scope
def refuse_own(organization_id: UUID, by: Actor) -> None:
    """Raises OwnOrganization."""
    if by.id is not None and db.session.get(Membership, (organization_id, by.id)) is not None:
        raise OwnOrganization


def _organization(application: Application) -> Organization:
    return db.session.get_one(Organization, application.organization_id)
