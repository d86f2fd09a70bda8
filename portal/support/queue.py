"""What waits for operators, the soonest due first. Needs the system's scope."""

from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, exists, func, or_, select

from core.accounts import Organization
from core.db import db
from core.members import User
from core.scope import needs_system_scope
from portal.support.models import NoticeKind, Ticket, TicketNotice
from portal.support.states import UNDER_WAY, RequestStatus

MOST = 200
LARGEST_NUMBER = 2**63 - 1
"""That the column holds."""


class View(StrEnum):
    UNDER_WAY = "under_way"
    MINE = "mine"
    FREE = "free"
    LATE = "overdue"
    DONE = "done"


WORDS = {
    View.UNDER_WAY: "Open",
    View.MINE: "Assigned to me",
    View.FREE: "Unassigned",
    View.LATE: "SLA missed",
    View.DONE: "Resolved and closed",
}


class Line(msgspec.Struct, frozen=True):
    ticket: Ticket
    organization: Organization | None
    assignee: User | None


@needs_system_scope
def read(view: View, *, mine: UUID) -> list[Line]:
    """Those without a promise come last, the oldest first."""
    rows = db.session.execute(
        select(Ticket, Organization, User)
        .outerjoin(Organization, Organization.id == Ticket.organization_id)
        .outerjoin(User, User.id == Ticket.assignee_id)
        .where(*_conditions(view, mine))
        .order_by(*_order(view))
        .limit(MOST)
    )
    return [Line(row[0], row[1], row[2]) for row in rows]


@needs_system_scope
def matching(text: str, *, most: int) -> list[Ticket]:
    """By the number, or by words of the subject or the requester's address; the newest first."""
    if text.isascii() and text.isdigit():
        query = select(Ticket).where(Ticket.number == min(int(text), LARGEST_NUMBER))
    else:
        query = select(Ticket).where(
            or_(
                Ticket.subject.icontains(text, autoescape=True),
                Ticket.requester_email.icontains(text, autoescape=True),
            )
        )
    return list(db.session.scalars(query.order_by(Ticket.id.desc()).limit(most)))


@needs_system_scope
def counts(*, mine: UUID) -> dict[View, int]:
    return {
        view: db.session.scalar(select(func.count()).select_from(Ticket).where(*_conditions(view, mine))) or 0
        for view in View
        if view is not View.DONE
    }


@needs_system_scope
def counts_by_severity() -> dict[str, int]:
    """Of requests under way."""
    query = select(Ticket.severity, func.count()).where(*_conditions(View.UNDER_WAY, UUID(int=0)))
    return {row[0]: row[1] for row in db.session.execute(query.group_by(Ticket.severity))}


def _conditions(view: View, mine: UUID) -> list[ColumnElement[bool]]:
    is_under_way = Ticket.status.in_([status.value for status in UNDER_WAY])
    if view is View.DONE:
        return [
            Ticket.status.in_((RequestStatus.RESOLVED.value, RequestStatus.CLOSED.value, RequestStatus.MERGED.value))
        ]
    if view is View.MINE:
        return [is_under_way, Ticket.assignee_id == mine]
    if view is View.FREE:
        return [is_under_way, Ticket.assignee_id.is_(None)]
    if view is View.LATE:
        is_missed = exists().where(TicketNotice.ticket_id == Ticket.id, TicketNotice.kind == NoticeKind.MISSED.value)
        return [is_under_way, is_missed]
    return [is_under_way]


def _order(view: View) -> list[ColumnElement[Any]]:
    if view is View.DONE:
        return [Ticket.changed_at.desc()]
    return [Ticket.due_at.asc().nulls_last(), Ticket.id.asc()]
