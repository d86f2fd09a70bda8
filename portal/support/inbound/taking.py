"""Filing a mail that was read: an answer goes into its request, anything else from a person opens one.

A mail proves little about its sender. Only what is sent to the request's own address, by the requester or a member of
its organization, counts as the customer's word; the rest is a note for operators or waits in the quarantine, so that
nothing is lost. Needs the system's scope.
"""

from datetime import datetime, timedelta
from email.utils import parseaddr
from uuid import UUID

import structlog
from sqlalchemy import func, select

from api.keys.token import without_keys
from core import current
from core.audit import SYSTEM
from core.db import db
from core.ids import new_uuid
from core.jobs import defer
from core.rows import find_locked
from core.scope import needs_system_scope
from portal.support import addresses, operator_alerts, records, requesters, services
from portal.support.inbound import quarantine, reading
from portal.support.inbound.bounded import NotRead, Reason
from portal.support.inbound.origins import Origin
from portal.support.inbound.reading import Glimpse, Mail, shown
from portal.support.inbound.senders import normalized
from portal.support.models import InboundMail, MailOutcome, MessageKind, Ticket, TicketMessage
from portal.support.quoting import latest
from portal.support.records import Author
from portal.support.services import Question
from portal.support.severities import Category, Severity, severity_of_subject

log = structlog.get_logger()

MOST_AN_HOUR = {False: 5, True: 20}
"""Requests that one address opens by mail within an hour: of strangers, of members."""
_AN_HOUR = timedelta(hours=1)


@needs_system_scope
def take(mail_id: UUID, *, now: datetime) -> MailOutcome:
    """Files a kept mail once, however often it is asked."""
    row = find_locked(InboundMail, mail_id)
    if row is None or row.outcome != MailOutcome.RECEIVED or row.raw is None:
        return MailOutcome.IGNORED
    try:
        mail = reading.read(row.raw)
    except NotRead as refusal:
        return _quarantine(row, reading.glimpse(row.raw), refusal.reason, now=now)
    except Exception:
        log.exception("mail.not_read", mail_id=str(row.id))
        return _quarantine(row, reading.glimpse(row.raw), Reason.UNREADABLE, now=now)
    if _is_copy(row, mail):
        return MailOutcome(row.outcome)
    return _file(row, mail, now=now)


def _quarantine(row: InboundMail, seen: Glimpse, reason: Reason, *, now: datetime) -> MailOutcome:
    _describe(row, seen)
    quarantine.put(row, reason, now=now)
    return MailOutcome.QUARANTINED


def _describe(row: InboundMail, seen: Glimpse) -> None:
    row.message_id, row.subject = seen.message_id, seen.subject
    row.sender = seen.sender.email if seen.sender else seen.shown_sender or None


def _is_copy(row: InboundMail, mail: Mail) -> bool:
    """Whether the same was filed before; two copies that come at once wait for each other."""
    db.session.execute(select(func.pg_advisory_xact_lock(int.from_bytes(mail.fingerprint[:8], "big", signed=True))))
    row.fingerprint = mail.fingerprint
    first = db.session.scalar(
        select(InboundMail)
        .where(InboundMail.fingerprint == mail.fingerprint, InboundMail.id != row.id)
        .order_by(InboundMail.received_at)
        .limit(1)
    )
    if first is not None:
        _describe(row, mail.glimpse)
        row.outcome, row.ticket_id = MailOutcome.DUPLICATE.value, first.ticket_id
    return first is not None


def _file(row: InboundMail, mail: Mail, *, now: datetime) -> MailOutcome:
    _describe(row, mail.glimpse)
    row.words = shown(without_keys(mail.words), mail.remarks)
    ticket, sender = _answered(mail, now=now), mail.glimpse.sender
    if ticket is not None and (sender is None or mail.origin in {Origin.AUTOMATIC, Origin.BOUNCE}):
        return _note(row, ticket, mail, f"{_kind_of(mail)} from {row.sender or 'an unknown sender'}", now=now)
    if sender is None:
        reason = Reason.BOUNCE if mail.origin is Origin.BOUNCE else Reason.SENDER
        return _quarantine(row, mail.glimpse, reason, now=now)
    author = Author(name=sender.name, email=sender.email)
    if ticket is not None:
        return _add(row, ticket, mail, author, now=now)
    return _open_or_hold(row, mail, author, now=now)


def _kind_of(mail: Mail) -> str:
    kinds = {Origin.AUTOMATIC: "Automatic reply", Origin.BOUNCE: "Delivery report"}
    return kinds.get(mail.origin, "Email")


