"""Mail that comes in: an answer goes into its request, anything else from a person opens one.

A mail proves little about its sender. Only what is sent to the request's own address, by the requester or a member of
its organization, counts as the customer's word; the rest is kept as a note for operators, so that nothing is lost.
"""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from api.keys.token import without_keys
from core import current
from core.audit import SYSTEM
from core.db import db
from core.ids import new_uuid
from core.members import Membership
from portal.support import addresses, records, requesters, services
from portal.support.mails import Mail
from portal.support.models import InboundMail, MailOutcome, MessageKind, Ticket
from portal.support.records import Author
from portal.support.services import Question
from portal.support.severities import Category, Severity

MOST_AN_HOUR = 5
"""Requests that one address opens by mail within an hour."""
_AN_HOUR = timedelta(hours=1)


def take(mail: Mail, *, now: datetime) -> MailOutcome:
    """Takes a mail once, however often it is handed in. Needs the system's scope."""
    if not _is_new(mail, now=now):
        return MailOutcome.IGNORED
    if mail.is_automatic or mail.sender.email == (current.settings().support_email or "").lower():
        return MailOutcome.IGNORED
    ticket = _answered(mail, now=now) or _of_a_flood(mail, now=now)
    if ticket is None:
        ticket, outcome = _open(mail, now=now), MailOutcome.OPENED
    else:
        outcome = _add(ticket, mail, now=now)
    row = db.session.get_one(InboundMail, mail.message_id)
    row.ticket_id, row.outcome = ticket.id, outcome.value
    return outcome


def _is_new(mail: Mail, *, now: datetime) -> bool:
    kept = db.session.execute(
        insert(InboundMail)
        .values(message_id=mail.message_id, received_at=now, outcome=MailOutcome.IGNORED.value)
        .on_conflict_do_nothing()
        .returning(InboundMail.message_id)
    )
    return kept.first() is not None


def _answered(mail: Mail, *, now: datetime) -> Ticket | None:
    """The request whose own address the mail was sent to; one that was joined leads to the other. None if it is over:
    a mail that comes so late opens a request, with an acknowledgement and clocks of its own."""
    tag = addresses.tag_in(mail.recipients)
    if tag is None:
        return None
    ticket = db.session.scalar(select(Ticket).where(Ticket.number == tag.number, Ticket.reply_token == tag.reply_token))
    while ticket is not None and ticket.merged_into is not None:
        ticket = db.session.get_one(Ticket, ticket.merged_into)
    return ticket if ticket is not None and services.may_be_written_to(ticket, now=now) else None


def _of_a_flood(mail: Mail, *, now: datetime) -> Ticket | None:
    """The latest request of somebody who opened many within the hour: the rest goes there, and is not acknowledged."""
    user = requesters.find_account(mail.sender.email)
    is_theirs = Ticket.opened_by == user.id if user else Ticket.requester_email == mail.sender.email
    query = select(Ticket).where(is_theirs, Ticket.created_at > now - _AN_HOUR)
    lately = list(db.session.scalars(query.order_by(Ticket.number.desc()).limit(MOST_AN_HOUR)))
    return lately[0] if len(lately) == MOST_AN_HOUR else None


def _add(ticket: Ticket, mail: Mail, *, now: datetime) -> MailOutcome:
    author = requesters.person_of(ticket, mail.sender)
    if author is None or not services.may_be_written_to(ticket, now=now):
        why = "from an address that the request does not know" if author is None else "after the request was closed"
        records.hold(ticket.id)
        words = f"A mail came {why}, from {mail.sender.email}:\n\n{without_keys(mail.body)}"
        records.say(
            ticket,
            MessageKind.INTERNAL_NOTE,
            words,
            author=mail.sender,
            now=now,
            uploads=mail.uploads,
            is_by_mail=True,
        )
        records.note(ticket, "ticket.noted", by=SYSTEM, now=now)
        return MailOutcome.NOTED
    services.write(
        ticket.id,
        mail.body,
        message_id=new_uuid(),
        author=author,
        by=SYSTEM,
        now=now,
        uploads=mail.uploads,
        is_by_mail=True,
    )
    return MailOutcome.ADDED


def _open(mail: Mail, *, now: datetime) -> Ticket:
    """For the organization of the sender, where that is plain: they are a member of exactly one."""
    organization_id, author = _seat_of(mail.sender)
    question = Question(
        subject=mail.subject,
        body=mail.body,
        category=Category.QUESTION,
        severity=Severity.MEDIUM,
        uploads=mail.uploads,
    )
    return services.open_ticket(
        new_uuid(), question, organization_id=organization_id, author=author, by=SYSTEM, now=now, is_by_mail=True
    )


def _seat_of(sender: Author) -> tuple[UUID | None, Author]:
    """With the account that the address belongs to, so that the answer finds its person at another address, too."""
    user = requesters.find_account(sender.email)
    if user is None:
        return None, sender
    author = Author(user.name, user.email, user.id)
    seats = db.session.scalars(select(Membership.organization_id).where(Membership.user_id == user.id)).all()
    return (seats[0] if len(seats) == 1 else None), author
