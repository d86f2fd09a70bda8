"""What the applicant does: starts, sends, answers, withdraws. Every move is a compare-and-set on status and version."""

from datetime import datetime
from http import HTTPStatus
from typing import Any
from uuid import UUID

from sqlalchemy import select, update

from core import audit
from core.accounts import Organization, OrganizationStatus
from core.audit import Actor
from core.db import db
from core.errors import AppError, NotFound
from core.ids import new_uuid
from core.profiles import find_profile
from core.rows import read_anew
from legal_docs.acceptances import status as acceptance_status
from portal.customer.applications.models import Application, ApplicationMessage, MessageKind
from portal.customer.applications.states import LABELS, MOVES, SENT, ApplicationStatus, due_at
from portal.customer.organization.signals import closing_began, details_changed
from portal.customer.people.signals import organization_founded


class ApplicationMoved(AppError):
    status, code, title = HTTPStatus.CONFLICT, "application_moved", "Someone else changed this approval request"
    advice = "Reload the page to see its current status. Your changes were not saved."


class ApplicationIncomplete(AppError):
    status, code, title = HTTPStatus.CONFLICT, "application_incomplete", "The approval request is incomplete"
    advice = "Complete the earlier steps on the Get started page first."


@organization_founded.connect
def start(organization_id: UUID, *, now: datetime) -> Application:
    """A draft. The database keeps a second open one out."""
    application = Application(
        id=new_uuid(),
        organization_id=organization_id,
        status=ApplicationStatus.DRAFT.value,
        version=1,
        created_at=now,
        changed_at=now,
    )
    db.session.add(application)
    db.session.flush()
    return application


def latest(organization_id: UUID) -> Application | None:
    return db.session.scalar(
        read_anew(
            select(Application)
            .where(Application.organization_id == organization_id)
            .order_by(Application.id.desc())
            .limit(1)
        )
    )


def find(application_id: UUID) -> Application:
    """Raises NotFound, also for another organization's where the scope is one organization's."""
    application = db.session.scalar(read_anew(select(Application).where(Application.id == application_id)))
    if application is None:
        raise NotFound("Approval request not found.")
    return application


def messages(application_id: UUID) -> list[ApplicationMessage]:
    """What was said, oldest first; internal notes only in the system's scope."""
    return list(
        db.session.scalars(
            select(ApplicationMessage)
            .where(ApplicationMessage.application_id == application_id)
            .order_by(ApplicationMessage.id)
        )
    )


def submit(organization_id: UUID, *, by: Actor, now: datetime) -> Application:
    """Sends the application. Raises ApplicationIncomplete or ApplicationMoved."""
    # the organization first, as everywhere: its approval and this come one after the other
    status = db.session.scalar(select(Organization.status).where(Organization.id == organization_id).with_for_update())
    if status != OrganizationStatus.SANDBOX:
        raise ApplicationMoved("This organization does not need approval. Reload the page.")
    application = latest(organization_id) or start(organization_id, now=now)
    if not MOVES[ApplicationStatus(application.status)]:
        application = start(organization_id, now=now)
    if find_profile(organization_id) is None:
        raise ApplicationIncomplete("Add your organization details first.")
    if not acceptance_status.has_accepted_everything(organization_id, now=now):
        raise ApplicationIncomplete("Accept the Terms and the DPA first.")
    if application.status == ApplicationStatus.SUBMITTED:
        return application  # pressed twice
    return move(
        application,
        ApplicationStatus.SUBMITTED,
        by=by,
        now=now,
        submitted_at=application.submitted_at or now,
        due_at=due_at(now),
    )


def answer(organization_id: UUID, *, body: str, by: Actor, now: datetime) -> Application:
    """Answers the reviewer, which sends the application back to us. Raises ApplicationMoved."""
    application = latest(organization_id)
    if application is None or application.status != ApplicationStatus.INFORMATION_REQUESTED:
        raise ApplicationMoved("There is no open question to answer. Reload the page.")
    moved = move(application, ApplicationStatus.SUBMITTED, by=by, now=now, due_at=due_at(now))
    say(moved, MessageKind.ANSWER, body, by=by, now=now)
    return moved


def withdraw(organization_id: UUID, *, by: Actor, now: datetime) -> Application:
    application = latest(organization_id)
    if application is None or application.status not in SENT:
        raise ApplicationMoved("There is no approval request to withdraw. Reload the page.")
    return move(application, ApplicationStatus.WITHDRAWN, by=by, now=now, decided_at=now)


@closing_began.connect
def withdraw_open(organization_id: UUID, *, by: Actor, now: datetime) -> None:
    """Withdraws whatever is open; for an account that closes."""
    application = latest(organization_id)
    if application is not None and MOVES[ApplicationStatus(application.status)]:
        move(application, ApplicationStatus.WITHDRAWN, by=by, now=now, decided_at=now)


@details_changed.connect
def note_change_of_details(organization_id: UUID, *, now: datetime) -> None:
    """An operator who read the old details must not decide on the new ones unread: the version moves on."""
    db.session.execute(
        update(Application)
        .where(Application.organization_id == organization_id, Application.status.in_(SENT))
        .values(version=Application.version + 1, changed_at=now)
    )


def say(application: Application, kind: MessageKind, body: str, *, by: Actor, now: datetime) -> None:
    db.session.add(
        ApplicationMessage(
            id=new_uuid(),
            application_id=application.id,
            organization_id=application.organization_id,
            kind=kind.value,
            author_id=by.id,
            body=body,
            created_at=now,
        )
    )


def move(
    application: Application,
    to: ApplicationStatus,
    *,
    by: Actor,
    now: datetime,
    version: int | None = None,
    reason: str | None = None,
    **values: Any,
) -> Application:
    """One UPDATE that only the first of two succeeds with. Raises ApplicationMoved, telling what happened instead."""
    before = ApplicationStatus(application.status)
    seen = version if version is not None else application.version
    moved = None
    if to in MOVES[before]:
        moved = db.session.execute(
            update(Application)
            .where(
                Application.id == application.id,
                Application.status == before.value,
                Application.version == seen,
            )
            .values(status=to.value, version=seen + 1, changed_at=now, reason=reason, **values)
            .returning(Application.id)
            .execution_options(synchronize_session=False)
        ).first()
    if moved is None:
        now_is = ApplicationStatus(find(application.id).status)
        raise ApplicationMoved(f"The status is now: {LABELS[now_is].lower()}. Reload the page. Nothing was changed.")
    audit.write(
        application.organization_id,
        f"application.{to.value}",
        by=by,
        now=now,
        subject_id=str(application.id),
        before={"status": before.value},
        after={"status": to.value, "reason": reason} if reason else {"status": to.value},
    )
    return find(application.id)
