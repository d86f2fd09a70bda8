"""What customers do: open a request, write, say that it is solved."""

from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy.exc import IntegrityError

from api.keys.token import without_keys
from core.audit import Actor
from core.db import db
from core.errors import NotFound
from core.jobs import defer
from portal.support import addresses, emails, operator_alerts, records
from portal.support.models import MessageKind, Ticket
from portal.support.records import Author, TicketClosed
from portal.support.severities import Category, Level, Severity
from portal.support.sla import Happened
from portal.support.states import REOPENED_WITHIN, UNDER_WAY, RequestStatus
from portal.support.uploads import Upload


class Question(msgspec.Struct, frozen=True):
    """What a customer tells us. Ids are as they are shown outside; never a secret."""

    subject: str
    body: str
    category: Category
    severity: Severity
    environment: str | None = None
    happened_at: datetime | None = None
    api_key_id: str | None = None
    decision_id: str | None = None
    request_id: str | None = None
    uploads: tuple[Upload, ...] = ()


def open_ticket(
    ticket_id: UUID,
    question: Question,
    *,
    organization_id: UUID | None,
    author: Author,
    by: Actor,
    now: datetime,
    is_by_mail: bool = False,
) -> Ticket:
    """A new request, acknowledged at once. The same `ticket_id` again gives the one that it made: a double click."""
    ticket = Ticket(
        id=ticket_id,
        organization_id=organization_id,
        opened_by=author.id,
        requester_name=author.name,
        requester_email=author.email,
        subject=without_keys(question.subject),
        category=question.category.value,
        severity=question.severity.value,
        environment=question.environment,
        happened_at=question.happened_at,
        api_key_id=question.api_key_id,
        decision_id=question.decision_id,
        request_id=question.request_id,
        status=RequestStatus.NEW.value,
        version=1,
        level=Level.SUPPORT.value,
        reply_token=addresses.new_reply_token(),
        created_at=now,
        changed_at=now,
    )
    if not _is_kept(ticket):
        return _opened_before(ticket_id, author)
    records.say(
        ticket,
        MessageKind.CUSTOMER,
        without_keys(question.body),
        author=author,
        now=now,
        uploads=question.uploads,
        is_by_mail=is_by_mail,
    )
    records.record_event(ticket, Happened.OPENED, now=now, severity=question.severity)
    emails.acknowledge(ticket, is_by_mail=is_by_mail, now=now)
    records.record_event(ticket, Happened.ANSWERED_AUTOMATICALLY, now=now)
    records.note(ticket, "ticket.opened", by=by, now=now, after={"category": ticket.category})
    defer(operator_alerts.notify_of_opening, ticket_id=str(ticket.id))
    return ticket


def write(
    ticket_id: UUID,
    body: str,
    *,
    message_id: UUID,
    author: Author,
    by: Actor,
    now: datetime,
    uploads: tuple[Upload, ...] = (),
    is_by_mail: bool = False,
) -> Ticket:
    """The customer's word. It ends our waiting, and takes up again what was resolved lately. Raises TicketClosed."""
    ticket = records.hold(ticket_id)
    if records.was_said(message_id):
        return ticket
    status = RequestStatus(ticket.status)
    if not may_be_written_to(ticket, now=now):
        raise TicketClosed
    records.say(
        ticket,
        MessageKind.CUSTOMER,
        without_keys(body),
        author=author,
        now=now,
        message_id=message_id,
        uploads=uploads,
        is_by_mail=is_by_mail,
    )
    if status is RequestStatus.RESOLVED:
        records.move(ticket, RequestStatus.OPEN, by=by, now=now)
        records.record_event(ticket, Happened.REOPENED, now=now)
    elif status is RequestStatus.WAITING_ON_CUSTOMER:
        records.move(ticket, RequestStatus.OPEN, by=by, now=now)
        records.record_event(ticket, Happened.WAITING_ENDED, Happened.CUSTOMER_WROTE, now=now)
    else:
        records.note(ticket, "ticket.customer_wrote", by=by, now=now)
        records.record_event(ticket, Happened.CUSTOMER_WROTE, now=now)
    defer(operator_alerts.notify_of_message, ticket_id=str(ticket.id))
    return ticket


def solve(ticket_id: UUID, *, by: Actor, now: datetime) -> Ticket:
    """The customer says that it is solved; pressed twice it is so all the same. Raises TicketMoved."""
    ticket = records.hold(ticket_id)
    if ticket.status != RequestStatus.RESOLVED:
        records.move(ticket, RequestStatus.RESOLVED, by=by, now=now, solved_by="customer")
        records.record_event(ticket, Happened.SOLVED_BY_CUSTOMER, now=now)
    return ticket


def may_be_written_to(ticket: Ticket, *, now: datetime) -> bool:
    if ticket.status in UNDER_WAY:
        return True
    is_recent = ticket.resolved_at is not None and now - ticket.resolved_at <= REOPENED_WITHIN
    return ticket.status == RequestStatus.RESOLVED and is_recent


def _is_kept(ticket: Ticket) -> bool:
    """Whether no request has this id yet."""
    try:
        with db.session.begin_nested():
            db.session.add(ticket)
    except IntegrityError:
        return False
    return True


def _opened_before(ticket_id: UUID, author: Author) -> Ticket:
    ticket = records.find(ticket_id)
    if ticket.opened_by != author.id:
        raise NotFound("This request does not exist.")
    return ticket
