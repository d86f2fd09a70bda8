"""What an organization says of a change, and what we answer. Nothing becomes active over an open objection."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from http import HTTPStatus
from uuid import UUID

import msgspec
from sqlalchemy import select

from core import audit
from core.accounts import Organization
from core.audit import Actor
from core.db import db
from core.errors import AppError, FieldProblem, InvalidRequest, NotFound
from core.ids import new_uuid
from core.rows import locking
from core.scope import needs_system_scope
from legal_docs import links
from legal_docs.figures import OBJECTION_ANSWER_BUSINESS_DAYS
from legal_docs.notices import deadlines
from legal_docs.notices import services as notices
from legal_docs.notices.models import LegalNotice
from legal_docs.register import changes
from legal_docs.register.models import SubProcessorChange, SubProcessorResponse

LONGEST_REASON = 5_000


class ResponseKind(StrEnum):
    ACCEPT = "accept"
    ASK = "ask"
    OBJECT = "object"


class ChangeFor(msgspec.Struct, frozen=True):
    """A change as one organization sees it."""

    change: SubProcessorChange
    notified_at: datetime | None
    silence_is_consent_at: datetime | None
    is_active: bool
    has_open_objection: bool
    responses: tuple[SubProcessorResponse, ...]


class ObjectionTooLate(AppError):
    status, code, title = HTTPStatus.CONFLICT, "objection_too_late", "The objection period for this change has ended"
    advice = "Contact us to find a solution. You can also end the contract at any time."


class AlreadyAnswered(AppError):
    status, code, title = HTTPStatus.CONFLICT, "already_answered", "This was already answered"
    advice = "Read the answer; the customer can write again."


def respond(
    organization_id: UUID, change_id: UUID, kind: ResponseKind, *, reason: str, by: Actor, now: datetime
) -> SubProcessorResponse:
    """Accepts, asks or objects. Accepting after an objection takes the objection back.

    Raises NotFound, ChangeOver, ObjectionTooLate, or InvalidRequest if a question or an objection has no reason.
    """
    change = changes.find(change_id)
    _refuse_late(organization_id, change, kind, now=now)
    reason = reason.strip()
    if len(reason) > LONGEST_REASON or (kind is not ResponseKind.ACCEPT and not reason):
        advice = f"Enter a question or reason of at most {LONGEST_REASON:,} characters."
        raise InvalidRequest(errors=(FieldProblem("reason", "missing", advice),))
    answer_due_at = deadlines.add_business_days(now, OBJECTION_ANSWER_BUSINESS_DAYS)
    response = SubProcessorResponse(
        id=new_uuid(),
        organization_id=organization_id,
        change_id=change_id,
        kind=kind.value,
        reason=reason,
        user_id=by.id,
        created_at=now,
        answer_due_at=None if kind is ResponseKind.ACCEPT else answer_due_at,
    )
    db.session.add(response)
    db.session.flush()
    action = f"sub_processor.change_{kind.value}"
    audit.write(organization_id, action, by=by, now=now, subject_id=str(change_id), after={"reason": reason})
    return response


@needs_system_scope
def answer(response_id: UUID, *, text: str, by: Actor, now: datetime) -> SubProcessorResponse:
    """An operator's answer, mailed to the organization. An objection stays open until the customer takes it back.

    Raises NotFound, AlreadyAnswered, or InvalidRequest if there is no text.
    """
    query = select(SubProcessorResponse).where(SubProcessorResponse.id == response_id)
    response = db.session.scalar(locking(query))
    if response is None or response.kind == ResponseKind.ACCEPT:
        raise NotFound("Question or objection not found.")
    if response.answered_at is not None:
        raise AlreadyAnswered
    if not text.strip():
        raise InvalidRequest(errors=(FieldProblem("text", "missing", "Write an answer."),))
    response.answer, response.answered_at, response.answered_by = text.strip(), now, by.id
    db.session.flush()
    context = {"kind": response.kind, "answer": response.answer, "path": links.CHANGES}
    notices.write_to_all(response.organization_id, "legal_answer", context=context, now=now)
    action = "sub_processor.change_answered"
    audit.write(response.organization_id, action, by=by, now=now, subject_id=str(response.change_id))
    return response


@needs_system_scope
def unanswered() -> list[SubProcessorResponse]:
    """Questions and objections that wait for us, the most urgent first."""
    query = select(SubProcessorResponse).where(
        SubProcessorResponse.answer_due_at.is_not(None), SubProcessorResponse.answered_at.is_(None)
    )
    return list(db.session.scalars(query.order_by(SubProcessorResponse.answer_due_at, SubProcessorResponse.id)))


def responses(organization_id: UUID, change_id: UUID) -> list[SubProcessorResponse]:
    """What the organization said of a change, in order."""
    query = select(SubProcessorResponse).where(
        SubProcessorResponse.organization_id == organization_id, SubProcessorResponse.change_id == change_id
    )
    return list(db.session.scalars(query.order_by(SubProcessorResponse.id)))


def has_open_objection(organization_id: UUID, change_id: UUID) -> bool:
    """Whether the organization's last word, questions apart, is an objection."""
    return _objects(responses(organization_id, change_id))


