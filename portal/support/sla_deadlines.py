"""The promises of a request: what happened is written down, the clocks follow, and what was missed is kept for good."""

from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from core.db import db
from core.ids import new_uuid
from portal.support import sla
from portal.support.models import NoticeKind, Ticket, TicketEvent, TicketNotice
from portal.support.severities import Severity
from portal.support.sla import Clock, Event, Happened, Kind


class Milestone(msgspec.Struct, frozen=True):
    """A moment at which somebody has to be told."""

    clock: Clock
    kind: NoticeKind
    at: datetime


def write(ticket: Ticket, kind: Happened, *, now: datetime, severity: Severity | None = None) -> None:
    db.session.add(
        TicketEvent(
            id=new_uuid(),
            ticket_id=ticket.id,
            organization_id=ticket.organization_id,
            kind=kind.value,
            occurred_at=now,
            severity=severity,
        )
    )
    db.session.flush()


def clocks_of(ticket_id: UUID, *, now: datetime) -> list[Clock]:
    rows = db.session.scalars(select(TicketEvent).where(TicketEvent.ticket_id == ticket_id).order_by(TicketEvent.id))
    events = [
        Event(Happened(row.kind), row.occurred_at, Severity(row.severity) if row.severity else None) for row in rows
    ]
    return sla.read(events, now=now)


def reschedule(ticket: Ticket, *, now: datetime) -> None:
    """Sets when the nearest promise is due, and when the watch has to look at the request again."""
    found = clocks_of(ticket.id, now=now)
    ticket.due_at = min((due_at for due_at, _ in _due(found)), default=None)
    ticket.look_at = min((one.at for one in _unnoted(ticket, found)), default=None)


def due_first(ticket: Ticket, *, now: datetime) -> Kind | None:
    """What is due at the ticket's `due_at`; None where nothing is."""
    return min(_due(clocks_of(ticket.id, now=now)), default=(None, None))[1]


def _due(found: list[Clock]) -> list[tuple[datetime, Kind]]:
    return [(one.due_at, one.kind) for one in found if one.is_running and not one.paused_at and one.due_at]


def note_due(ticket: Ticket, *, now: datetime) -> list[Milestone]:
    """Keeps each warning and each miss that has come, and gives those that are new. Needs a held request."""
    noted = []
    for milestone in _unnoted(ticket, clocks_of(ticket.id, now=now)):
        has_come = milestone.clock.missed_at is not None if milestone.kind is NoticeKind.MISSED else milestone.at <= now
        if has_come and _note(ticket, milestone, now=now):
            noted.append(milestone)
    return noted


def misses_of(ticket_id: UUID) -> list[TicketNotice]:
    """What was missed, the first first."""
    query = select(TicketNotice).where(
        TicketNotice.ticket_id == ticket_id, TicketNotice.kind == NoticeKind.MISSED.value
    )
    return list(db.session.scalars(query.order_by(TicketNotice.due_at)))


def _unnoted(ticket: Ticket, found: list[Clock]) -> list[Milestone]:
    rows = db.session.scalars(select(TicketNotice).where(TicketNotice.ticket_id == ticket.id))
    noted = {(row.clock, row.started_at, row.kind) for row in rows}
    return [
        milestone
        for clock in found
        for milestone in _milestones(clock)
        if (clock.kind.value, clock.started_at, milestone.kind.value) not in noted
    ]


def _milestones(clock: Clock) -> list[Milestone]:
    if clock.missed_at is not None:
        return [Milestone(clock, NoticeKind.MISSED, clock.missed_at)]
    if not clock.is_running or clock.paused_at or clock.due_at is None or clock.warn_at is None:
        return []
    return [Milestone(clock, NoticeKind.WARNED, clock.warn_at), Milestone(clock, NoticeKind.MISSED, clock.due_at)]


def _note(ticket: Ticket, milestone: Milestone, *, now: datetime) -> bool:
    """Whether it was not noted before."""
    clock = milestone.clock
    kept = db.session.execute(
        insert(TicketNotice)
        .values(
            ticket_id=ticket.id,
            organization_id=ticket.organization_id,
            clock=clock.kind.value,
            started_at=clock.started_at,
            kind=milestone.kind.value,
            due_at=milestone.clock.due_at,
            severity=ticket.severity,
            noted_at=now,
        )
        .on_conflict_do_nothing()
        .returning(TicketNotice.ticket_id)
    )
    return kept.first() is not None