def _answered(mail: Mail, *, now: datetime) -> Ticket | None:
    """The request whose own address the mail was sent to; one that was joined leads to the other. None if it is over:
    a mail that comes so late opens a request, with an acknowledgement and clocks of its own."""
    tag = addresses.tag_in((*mail.recipients, *mail.returned_to))
    if tag is None:
        return None
    ticket = db.session.scalar(select(Ticket).where(Ticket.number == tag.number, Ticket.reply_token == tag.reply_token))
    while ticket is not None and ticket.merged_into is not None:
        ticket = db.session.get_one(Ticket, ticket.merged_into)
    return ticket if ticket is not None and services.may_be_written_to(ticket, now=now) else None


def _add(row: InboundMail, ticket: Ticket, mail: Mail, sender: Author, *, now: datetime) -> MailOutcome:
    author = requesters.person_of(ticket, sender)
    if author is None:
        why = f"Email from an address that is not part of this request, {sender.email}"
        return _note(row, ticket, mail, why, now=now)
    message_id = new_uuid()
    services.write(
        ticket.id,
        shown(latest(mail.words), mail.remarks),
        message_id=message_id,
        author=author,
        by=SYSTEM,
        now=now,
        uploads=mail.uploads,
        is_by_mail=True,
    )
    return _filed(row, ticket, MailOutcome.ADDED, message_id, author)


def _note(row: InboundMail, ticket: Ticket, mail: Mail, why: str, *, now: datetime) -> MailOutcome:
    """For operators, who are told of it unless a machine wrote that somebody is away."""
    records.hold(ticket.id)
    said = records.say(
        ticket,
        MessageKind.INTERNAL_NOTE,
        f"{why}:\n\n{row.words}",
        author=Author(row.sender or "AI Governance", ""),
        now=now,
        uploads=mail.uploads,
        is_by_mail=True,
    )
    records.note(ticket, "ticket.noted", by=SYSTEM, now=now)
    if mail.origin is not Origin.AUTOMATIC:
        defer(operator_alerts.notify_of_message, ticket_id=str(ticket.id))
    return _filed(row, ticket, MailOutcome.NOTED, said.id, None)


def _filed(
    row: InboundMail, ticket: Ticket, outcome: MailOutcome, message_id: UUID, author: Author | None
) -> MailOutcome:
    row.ticket_id, row.ticket_message_id, row.outcome = ticket.id, message_id, outcome.value
    row.sender_id = author.id if author else None
    return outcome


def _open_or_hold(row: InboundMail, mail: Mail, sender: Author, *, now: datetime) -> MailOutcome:
    organization_id, author = requesters.membership_of(sender)
    reason = _reason_to_hold(mail, author, now=now)
    if reason is not None:
        row.sender_id = author.id
        return _quarantine(row, mail.glimpse, reason, now=now)
    severity = severity_of_subject(mail.glimpse.subject)
    question = Question(
        subject=mail.glimpse.subject,
        body=row.words or "",
        category=Category.BUG if severity is Severity.CRITICAL else Category.QUESTION,
        severity=severity,
        uploads=mail.uploads,
    )
    ticket = services.open_ticket(
        new_uuid(), question, organization_id=organization_id, author=author, by=SYSTEM, now=now, is_by_mail=True
    )
    first = db.session.scalar(select(TicketMessage.id).where(TicketMessage.ticket_id == ticket.id).limit(1))
    return _filed(row, ticket, MailOutcome.OPENED, first or ticket.id, author)


def _reason_to_hold(mail: Mail, author: Author, *, now: datetime) -> Reason | None:
    if author.email in _our_addresses():
        return Reason.OURS
    if mail.origin is Origin.LIST and author.id is None:
        return Reason.LIST
    if mail.origin in {Origin.AUTOMATIC, Origin.BOUNCE}:
        return Reason(mail.origin.value)
    is_theirs = Ticket.opened_by == author.id if author.id else Ticket.requester_email == author.email
    query = select(func.count()).where(is_theirs, Ticket.created_at > now - _AN_HOUR)
    is_flood = (db.session.scalar(query) or 0) >= MOST_AN_HOUR[author.id is not None]
    return Reason.FLOOD if is_flood else None


def _our_addresses() -> set[str | None]:
    settings = current.settings()
    given = (settings.support_email or "", parseaddr(settings.mail_from)[1])
    return {normalized(address) for address in given if address}
