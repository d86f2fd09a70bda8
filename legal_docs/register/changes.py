"""Changes of the register: announced to everybody, applied when the notice has passed, and never over an objection."""

from datetime import datetime, timedelta
from enum import StrEnum
from http import HTTPStatus
from uuid import UUID

import msgspec
from sqlalchemy import select

from core import audit
from core.audit import SYSTEM, Actor
from core.db import db
from core.errors import AppError, NotFound
from core.ids import new_uuid
from core.scope import needs_system_scope
from legal_docs import links
from legal_docs.documents.drafts import Entry
from legal_docs.figures import OBJECTION_DAYS, SUB_PROCESSOR_NOTICE_DAYS
from legal_docs.notices import deadlines
from legal_docs.notices import services as notices
from legal_docs.notices.models import LegalNotice
from legal_docs.register import services
from legal_docs.register.models import SubProcessor, SubProcessorChange
from legal_docs.register.rules import refuse_incomplete


class ChangeKind(StrEnum):
    ADD = "add"
    REPLACE = "replace"
    REMOVE = "remove"


class ChangeOver(AppError):
    status, code, title = HTTPStatus.CONFLICT, "change_over", "This change was applied or withdrawn"
    advice = "Reload the page to see the current register."


@needs_system_scope
def announce(
    kind: ChangeKind,
    *,
    reason: str,
    takes_effect_at: datetime,
    by: Actor,
    now: datetime,
    entry: Entry | None = None,
    replaces: UUID | None = None,
) -> SubProcessorChange:
    """Needs the system's scope; `legal_docs.publishing.announce` also starts the notices.

    `entry` is what is added; `replaces` whom it replaces, or who is removed. Raises NoticeTooShort, EntryIncomplete or
    NotFound.
    """
    deadlines.refuse_short(takes_effect_at, days=SUB_PROCESSOR_NOTICE_DAYS, now=now)
    if kind is not ChangeKind.REMOVE:
        if entry is None:
            raise NotFound("Enter the company that is added.")
        refuse_incomplete(entry)
    if kind is not ChangeKind.ADD:
        if replaces is None:
            raise NotFound("Choose the company that is replaced or removed.")
        services.find(replaces)
    change = SubProcessorChange(
        id=new_uuid(),
        kind=kind.value,
        sub_processor_id=None if kind is ChangeKind.ADD else replaces,
        entry=None if kind is ChangeKind.REMOVE else msgspec.to_builtins(entry),
        reason=reason,
        announced_at=now,
        takes_effect_at=takes_effect_at,
        announced_by_kind=by.kind.value,
        announced_by_id=by.id,
    )
    db.session.add(change)
    db.session.flush()
    audit.write(None, "sub_processor.change_announced", by=by, now=now, subject_id=str(change.id))
    return change


@needs_system_scope
def withdraw(change_id: UUID, *, by: Actor, now: datetime) -> SubProcessorChange:
    """Raises NotFound or ChangeOver."""
    change = find(change_id)
    if change.applied_at is not None or change.withdrawn_at is not None:
        raise ChangeOver
    change.withdrawn_at = now
    audit.write(None, "sub_processor.change_withdrawn", by=by, now=now, subject_id=str(change.id))
    return change


def find(change_id: UUID) -> SubProcessorChange:
    """Raises NotFound."""
    change = db.session.get(SubProcessorChange, change_id)
    if change is None:
        raise NotFound("Change not found.")
    return change


def announced() -> list[SubProcessorChange]:
    """Every change that is still ahead, the next one first."""
    query = select(SubProcessorChange).where(
        SubProcessorChange.applied_at.is_(None), SubProcessorChange.withdrawn_at.is_(None)
    )
    return list(db.session.scalars(query.order_by(SubProcessorChange.takes_effect_at, SubProcessorChange.id)))


def every_change() -> list[SubProcessorChange]:
    """The history of the register, newest first."""
    return list(db.session.scalars(select(SubProcessorChange).order_by(SubProcessorChange.id.desc())))


@needs_system_scope
def give_notices(change: SubProcessorChange, *, now: datetime) -> int:
    """Tells organizations that were not told yet, `notices.AT_ONCE` of them at most. How many."""
    told = set(db.session.scalars(select(LegalNotice.organization_id).where(LegalNotice.change_id == change.id)))
    untold = [one for one in notices.open_organizations() if one not in told]
    given = notices.give_each(untold, "legal_sub_processor", context=_words(change), now=now, change_id=change.id)
    for notice in given:
        _note_notice(notice.organization_id, change, now=now)
    return len(given)


@needs_system_scope
def start_clocks() -> None:
    """Each organization's clock starts when its notice left."""
    uncounted = _uncounted()
    sent = notices.sent_at_of_each([notice for notice, _ in uncounted])
    for notice, change in uncounted:
        notice.first_sent_at = notices.first_sent_at(notice.first_mail_ids, sent)
        if notice.first_sent_at is not None:
            notice.due_at = deadlines.change_due_at(
                takes_effect_at=change.takes_effect_at, sent_at=notice.first_sent_at
            )
    db.session.flush()


@needs_system_scope
def apply(change: SubProcessorChange, *, now: datetime) -> None:
    """`legal_docs.register.effect` says when."""
    if change.entry is not None:
        services.enter(msgspec.convert(change.entry, Entry), by=SYSTEM, now=now)
    if change.sub_processor_id is not None:
        db.session.get_one(SubProcessor, change.sub_processor_id).removed_at = now
    change.applied_at = now
    db.session.flush()
    audit.write(None, "sub_processor.change_applied", by=SYSTEM, now=now, subject_id=str(change.id))


def objection_ends_at(notice: LegalNotice) -> datetime | None:
    """Until when an organization may object; None while its notice has not left."""
    return notice.first_sent_at + timedelta(days=OBJECTION_DAYS) if notice.first_sent_at else None


def _uncounted() -> list[tuple[LegalNotice, SubProcessorChange]]:
    rows = db.session.execute(
        select(LegalNotice, SubProcessorChange)
        .join(SubProcessorChange, SubProcessorChange.id == LegalNotice.change_id)
        .where(LegalNotice.due_at.is_(None))
        .order_by(LegalNotice.id)
    )
    return [(notice, change) for notice, change in rows]


def _note_notice(organization_id: UUID, change: SubProcessorChange, *, now: datetime) -> None:
    after = {"kind": change.kind, "takes_effect_at": change.takes_effect_at.isoformat()}
    action = "sub_processor.notice_given"
    audit.write(organization_id, action, by=SYSTEM, now=now, subject_id=str(change.id), after=after)


def _words(change: SubProcessorChange) -> dict[str, object]:
    before = db.session.get(SubProcessor, change.sub_processor_id) if change.sub_processor_id else None
    return {
        "kind": change.kind,
        "entry": change.entry,
        "before": before,
        "reason": change.reason,
        "takes_effect_at": change.takes_effect_at,
        "notice_days": SUB_PROCESSOR_NOTICE_DAYS,
        "objection_days": OBJECTION_DAYS,
        "path": links.CHANGES,
    }
