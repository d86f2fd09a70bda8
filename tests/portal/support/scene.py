"""What tests of support begin with: requests as services make them, and looks at what is kept."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from flask import Flask
from sqlalchemy import select

from core.audit import SYSTEM
from core.db import acting_as_system, db, transaction
from core.ids import new_uuid
from core.mail import MailMessage
from portal.support import desk, services, sla_deadlines, watch
from portal.support.models import Ticket, TicketMessage, TicketNotice
from portal.support.records import Author
from portal.support.services import Question
from portal.support.severities import Category, Severity
from portal.support.states import RequestStatus

OLGA = Author("Olga", "olga@people.example")
ADA = Author("Ada", "ada@people.example")


def at(day: int, hour: int = 0, minute: int = 0) -> datetime:
    """In October 2026, UTC."""
    return datetime(2026, 10, day, hour, minute, tzinfo=UTC)


def opened(
    app: Flask, organization_id: UUID | None, *, now: datetime, severity: Severity = Severity.HIGH, **changes: Any
) -> UUID:
    """A request of Ada's, by itself."""
    question = Question(
        subject="Checks are refused", body="Every check gets 403.", category=Category.BUG, severity=severity
    )
    with app.app_context(), acting_as_system(), transaction():
        return services.open_ticket(
            new_uuid(), question, organization_id=organization_id, author=ADA, by=SYSTEM, now=now, **changes
        ).id


def answer(app: Flask, ticket_id: UUID, *, now: datetime, then: RequestStatus = RequestStatus.OPEN) -> None:
    with app.app_context(), acting_as_system(), transaction():
        desk.answer(ticket_id, "We look into it.", then=then, message_id=new_uuid(), author=OLGA, by=SYSTEM, now=now)


def write(app: Flask, ticket_id: UUID, *, now: datetime) -> None:
    with app.app_context(), acting_as_system(), transaction():
        services.write(ticket_id, "Any news?", message_id=new_uuid(), author=ADA, by=SYSTEM, now=now)


def watched(app: Flask, *, now: datetime) -> None:
    """As the worker does it every minute."""
    with app.app_context(), acting_as_system():
        for ticket_id in watch.due(now):
            with transaction():
                watch.look(ticket_id, now=now)


def ticket_of(app: Flask, ticket_id: UUID) -> Ticket:
    with app.app_context(), acting_as_system():
        return db.session.get_one(Ticket, ticket_id)


def tickets(app: Flask) -> list[Ticket]:
    with app.app_context(), acting_as_system():
        return list(db.session.scalars(select(Ticket).order_by(Ticket.number)))


def said(app: Flask, ticket_id: UUID) -> list[tuple[str, str]]:
    """Kind and words of each message."""
    with app.app_context(), acting_as_system():
        query = select(TicketMessage).where(TicketMessage.ticket_id == ticket_id).order_by(TicketMessage.created_at)
        return [(message.kind, message.body) for message in db.session.scalars(query)]


def misses(app: Flask, ticket_id: UUID) -> list[TicketNotice]:
    with app.app_context(), acting_as_system():
        return sla_deadlines.misses_of(ticket_id)


def mails(app: Flask, template: str) -> list[MailMessage]:
    with app.app_context(), acting_as_system():
        query = select(MailMessage).where(MailMessage.template == template).order_by(MailMessage.id)
        return list(db.session.scalars(query))
