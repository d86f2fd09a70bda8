"""Emails that could not be filed: kept as they came until an operator decides. Needs the system's scope."""

from datetime import datetime, timedelta
from http import HTTPStatus
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import defer as later

from core.audit import Actor
from core.db import db
from core.errors import AppError, NotFound
from core.ids import new_uuid
from core.jobs import defer
from core.rows import find_locked
from core.scope import needs_system_scope
from portal.support import operator_alerts, records, requesters, services
from portal.support.inbound.bounded import Reason
from portal.support.models import InboundMail, MailOutcome, MessageKind, Ticket
from portal.support.records import Author
from portal.support.services import Question
from portal.support.severities import Category, Severity

MOST_LISTED = 200
_OF_MACHINES = frozenset({Reason.AUTOMATIC, Reason.BOUNCE, Reason.LIST, Reason.OURS})
_ONCE_IN = timedelta(hours=1)

REASON_LABELS = {
    Reason.TOO_COMPLEX: "Too many parts, lines or headers to be read safely",
    Reason.UNREADABLE: "Not readable as an email",
    Reason.SENDER: "No single sender address",
    Reason.AUTOMATIC: "Automatic reply",
    Reason.BOUNCE: "Delivery report",
    Reason.LIST: "Mailing list from an unknown sender",
    Reason.FLOOD: "Many emails from one sender within an hour",
    Reason.OURS: "From our own address",
    Reason.NOT_TAKEN: "Processing failed",
}


class AlreadyDecided(AppError):
    status, code, title = HTTPStatus.CONFLICT, "mail_already_decided", "Someone else already handled this email"
    advice = "Reload the quarantine to see what is left."


@needs_system_scope
def put(row: InboundMail, reason: Reason, *, now: datetime) -> None:
    """Operators get an email about what a person may have written, at most one an hour."""
    is_quiet = reason in _OF_MACHINES or _was_told(now)
    row.outcome, row.reason = MailOutcome.QUARANTINED.value, reason.value
    db.session.flush()
    if not is_quiet:
        defer(operator_alerts.notify_of_quarantine)


@needs_system_scope
def waiting() -> list[InboundMail]:
    """The newest first, without what makes them large."""
    query = select(InboundMail).where(InboundMail.outcome == MailOutcome.QUARANTINED.value)
    large = later(InboundMail.raw), later(InboundMail.words)
    return list(db.session.scalars(query.options(*large).order_by(InboundMail.received_at.desc()).limit(MOST_LISTED)))


@needs_system_scope
def count() -> int:
    query = select(func.count()).select_from(InboundMail)
    return db.session.scalar(query.where(InboundMail.outcome == MailOutcome.QUARANTINED.value)) or 0


@needs_system_scope
def find(mail_id: UUID) -> InboundMail:
    """Raises NotFound."""
    row = db.session.get(InboundMail, mail_id)
    if row is None:
        raise NotFound("This email does not exist.")
    return row


@needs_system_scope
def originals_of(ticket_id: UUID) -> dict[UUID, UUID]:
    """The email that each message of a request came in."""
    query = select(InboundMail.ticket_message_id, InboundMail.id).where(
        InboundMail.ticket_id == ticket_id, InboundMail.ticket_message_id.is_not(None), InboundMail.raw.is_not(None)
    )
    return {row[0]: row[1] for row in db.session.execute(query) if row[0]}


def create_request(mail_id: UUID, *, email: str, subject: str, by: Actor, now: datetime) -> Ticket:
    """An operator says whose it is and where the answer goes. Raises AlreadyDecided."""
    row = _undecided(mail_id)
    question = Question(
        subject=subject, body=_words_of(row), category=Category.QUESTION, severity=Severity.MEDIUM, uploads=()
    )
    organization_id, author = requesters.membership_of(Author(name=email, email=email))
    ticket = services.open_ticket(
        new_uuid(), question, organization_id=organization_id, author=author, by=by, now=now, is_by_mail=True
    )
    _settle(row, MailOutcome.OPENED, ticket)
    row.ticket_message_id, row.sender_id = records.messages(ticket.id)[0].id, author.id
    return ticket


@needs_system_scope
def add_to_request(mail_id: UUID, number: int, *, by: Actor, now: datetime) -> Ticket:
    """As a note for operators: nobody has proved whose words these are. Raises AlreadyDecided and NotFound."""
    row = _undecided(mail_id)
    ticket_id = db.session.scalar(select(Ticket.id).where(Ticket.number == number))
    if ticket_id is None:
        raise NotFound("This request does not exist.")
    ticket = records.hold(ticket_id)
    words = f"Email from {row.sender or 'an unknown sender'}:\n\n{_words_of(row)}"
    said = records.say(
        ticket, MessageKind.INTERNAL_NOTE, words, author=Author("AI Governance", ""), now=now, is_by_mail=True
    )
    records.note(ticket, "ticket.noted", by=by, now=now)
    _settle(row, MailOutcome.NOTED, ticket)
    row.ticket_message_id = said.id
    return ticket


def dismiss(mail_id: UUID) -> None:
    """Raises AlreadyDecided."""
    _settle(_undecided(mail_id), MailOutcome.DISMISSED, None)


def _words_of(row: InboundMail) -> str:
    return row.words or "(This email could not be read. Open the original.)"


def _settle(row: InboundMail, outcome: MailOutcome, ticket: Ticket | None) -> None:
    row.outcome, row.ticket_id = outcome.value, ticket.id if ticket else None


def _undecided(mail_id: UUID) -> InboundMail:
    row = find_locked(InboundMail, mail_id)
    if row is None:
        raise NotFound("This email does not exist.")
    if row.outcome != MailOutcome.QUARANTINED:
        raise AlreadyDecided
    return row


def _was_told(now: datetime) -> bool:
    loud = [reason.value for reason in Reason if reason not in _OF_MACHINES]
    query = select(InboundMail.id).where(
        InboundMail.outcome == MailOutcome.QUARANTINED.value,
        InboundMail.reason.in_(loud),
        InboundMail.received_at > now - _ONCE_IN,
    )
    return db.session.scalar(query.limit(1)) is not None
