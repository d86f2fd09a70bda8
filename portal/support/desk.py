"""What operators do with a request: answer, note, take, weigh, hand on, join. Needs the system's scope."""

from datetime import datetime, timedelta
from http import HTTPStatus
from uuid import UUID

from sqlalchemy import func, select

from core.audit import SYSTEM, Actor
from core.db import db
from core.errors import AppError
from core.members import User, emails_of_operators
from core.scope import needs_system_scope
from portal.support import emails, records, requesters, sla_deadlines
from portal.support.models import MessageKind, Ticket, TicketMessage
from portal.support.records import Author, TicketClosed
from portal.support.rota import on_call_at
from portal.support.severities import LEVEL_LABELS, Level, Severity, above, graver
from portal.support.sla import Happened, Kind
from portal.support.states import UNDER_WAY, RequestStatus
from portal.support.uploads import Upload

STRANGERS_CALLS_AN_HOUR = 3
_AN_HOUR = timedelta(hours=1)


class CannotMerge(AppError):
    status, code, title = HTTPStatus.CONFLICT, "cannot_join", "These tickets cannot be merged"
    advice = "Merge the newer ticket into the older one. Both must be open and belong to the same organization."


def answer(
    ticket_id: UUID,
    body: str,
    *,
    then: RequestStatus,
    message_id: UUID,
    author: Author,
    by: Actor,
    now: datetime,
    uploads: tuple[Upload, ...] = (),
) -> Ticket:
    """A person's answer, by mail too. `then` the request stays open, waits for the customer, or is resolved.

    Sent twice it is said once. Raises TicketClosed.
    """
    ticket = records.hold(ticket_id)
    if records.was_said(message_id):
        return ticket
    if ticket.status not in UNDER_WAY:
        raise TicketClosed("This ticket is no longer open. The customer can reopen it.")
    message = records.say(
        ticket, MessageKind.ANSWER, body, author=author, now=now, message_id=message_id, uploads=uploads
    )
    was_waiting = ticket.status == RequestStatus.WAITING_ON_CUSTOMER
    if ticket.assignee_id is None:
        ticket.assignee_id = author.id
    if then != ticket.status:
        records.move(ticket, then, by=by, now=now)
    records.record_event(ticket, Happened.WE_ANSWERED, *_after_answer(then, was_waiting=was_waiting), now=now)
    records.note(ticket, "ticket.answered", by=by, now=now)
    emails.send_answer(ticket, message, now=now)
    return ticket


def _after_answer(then: RequestStatus, *, was_waiting: bool) -> tuple[Happened, ...]:
    if then is RequestStatus.RESOLVED:
        return (Happened.RESOLVED,)
    if (then is RequestStatus.WAITING_ON_CUSTOMER) == was_waiting:
        return ()
    return (Happened.WAITING_ENDED,) if was_waiting else (Happened.WAITING_BEGAN,)


def write_note(ticket_id: UUID, body: str, *, message_id: UUID, author: Author, by: Actor, now: datetime) -> Ticket:
    """For operators' eyes only; the audit log says that there is one."""
    ticket = records.hold(ticket_id)
    if not records.was_said(message_id):
        records.say(ticket, MessageKind.INTERNAL_NOTE, body, author=author, now=now, message_id=message_id)
        records.note(ticket, "ticket.noted", by=by, now=now)
    return ticket


def assign(ticket_id: UUID, assignee_id: UUID | None, *, version: int, by: Actor, now: datetime) -> Ticket:
    """Raises TicketMoved."""
    ticket = records.hold(ticket_id, version=version)
    ticket.assignee_id = assignee_id
    if ticket.status == RequestStatus.NEW and assignee_id is not None:
        records.move(ticket, RequestStatus.OPEN, by=by, now=now)
    records.note(ticket, "ticket.assigned", by=by, now=now)
    return ticket


@needs_system_scope
def release_all(assignee_id: UUID, *, by: Actor, now: datetime) -> None:
    """Nobody has taken what an operator who left was working on."""
    is_theirs = Ticket.assignee_id == assignee_id, Ticket.status.in_([status.value for status in UNDER_WAY])
    # in the order of their ids, so that two who release the same ones never wait for each other
    for ticket in db.session.scalars(select(Ticket).where(*is_theirs).order_by(Ticket.id).with_for_update()):
        ticket.assignee_id = None
        records.note(ticket, "ticket.assigned", by=by, now=now)


def weigh(ticket_id: UUID, severity: Severity, *, reason: str, version: int, by: Actor, now: datetime) -> Ticket:
    """Another severity. What was missed stays missed. Raises TicketMoved or TicketClosed."""
    ticket = _under_way(ticket_id, version=version)
    before, ticket.severity = ticket.severity, severity.value
    if before != severity:
        records.record_event(ticket, Happened.SEVERITY_CHANGED, now=now, severity=severity)
        _note_reason(ticket, f"Severity changed from {before} to {severity}: {reason}", now=now)
        records.note(ticket, "ticket.severity_changed", by=by, now=now, before={"severity": before})
    return ticket


def escalate(ticket_id: UUID, *, reason: str, version: int, by: Actor, now: datetime) -> Ticket:
    """By hand, to the next level. Raises TicketMoved or TicketClosed."""
    ticket = _under_way(ticket_id, version=version)
    hand_over(ticket, reason=reason, by=by, now=now)
    return ticket


def _note_reason(ticket: Ticket, words: str, *, now: datetime) -> None:
    """For operators alone; the customer's audit log tells what was done, not what was thought."""
    records.say(ticket, MessageKind.INTERNAL_NOTE, words, author=Author("AI Governance", ""), now=now)


