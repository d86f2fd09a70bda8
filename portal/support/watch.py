"""The watch over requests: warns, notes what was missed and hands over, ends waiting, closes, asks how it was.

Needs the system's scope. Each function does one request in one transaction of its caller's.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, select

from core.audit import SYSTEM
from core.db import db
from portal.support import desk, emails, operator_alerts, records, sla_deadlines, surveys
from portal.support.labels import CLOCK_LABELS
from portal.support.models import NoticeKind, Ticket, TicketSurvey
from portal.support.sla import Happened
from portal.support.states import ANSWERED_WITHIN, REOPENED_WITHIN, SURVEY_AFTER, SURVEY_OPEN_FOR, RequestStatus


def due(now: datetime) -> list[UUID]:
    """Requests with a promise to look at."""
    return _ids(Ticket.look_at <= now)


def look(ticket_id: UUID, *, now: datetime) -> None:
    """At three quarters of a promise somebody is warned; when it is missed, the next level takes over. Once each."""
    ticket = records.hold(ticket_id)
    for milestone in sla_deadlines.note_due(ticket, now=now):
        words = CLOCK_LABELS[milestone.clock.kind]
        if milestone.kind is NoticeKind.MISSED:
            after = {"clock": milestone.clock.kind.value}
            records.note(ticket, "ticket.breached", by=SYSTEM, now=now, after=after)
            desk.hand_over(ticket, reason=f"{words} is overdue.", by=SYSTEM, now=now)
        else:
            records.note(ticket, "ticket.warned", by=SYSTEM, now=now, after={"clock": milestone.clock.kind.value})
            for email in operator_alerts.recipients(ticket):
                emails.warn(ticket, milestone, to=email, now=now)
    sla_deadlines.reschedule(ticket, now=now)


def unheard(now: datetime) -> list[UUID]:
    """Requests whose customer was silent for so long that they count as resolved."""
    return _ids(Ticket.status == RequestStatus.WAITING_ON_CUSTOMER.value, Ticket.changed_at <= now - ANSWERED_WITHIN)


def end_waiting(ticket_id: UUID, *, now: datetime) -> None:
    """One that was written to at this moment goes on."""
    ticket = records.hold(ticket_id)
    if ticket.status == RequestStatus.WAITING_ON_CUSTOMER and ticket.changed_at <= now - ANSWERED_WITHIN:
        records.move(ticket, RequestStatus.RESOLVED, by=SYSTEM, now=now, solved_by="silence")
        records.record_event(ticket, Happened.RESOLVED, now=now)
        emails.notify_of_end_of_waiting(ticket, now=now)


def resolved_long_ago(now: datetime) -> list[UUID]:
    return _ids(Ticket.status == RequestStatus.RESOLVED.value, Ticket.resolved_at <= now - REOPENED_WITHIN)


def close(ticket_id: UUID, *, now: datetime) -> None:
    ticket = records.hold(ticket_id)
    if ticket.status == RequestStatus.RESOLVED and ticket.resolved_at and ticket.resolved_at <= now - REOPENED_WITHIN:
        records.move(ticket, RequestStatus.CLOSED, by=SYSTEM, now=now)


def to_be_asked(now: datetime) -> list[UUID]:
    """A week after their resolution, once each; what was resolved too long ago is not asked about any more."""
    return _ids(
        Ticket.status.in_((RequestStatus.RESOLVED.value, RequestStatus.CLOSED.value)),
        Ticket.resolved_at <= now - SURVEY_AFTER,
        Ticket.resolved_at > now - SURVEY_OPEN_FOR,
        Ticket.id.not_in(select(TicketSurvey.ticket_id)),
    )


def ask(ticket_id: UUID, *, now: datetime) -> None:
    surveys.send(records.hold(ticket_id), now=now)


def _ids(*conditions: ColumnElement[bool]) -> list[UUID]:
    found = list(db.session.scalars(select(Ticket.id).where(*conditions).order_by(Ticket.id)))
    db.session.rollback()
    return found
