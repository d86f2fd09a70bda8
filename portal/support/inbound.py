"""Mail that comes in: an answer goes into its request, anything else from a person opens one.

A mail proves little about its sender. Only what is sent to the request's own address, by the requester or a member of
its organization, counts as the customer's word; the rest is kept as a note for operators, so that nothing is lost.
"""

import re
from collections.abc import Iterator
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import getaddresses, parseaddr
from http import HTTPStatus
from uuid import UUID

import msgspec
from markupsafe import Markup
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from api.keys.token import without_keys
from core import current
from core.audit import SYSTEM
from core.db import db
from core.errors import AppError
from core.ids import new_uuid
from core.members import Membership, User
from portal.support import addresses, records, services
from portal.support.models import InboundMail, MailOutcome, MessageKind, Ticket
from portal.support.quoting import latest
from portal.support.records import Author
from portal.support.services import Question
from portal.support.severities import Category, Severity
from portal.support.uploads import FileRefused, Upload, accept

MOST_BYTES = 15_000_000
_MOST_WORDS, _MOST_MARKUP = 20_000, 50_000
_LINE_ENDS = re.compile(r"<br[^>]*>|</(?:p|div|li|tr|h\d)>", re.IGNORECASE)
_BREAK = "\ue000"


class MailUnreadable(AppError):
    status, code, title = HTTPStatus.UNPROCESSABLE_ENTITY, "mail_unreadable", "This is no mail"
    advice = "Send the raw message as it came (message/rfc822), with its Message-ID and From."


class Mail(msgspec.Struct, frozen=True):
    """What of a mail matters here."""

    message_id: str
    sender: Author
    recipients: tuple[str, ...]
    subject: str
    body: str
    uploads: tuple[Upload, ...]
    is_automatic: bool


def read(raw: bytes) -> Mail:
    """Raises MailUnreadable."""
    message = message_from_bytes(raw, policy=policy.default)
    name, email = parseaddr(str(message.get("From", "")))
    message_id = str(message.get("Message-ID", "")).strip()
    if "@" not in email or not message_id or len(message_id) > 998:  # noqa: PLR2004  the longest line a mail may have
        raise MailUnreadable
    uploads, left_out = _files_of(message)
    remarks = "".join(f"\n[{name} was left out: not a kind or size that we take]" for name in left_out)
    return Mail(
        message_id=message_id,
        sender=Author(name=" ".join(name.split())[:200] or email, email=email.lower()),
        recipients=tuple(_addresses(message)),
        subject=" ".join(str(message.get("Subject", "")).split())[:200] or "Without a subject",
        body=_words_of(message) + remarks,
        uploads=uploads,
        is_automatic=_is_automatic(message),
    )


def take(mail: Mail, *, now: datetime) -> MailOutcome:
    """Takes a mail once, however often it is handed in. Needs the system's scope."""
    if not _is_new(mail, now=now):
        return MailOutcome.IGNORED
    if mail.is_automatic or mail.sender.email == (current.settings().support_email or "").lower():
        return MailOutcome.IGNORED
    ticket = _answered(mail)
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


def _answered(mail: Mail) -> Ticket | None:
    """The request whose own address the mail was sent to; one that was joined leads to the other."""
    tag = addresses.tag_in(mail.recipients)
    if tag is None:
        return None
    ticket = db.session.scalar(select(Ticket).where(Ticket.number == tag.number, Ticket.reply_token == tag.reply_token))
    while ticket is not None and ticket.merged_into is not None:
        ticket = db.session.get_one(Ticket, ticket.merged_into)
    return ticket


def _add(ticket: Ticket, mail: Mail, *, now: datetime) -> MailOutcome:
    author = _known(ticket, mail.sender)
    if author is None or not services.may_be_written_to(ticket, now=now):
        why = "from an address that the request does not know" if author is None else "after the request was closed"
        records.hold(ticket.id)
        words = f"A mail came {why}, from {mail.sender.email}:\n\n{without_keys(mail.body)}"
        records.say(ticket, MessageKind.INTERNAL_NOTE, words, author=mail.sender, now=now, is_by_mail=True)
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


def _known(ticket: Ticket, sender: Author) -> Author | None:
    """The sender as a person of the request, or None."""
    user = db.session.scalar(
        select(User)
        .join(Membership, Membership.user_id == User.id)
        .where(User.email == sender.email, Membership.organization_id == ticket.organization_id)
    )
    if user is not None:
        return Author(user.name, user.email, user.id)
    return sender if sender.email == ticket.requester_email else None


def _seat_of(sender: Author) -> tuple[UUID | None, Author]:
    query = select(User, Membership.organization_id).join(Membership, Membership.user_id == User.id)
    seats = db.session.execute(query.where(User.email == sender.email, User.disabled_at.is_(None))).all()
    if len(seats) != 1:
        return None, sender
    user, organization_id = seats[0]
    return organization_id, Author(user.name, user.email, user.id)


def _addresses(message: EmailMessage) -> Iterator[str]:
    for name in ("To", "Cc", "Delivered-To", "X-Original-To", "Envelope-To"):
        yield from (address for _, address in getaddresses([str(value) for value in message.get_all(name, [])]))


def _is_automatic(message: EmailMessage) -> bool:
    """An answering machine's, or of a list: answering it could go on for ever."""
    submitted = str(message.get("Auto-Submitted", "no")).lower()
    precedence = str(message.get("Precedence", "")).lower()
    return submitted != "no" or precedence in {"bulk", "junk", "list"} or "List-Id" in message


def _words_of(message: EmailMessage) -> str:
    """What the sender wrote, without the mail that they answered."""
    part = message.get_body(preferencelist=("plain", "html"))
    if part is None:
        return "(no text)"
    words = str(part.get_content())
    if part.get_content_subtype() == "html":
        words = Markup(_LINE_ENDS.sub(_BREAK, words[:_MOST_MARKUP])).striptags()  # noqa: S704  made plain, never shown as HTML
        words = words.replace(_BREAK, "\n")
    return latest(words).replace("\x00", "")[:_MOST_WORDS] or "(no text)"


def _files_of(message: EmailMessage) -> tuple[tuple[Upload, ...], list[str]]:
    """Those that we take, and the names of those that we do not."""
    taken: list[Upload] = []
    left_out: list[str] = []
    for part in message.iter_attachments():
        name, content = part.get_filename() or "file", part.get_payload(decode=True)
        try:
            taken.append(accept(name, content if isinstance(content, bytes) else b""))
        except FileRefused:
            left_out.append(name[:100])
    return tuple(taken), left_out