@needs_system_scope
def call_on_call(ticket_id: UUID, *, now: datetime) -> bool:
    """A critical request goes to whoever is on call at once, whatever came before it. False if it is with them.

    Anybody can write a mail, so what strangers send calls somebody a few times an hour; all of it is in the queue.
    """
    ticket = records.hold(ticket_id)
    if ticket.level == Level.ON_CALL or ticket.status not in UNDER_WAY or not _may_call(ticket, now=now):
        return False
    hand_over(ticket, reason="It is critical.", by=SYSTEM, now=now, to=Level.ON_CALL)
    return True


def _may_call(ticket: Ticket, *, now: datetime) -> bool:
    if ticket.opened_by is not None:
        return True
    called = select(func.count()).where(
        Ticket.opened_by.is_(None), Ticket.level == Level.ON_CALL.value, Ticket.created_at > now - _AN_HOUR
    )
    return (db.session.scalar(called) or 0) < STRANGERS_CALLS_AN_HOUR


@needs_system_scope
def hand_over(ticket: Ticket, *, reason: str, by: Actor, now: datetime, to: Level | None = None) -> None:
    """To the next of three levels, with all they need to begin. Needs a held request."""
    ticket.level = (to or above(Level(ticket.level))).value
    _note_reason(ticket, f"Escalated to {LEVEL_LABELS[Level(ticket.level)]}: {reason}", now=now)
    records.note(ticket, "ticket.escalated", by=by, now=now, after={"level": ticket.level})
    first = db.session.scalars(
        select(TicketMessage.body)
        .where(TicketMessage.ticket_id == ticket.id, TicketMessage.kind == MessageKind.CUSTOMER.value)
        .order_by(TicketMessage.created_at)
        .limit(1)
    ).first()
    called = on_call_at(now) if ticket.level == Level.ON_CALL else None
    for email in [called.email] if called else emails_of_operators():
        emails.hand_over(ticket, why=reason, first_words=first or "", to=email, now=now)


@needs_system_scope
def merge(ticket_id: UUID, into_number: int, *, version: int, by: Actor, now: datetime) -> Ticket:
    """Merges a request into an older one, which becomes as grave as the graver of the two. Raises CannotMerge.

    Only once it was answered: a target is met or missed, and never merged away.
    """
    into_id = db.session.scalar(select(Ticket.id).where(Ticket.number == into_number))
    if into_id is None:
        raise CannotMerge(f"There is no ticket {into_number}.")
    if into_number >= records.find(ticket_id).number:
        raise CannotMerge
    into = records.hold(into_id)  # the older first, always, so that two who merge at once do not wait for each other
    ticket = _under_way(ticket_id, version=version)
    _refuse_unlike(ticket, into)
    if any(
        clock.is_running and clock.kind is not Kind.RESOLUTION for clock in sla_deadlines.clocks_of(ticket.id, now=now)
    ):
        raise CannotMerge(
            f"The customer is waiting for a reply. First tell them that you will continue in {into.number}."
        )
    ticket.merged_into = into.id
    records.move(ticket, RequestStatus.MERGED, by=by, now=now, into=into.number)
    records.record_event(ticket, Happened.MERGED, now=now)
    gravest = graver(Severity(ticket.severity), Severity(into.severity))
    if gravest.value != into.severity:
        into.severity = gravest.value
        records.record_event(into, Happened.SEVERITY_CHANGED, now=now, severity=gravest)
    _say_automatically(into, f"Request {ticket.number} was merged into this one.", now=now)
    _say_automatically(ticket, f"Merged into request {into.number}.", now=now)
    records.note(into, "ticket.joined_by", by=by, now=now, after={"joined": ticket.number})
    return into


def _refuse_unlike(ticket: Ticket, into: Ticket) -> None:
    """Raises CannotMerge for requests of two customers, or where one is over."""
    is_same = into.organization_id == ticket.organization_id
    if ticket.organization_id is None:
        is_same = is_same and requesters.is_same(into, ticket)
    if not is_same or into.status not in UNDER_WAY:
        raise CannotMerge


def _say_automatically(ticket: Ticket, words: str, *, now: datetime) -> None:
    records.say(ticket, MessageKind.AUTOMATIC, words, author=Author("AI Governance", ""), now=now)


def set_feature_request(ticket_id: UUID, wish: str | None, *, version: int, by: Actor, now: datetime) -> bool:
    """Counts the request as a vote for what is wished; whether that is news. Raises TicketMoved."""
    ticket = records.hold(ticket_id, version=version)
    if ticket.wish == wish:
        return False
    ticket.wish = wish
    records.note(ticket, "ticket.wish_noted", by=by, now=now)
    return True


@needs_system_scope
def feature_requests() -> list[tuple[str, int]]:
    """What is wished, and by how many organizations; the most wished first."""
    votes = func.count(func.distinct(func.coalesce(Ticket.organization_id, Ticket.id)))
    query = select(Ticket.wish, votes).where(Ticket.wish.is_not(None)).group_by(Ticket.wish)
    return [(row[0] or "", row[1]) for row in db.session.execute(query.order_by(votes.desc(), Ticket.wish))]


@needs_system_scope
def operators() -> list[User]:
    """Those who can take a request."""
    query = select(User).where(User.is_operator, User.disabled_at.is_(None)).order_by(User.name)
    return list(db.session.scalars(query))


def _under_way(ticket_id: UUID, *, version: int) -> Ticket:
    ticket = records.hold(ticket_id, version=version)
    if ticket.status not in UNDER_WAY:
        raise TicketClosed("This ticket is no longer open.")
    return ticket