@needs_system_scope
def held_for(change: SubProcessorChange) -> list[UUID]:
    """Organizations with an open objection or question, for which it is not active."""
    said = select(SubProcessorResponse.organization_id).where(
        SubProcessorResponse.change_id == change.id, SubProcessorResponse.kind != ResponseKind.ACCEPT.value
    )
    asked = db.session.scalars(said.distinct().order_by(SubProcessorResponse.organization_id)).all()
    return [organization_id for organization_id in asked if _holds(responses(organization_id, change.id))]


@needs_system_scope
def accepted_by(change: SubProcessorChange) -> list[UUID]:
    """Organizations that said so themselves. One that objected later is held, which counts for more."""
    query = select(SubProcessorResponse.organization_id).where(
        SubProcessorResponse.change_id == change.id, SubProcessorResponse.kind == ResponseKind.ACCEPT.value
    )
    return list(db.session.scalars(query.distinct()))


def changes_for(organization_id: UUID, *, now: datetime) -> list[ChangeFor]:
    """What the organization was told of, newest first, and where each stands for it."""
    query = (
        select(SubProcessorChange, LegalNotice)
        .join(LegalNotice, LegalNotice.change_id == SubProcessorChange.id)
        .where(LegalNotice.organization_id == organization_id)
        .order_by(SubProcessorChange.id.desc())
    )
    return [
        ChangeFor(
            change=change,
            notified_at=notice.first_sent_at,
            silence_is_consent_at=notice.due_at,
            is_active=is_active_for(organization_id, change, now=now),
            has_open_objection=has_open_objection(organization_id, change.id),
            responses=tuple(responses(organization_id, change.id)),
        )
        for change, notice in db.session.execute(query)
    ]


def is_active_for(organization_id: UUID, change: SubProcessorChange, *, now: datetime) -> bool:
    """Whether a change applies to an organization: the notice has passed, no objection and no question is open."""
    if change.withdrawn_at is not None or now < change.takes_effect_at:
        return False
    said = responses(organization_id, change.id)
    if _holds(said):
        return False
    if said and said[-1].kind == ResponseKind.ACCEPT:
        return True
    notice = notices.find(organization_id, change_id=change.id)
    if notice is None:
        return _joined_after(organization_id, change)
    return notice.due_at is not None and notice.due_at <= now


def _joined_after(organization_id: UUID, change: SubProcessorChange) -> bool:
    """Whether the organization came when the register already said so, and took it as it was."""
    organization = db.session.get_one(Organization, organization_id)
    return change.applied_at is not None and organization.created_at >= change.applied_at


def _holds(said: Sequence[SubProcessorResponse]) -> bool:
    return _objects(said) or any(map(_waits, said))


def _objects(said: Sequence[SubProcessorResponse]) -> bool:
    words = [response.kind for response in said if response.kind != ResponseKind.ASK]
    return bool(words) and words[-1] == ResponseKind.OBJECT


def _waits(response: SubProcessorResponse) -> bool:
    return response.kind == ResponseKind.ASK and response.answered_at is None


def _refuse_late(organization_id: UUID, change: SubProcessorChange, kind: ResponseKind, *, now: datetime) -> None:
    """An objection can always be taken back; one is made until the days after delivery have passed."""
    if change.withdrawn_at is not None:
        raise changes.ChangeOver
    if kind is ResponseKind.ACCEPT or not is_active_for(organization_id, change, now=now):
        return
    raise ObjectionTooLate
