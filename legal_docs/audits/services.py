"""Booking an audit, and what becomes of it."""

from datetime import date, datetime
from http import HTTPStatus
from uuid import UUID

import msgspec
from sqlalchemy import select, update

from core import audit as trail
from core.accounts import hold
from core.audit import Actor
from core.db import db, rows_changed
from core.errors import AppError, NotFound
from core.formats import day
from core.scope import needs_system_scope
from legal_docs import links
from legal_docs.audits.models import Audit
from legal_docs.audits.rules import refuse_days, refuse_second
from legal_docs.audits.states import COUNTED, KIND_NAMES, MOVES, STATUS_NAMES, AuditKind, AuditStatus, Cause
from legal_docs.figures import LEGAL_REPLY_BUSINESS_DAYS
from legal_docs.notices import deadlines
from legal_docs.notices import services as notices


class AuditChanged(AppError):
    status, code, title = HTTPStatus.CONFLICT, "audit_changed", "Someone else changed this audit"
    advice = "Reload the page to see its status."


class Booking(msgspec.Struct, frozen=True, kw_only=True):
    """What a customer asks for."""

    kind: AuditKind
    cause: Cause
    scope: str
    auditor: str
    starts_on: date
    ends_on: date


def book(organization_id: UUID, booking: Booking, *, once: UUID, by: Actor, now: datetime) -> Audit:
    """Sending the same form twice, which `once` tells, books once.

    Raises InvalidRequest naming the field, or AuditOfTheYearUsed.
    """
    hold(organization_id)  # two bookings at once come one after the other, so that the year's audit is counted once
    before = db.session.get(Audit, once)
    if before is not None and before.organization_id == organization_id:
        return before
    refuse_days(booking.kind, booking.cause, starts_on=booking.starts_on, ends_on=booking.ends_on, today=now.date())
    if booking.kind is AuditKind.AUDIT and booking.cause is Cause.YEARLY:
        refuse_second(booking.starts_on, others=_regular_days(organization_id))
    found = Audit(
        id=once,
        organization_id=organization_id,
        **msgspec.structs.asdict(booking),
        status=AuditStatus.REQUESTED.value,
        requested_by=by.id,
        requested_at=now,
        answer_due_at=deadlines.add_business_days(now, LEGAL_REPLY_BUSINESS_DAYS),
    )
    db.session.add(found)
    db.session.flush()
    _note(found, "audit.requested", by=by, now=now)
    return found


def find(organization_id: UUID, audit_id: UUID) -> Audit:
    """Raises NotFound, also for one of another organization."""
    found = db.session.scalar(select(Audit).where(Audit.organization_id == organization_id, Audit.id == audit_id))
    if found is None:
        raise NotFound("Audit not found.")
    return found


def list_for(organization_id: UUID) -> list[Audit]:
    """Newest first."""
    query = select(Audit).where(Audit.organization_id == organization_id)
    return list(db.session.scalars(query.order_by(Audit.requested_at.desc(), Audit.id.desc())))


def cancel(organization_id: UUID, audit_id: UUID, *, by: Actor, now: datetime) -> Audit:
    """By the customer. Raises NotFound or AuditChanged."""
    found = find(organization_id, audit_id)
    _move(found, AuditStatus.CANCELED, ended_at=now)
    _note(found, "audit.canceled", by=by, now=now)
    return found


@needs_system_scope
def every_audit() -> list[Audit]:
    """Those that wait for us first, then the newest."""
    found = db.session.scalars(select(Audit).order_by(Audit.starts_on.desc(), Audit.id.desc())).all()
    return sorted(found, key=lambda one: one.status != AuditStatus.REQUESTED)


@needs_system_scope
def unanswered() -> list[Audit]:
    """Those that wait for our answer, the most urgent first."""
    query = select(Audit).where(Audit.status == AuditStatus.REQUESTED.value)
    return list(db.session.scalars(query.order_by(Audit.answer_due_at, Audit.id)))


@needs_system_scope
def confirm(audit_id: UUID, *, starts_on: date, ends_on: date, answer: str, by: Actor, now: datetime) -> Audit:
    """With the days that hold: others than the customer named, if both agreed on them.

    Raises NotFound, AuditChanged, or InvalidRequest naming the day.
    """
    found = find_any(audit_id)
    refuse_days(AuditKind.AUDIT, Cause.BREACH, starts_on=starts_on, ends_on=ends_on, today=now.date())
    facts = {"starts_on": starts_on, "ends_on": ends_on, "answer": answer, "answered_at": now, "answered_by": by.id}
    _move(found, AuditStatus.CONFIRMED, **facts)
    _note(found, "audit.confirmed", by=by, now=now)
    _write(found, now=now)
    return found


@needs_system_scope
def decline(audit_id: UUID, *, answer: str, by: Actor, now: datetime) -> Audit:
    """Raises NotFound or AuditChanged."""
    found = find_any(audit_id)
    _move(found, AuditStatus.DECLINED, answer=answer, answered_at=now, answered_by=by.id, ended_at=now)
    _note(found, "audit.declined", by=by, now=now)
    _write(found, now=now)
    return found


@needs_system_scope
def complete(audit_id: UUID, *, findings: str, by: Actor, now: datetime) -> Audit:
    """`findings`: what was found, and when each fault is put right. Raises NotFound or AuditChanged."""
    found = find_any(audit_id)
    _move(found, AuditStatus.COMPLETED, findings=findings, ended_at=now)
    _note(found, "audit.completed", by=by, now=now)
    _write(found, now=now)
    return found


@needs_system_scope
def find_any(audit_id: UUID) -> Audit:
    """For operators. Raises NotFound."""
    found = db.session.get(Audit, audit_id)
    if found is None:
        raise NotFound("Audit not found.")
    return found


def _move(found: Audit, to: AuditStatus, **facts: object) -> None:
    """One winner: the row has to be as it was read."""
    before = AuditStatus(found.status)
    if to not in MOVES[before]:
        raise AuditChanged
    statement = update(Audit).where(Audit.id == found.id, Audit.status == before.value)
    if not rows_changed(statement.values(status=to.value, **facts)):
        raise AuditChanged
    db.session.refresh(found)


def _regular_days(organization_id: UUID) -> list[date]:
    return list(
        db.session.scalars(
            select(Audit.starts_on).where(
                Audit.organization_id == organization_id,
                Audit.kind == AuditKind.AUDIT.value,
                Audit.cause == Cause.YEARLY.value,
                Audit.status.in_([one.value for one in COUNTED]),
            )
        )
    )


def _note(found: Audit, action: str, *, by: Actor, now: datetime) -> None:
    after = {"kind": found.kind, "starts_on": found.starts_on.isoformat(), "ends_on": found.ends_on.isoformat()}
    trail.write(found.organization_id, action, by=by, now=now, subject_id=str(found.id), after=after)


def _write(found: Audit, *, now: datetime) -> None:
    context = {
        "kind": KIND_NAMES[AuditKind(found.kind)],
        "status": STATUS_NAMES[AuditStatus(found.status)].lower(),
        "starts_on": day(found.starts_on),
        "ends_on": day(found.ends_on),
        "words": found.findings or found.answer or "",
        "path": links.audit(found.id),
    }
    notices.write_to_all(found.organization_id, "legal_audit", context=context, now=now)
