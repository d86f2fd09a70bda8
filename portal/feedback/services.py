"""Asking, answering, recording. Needs the system's scope."""

from datetime import datetime
from http import HTTPStatus
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update

from core import audit
from core.accounts import Organization, OrganizationStatus
from core.audit import SYSTEM, Actor
from core.db import db
from core.errors import AppError, NotFound
from core.ids import new_uuid
from core.mail import send_mail
from core.members import Role, emails_of, emails_of_operators
from core.profiles import find_profile
from core.rows import read_anew
from core.scope import needs_system_scope
from core.tokens import digest_of, new_token
from portal.feedback.kinds import OF_CUSTOMERS, OPEN_FOR, RECORDED_WITHIN, TITLES, Kind, is_due
from portal.feedback.models import Feedback


class FeedbackUnknown(AppError):
    status, code, title = HTTPStatus.NOT_FOUND, "feedback_unknown", "This link is not valid"
    advice = "Open it from the email again. Some email programs break long links."


class FeedbackOver(AppError):
    status, code, title = HTTPStatus.GONE, "feedback_over", "This was already answered or has expired"
    advice = "To add anything, create a support request."


@needs_system_scope
def live_organizations(*, but: str) -> list[Organization]:
    """Customers in use; not the one with the slug `but`, which is our own."""
    query = select(Organization).where(Organization.status == OrganizationStatus.LIVE.value, Organization.slug != but)
    return list(db.session.scalars(query.order_by(Organization.id)))


@needs_system_scope
def ask_what_is_due(organization: Organization, *, now: datetime) -> list[Feedback]:
    """Everything whose time has come for one organization."""
    last = _last_asked(organization.id)
    due = [
        kind
        for kind in Kind
        if is_due(
            kind,
            since=organization.created_at,
            last_at=last.get(kind),
            pilot_ends_at=organization.pilot_ends_at,
            now=now,
        )
        and not (kind in OF_CUSTOMERS and _has_stopped(organization.id))
    ]
    return [ask(organization, kind, now=now) for kind in due]


@needs_system_scope
def ask(organization: Organization, kind: Kind, *, now: datetime) -> Feedback:
    """Of the customer by email, or of operators, who talk to the customer and record it."""
    secret = new_token() if kind in OF_CUSTOMERS else None
    asked = _add(organization, kind, secret=secret, now=now)
    context = {"organization": organization, "asked": asked, "title": TITLES[kind], "secret": secret}
    if secret is not None:
        _mail_customer(f"feedback_{kind.value}", organization.id, context, now=now)
        return asked
    for email in emails_of_operators():
        send_mail("feedback_due", to=email, now=now, context=context)
    if kind is Kind.PILOT_REVIEW:
        _mail_customer("pilot_review", organization.id, context, now=now)
    return asked


def _mail_customer(template: str, organization_id: UUID, context: dict[str, Any], *, now: datetime) -> None:
    send_mail(template, to=_contact_of(organization_id), organization_id=organization_id, now=now, context=context)


def _add(organization: Organization, kind: Kind, *, secret: str | None, now: datetime) -> Feedback:
    added = Feedback(
        id=new_uuid(),
        organization_id=organization.id,
        kind=kind.value,
        asked_at=now,
        due_at=now + OPEN_FOR.get(kind, RECORDED_WITHIN),
        token_hash=digest_of(secret) if secret else None,
    )
    db.session.add(added)
    db.session.flush()
    return added


@needs_system_scope
def begin(organization: Organization, kind: Kind, *, now: datetime) -> Feedback:
    """One of the operators' that the clock did not ask for: the one that waits, or a new one. Nobody gets an email."""
    is_waiting = (
        Feedback.organization_id == organization.id,
        Feedback.kind == kind.value,
        Feedback.answered_at.is_(None),
    )
    waiting = db.session.scalar(select(Feedback).where(*is_waiting).order_by(Feedback.due_at).limit(1))
    return waiting or _add(organization, kind, secret=None, now=now)


@needs_system_scope
def list_for(organization_id: UUID) -> list[Feedback]:
    """The newest first."""
    query = select(Feedback).where(Feedback.organization_id == organization_id)
    return list(db.session.scalars(query.order_by(Feedback.id.desc()).limit(200)))


@needs_system_scope
def find(feedback_id: UUID) -> Feedback:
    """Raises NotFound."""
    found = db.session.scalar(read_anew(select(Feedback).where(Feedback.id == feedback_id)))
    if found is None:
        raise NotFound("This entry does not exist.")
    return found


@needs_system_scope
def find_by_secret(secret: str, *, now: datetime) -> Feedback:
    """Raises FeedbackUnknown or FeedbackOver."""
    found = db.session.scalar(read_anew(select(Feedback).where(Feedback.token_hash == digest_of(secret))))
    if found is None:
        raise FeedbackUnknown
    if found.answered_at is not None or now > found.due_at:
        raise FeedbackOver
    return found


@needs_system_scope
def answer(secret: str, answers: dict[str, Any], *, now: datetime) -> Feedback:
    """The first answer counts. Raises FeedbackUnknown or FeedbackOver."""
    return _save(find_by_secret(secret, now=now), answers, by=SYSTEM, now=now)


@needs_system_scope
def stop(secret: str, *, now: datetime) -> None:
    """No more pulses and surveys for this organization. Raises FeedbackUnknown or FeedbackOver."""
    found = find_by_secret(secret, now=now)
    found.stopped_at = now
    audit.write(found.organization_id, "feedback.stopped", by=SYSTEM, now=now, subject_id=str(found.id))


@needs_system_scope
def record(feedback_id: UUID, answers: dict[str, Any], *, by: Actor, now: datetime) -> Feedback:
    """What an operator heard. Raises NotFound, also for what customers answer themselves, or FeedbackOver."""
    found = find(feedback_id)
    if Kind(found.kind) in OF_CUSTOMERS:
        raise NotFound("Customers answer this themselves.")
    return _save(found, answers, by=by, now=now)


def _save(found: Feedback, answers: dict[str, Any], *, by: Actor, now: datetime) -> Feedback:
    kept = db.session.execute(
        update(Feedback)
        .where(Feedback.id == found.id, Feedback.answered_at.is_(None))
        .values(answers=answers, answered_at=now, recorded_by=by.id)
        .returning(Feedback.id)
    ).first()
    if kept is None:
        raise FeedbackOver
    after = {"kind": found.kind}
    audit.write(found.organization_id, "feedback.given", by=by, now=now, subject_id=str(found.id), after=after)
    return found


def _last_asked(organization_id: UUID) -> dict[Kind, datetime]:
    query = select(Feedback.kind, func.max(Feedback.asked_at)).where(Feedback.organization_id == organization_id)
    return {Kind(row[0]): row[1] for row in db.session.execute(query.group_by(Feedback.kind))}


def _has_stopped(organization_id: UUID) -> bool:
    query = select(Feedback.id).where(Feedback.organization_id == organization_id, Feedback.stopped_at.is_not(None))
    return db.session.scalar(query.limit(1)) is not None


def _contact_of(organization_id: UUID) -> str:
    """The primary contact, or an owner while there are no details."""
    profile = find_profile(organization_id)
    return profile.contact_email if profile else emails_of(organization_id, {Role.OWNER})[0]
