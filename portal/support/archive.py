"""An organization's requests, for the file with all its data. Runs in its scope, so internal notes are left out."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from sqlalchemy import select

from core.db import db
from portal.support.models import Ticket, TicketEvent, TicketFile, TicketMessage, TicketNotice, TicketSurvey

_SECRETS = frozenset({"reply_token", "organization_id", "wish", "level", "assignee_id", "look_at"})
"""What is ours, or the same on every line."""


def records_of(organization_id: UUID) -> list[dict[str, Any]]:
    """Each with what was said and what happened, oldest first."""
    query = select(Ticket).where(Ticket.organization_id == organization_id).order_by(Ticket.id)
    return [
        {
            **_columns(ticket),
            "messages": _of(ticket, TicketMessage),
            "events": _of(ticket, TicketEvent),
            "warnings_and_misses": _of(ticket, TicketNotice),
            "survey": _survey(ticket),
        }
        for ticket in db.session.scalars(query)
    ]


def files_of(organization_id: UUID) -> Iterator[tuple[str, bytes]]:
    """Name and content of one after the other."""
    query = (
        select(TicketFile.id, TicketFile.name, Ticket.number)
        .join(Ticket, Ticket.id == TicketFile.ticket_id)
        .where(TicketFile.organization_id == organization_id, TicketFile.message_id.in_(select(TicketMessage.id)))
        .order_by(TicketFile.id)
    )
    for file_id, name, number in db.session.execute(query).all():
        content = db.session.scalar(select(TicketFile.content).where(TicketFile.id == file_id))
        yield f"{number}-{file_id.hex[-6:]}-{name}", content or b""


def _of(ticket: Ticket, model: Any) -> list[dict[str, Any]]:
    rows = db.session.scalars(select(model).where(model.ticket_id == ticket.id))
    return [_columns(row) for row in rows]


def _survey(ticket: Ticket) -> dict[str, Any] | None:
    row = db.session.execute(
        select(TicketSurvey.sent_at, TicketSurvey.score, TicketSurvey.words, TicketSurvey.answered_at).where(
            TicketSurvey.ticket_id == ticket.id
        )
    ).first()
    return dict(row._mapping) if row else None  # noqa: SLF001  how a row gives its names


def _columns(row: Any) -> dict[str, Any]:
    names = (column.key for column in row.__mapper__.column_attrs)
    return {name: getattr(row, name) for name in names if name not in _SECRETS}
