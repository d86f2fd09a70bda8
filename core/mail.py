"""Mail: written with the row that causes it, sent by the worker, tried again until it leaves.

A mail is three templates: `mail/<name>.subject.txt`, `.txt` and `.html`. Without an SMTP server it stays in the local
mailbox, which is a page of a trial and does not exist in production.
"""

import smtplib
import ssl
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from datetime import datetime
from email.message import EmailMessage
from email.utils import formatdate, parseaddr
from typing import Any
from urllib.parse import unquote, urlsplit
from uuid import UUID

import msgspec
import structlog
from flask import render_template
from procrastinate import RetryStrategy
from sqlalchemy import ForeignKey, Index
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from core import current, mail_receipts
from core.addresses import for_the_wire
from core.clock import utc_now
from core.db import Base, acting_as_system, db, transaction
from core.ids import new_uuid
from core.jobs import Queue, defer, in_its_own_session, jobs
from core.rows import find_fresh
from core.settings import Settings

log = structlog.get_logger()

SMTP_TIMEOUT_S = 20
_CAN_WAIT = -10
"""A priority; others have 0, and the higher goes first."""
_NEVER = 500
"""From here on, a server's answer is for good."""
_LONGEST_FAILURE = 500
_TRIES = RetryStrategy(max_attempts=12, wait=30, exponential_wait=2)
"""Over two hours in all, with growing pauses: longer than a mail server is restarted or puts a stranger off."""


class Attachment(msgspec.Struct, frozen=True):
    """A file that is made of a record when the mail is sent, by what was registered for its kind."""

    name: str
    kind: str
    record_id: UUID


MakeFile = Callable[[UUID], bytes]

_makers: dict[str, MakeFile] = {}


class MailMessage(Base):
    __tablename__ = "mail_message"
    __table_args__ = (
        Index("ix_mail_message_unsent", "created_at", postgresql_where=sql("sent_at IS NULL")),
        Index("ix_mail_message_organization_id", "organization_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organization_id: Mapped[UUID | None] = mapped_column(ForeignKey("organization.id"))
    recipient: Mapped[str]
    template: Mapped[str]
    subject: Mapped[str]
    text: Mapped[str | None]
    html: Mapped[str | None]
    """The words are forgotten once an SMTP server has taken them: links in them open accounts."""
    reply_to: Mapped[str | None]
    attachments: Mapped[list[Any]] = mapped_column(server_default=sql("'[]'"))
    unsubscribe_url: Mapped[str | None]
    """Of mail that somebody subscribed to: one POST there ends it."""
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    failure: Mapped[str | None]


def has_local_mailbox() -> bool:
    """Whether mail stays here, to be read at `/mailbox`."""
    return current.settings().smtp_url is None


def _signature(support_email: str | None) -> str:
    """Ends the text of every mail, so that its reader knows whom it is from."""
    return "AI Governance" + (f"\nQuestions: {support_email}" if support_email else "")


def send_mail(
    template: str,
    *,
    to: str,
    now: datetime,
    context: Mapping[str, Any],
    organization_id: UUID | None = None,
    attachments: Sequence[Attachment] = (),
    reply_to: str | None = None,
    unsubscribe_url: str | None = None,
    is_bulk: bool = False,
) -> UUID:
    """Leaves a mail in the outbox; it is sent if, and only if, the transaction is committed. The mail's id.

    What goes to many at once is `is_bulk`.
    """
    settings = current.settings()
    words = {
        "security_email": settings.security_email or settings.support_email,
        **context,
        "base_url": settings.base_url,
        "support_email": settings.support_email,
    }
    subject = " ".join(render_template(f"mail/{template}.subject.txt", **words).split())
    message = MailMessage(
        id=new_uuid(),
        organization_id=organization_id,
        recipient=for_the_wire(to),
        template=template,
        subject=subject,
        text=f"{render_template(f'mail/{template}.txt', **words).strip()}\n\n{_signature(settings.support_email)}\n",
        html=render_template(f"mail/{template}.html", **words),
        reply_to=reply_to,
        attachments=msgspec.to_builtins(attachments),
        unsubscribe_url=unsubscribe_url,
        created_at=now,
        sent_at=None if settings.smtp_url else now,
    )
    db.session.add(message)
    db.session.flush()
    if settings.smtp_url:
        defer(deliver_bulk_mail if is_bulk else deliver_mail, mail_id=str(message.id))
    return message.id


def register_attachment(kind: str, make: MakeFile) -> None:
    """How files of this kind are made; all are PDF. Called in the system's scope."""
    _makers[kind] = make


def attachments_of(message: MailMessage) -> list[Attachment]:
    return msgspec.convert(message.attachments, list[Attachment])


def make_file(attachment: Attachment) -> bytes:
    """Needs the system's scope."""
    return _makers[attachment.kind](attachment.record_id)


@jobs.task(retry=_TRIES, queue=Queue.MAIL)
@in_its_own_session
def deliver_mail(mail_id: str) -> None:
    _deliver_or_note(mail_id)


@jobs.task(retry=_TRIES, queue=Queue.MAIL, priority=_CAN_WAIT)
@in_its_own_session
def deliver_bulk_mail(mail_id: str) -> None:
    """In the same places, after all that somebody waits for."""
    _deliver_or_note(mail_id)


def _deliver_or_note(mail_id: str) -> None:
    """Hands one mail to the SMTP server; a mail that was sent before is left alone.

    Why it did not leave is kept with it. What the server will never take is not tried again.
    """
    try:
        _deliver(mail_id)
    except Exception as error:
        _note_failure(mail_id, error)
        if not _is_final(error):
            raise


def _note_failure(mail_id: str, error: Exception) -> None:
    with acting_as_system(), transaction():
        message = find_fresh(MailMessage, UUID(mail_id))
        if message is not None:
            message.failure = f"{type(error).__name__}: {error}"[:_LONGEST_FAILURE]
    log.error("mail.not_sent", mail_id=mail_id, failure=type(error).__name__, is_final=_is_final(error))


def _is_final(error: Exception) -> bool:
    """An address that this server cannot send to, or of which the other side says that it does not exist."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(status >= _NEVER for status, _ in error.recipients.values())
    return isinstance(error, smtplib.SMTPNotSupportedError)


def _deliver(mail_id: str) -> None:
    settings = current.settings()
    with acting_as_system(), transaction():
        # held while it is sent: a second worker waits, and then sees that it left
        message = db.session.get(MailMessage, UUID(mail_id), with_for_update=True)
        if message is None or message.sent_at is not None:
            return
        if not mail_receipts.has(settings.data_path, message.id):
            _transmit(message, settings)
        message.sent_at, message.text, message.html, message.failure = utc_now(), None, None, None
        log.info("mail.sent", mail_id=mail_id, template=message.template)
    mail_receipts.forget(settings.data_path, UUID(mail_id))


def _transmit(message: MailMessage, settings: Settings) -> None:
    address = urlsplit(settings.smtp_url or "")
    context = ssl.create_default_context()
    if address.scheme == "smtps":
        server: smtplib.SMTP = smtplib.SMTP_SSL(
            address.hostname or "", address.port or 465, timeout=SMTP_TIMEOUT_S, context=context
        )
    else:
        server = smtplib.SMTP(address.hostname or "", address.port or 587, timeout=SMTP_TIMEOUT_S)
    with closing(server):
        if address.scheme == "smtp" and not _is_this_machine(address.hostname):
            server.starttls(context=context)  # raises where it is not offered: nothing leaves in clear
        if address.username:
            server.login(unquote(address.username), unquote(address.password or ""))
        server.send_message(_as_email(message, settings))
        mail_receipts.note(settings.data_path, message.id)
        with suppress(smtplib.SMTPException, OSError):  # it has the mail, however it says good-bye
            server.quit()


def _is_this_machine(host: str | None) -> bool:
    return host in {"localhost", "127.0.0.1", "::1"}


def _as_email(message: MailMessage, settings: Settings) -> EmailMessage:
    """The standard library refuses line breaks in headers, so no name can add one."""
    email = EmailMessage()
    email["From"] = settings.mail_from
    email["To"] = for_the_wire(message.recipient)
    if message.reply_to:
        email["Reply-To"] = message.reply_to
    email["Subject"] = message.subject
    email["Date"] = formatdate()
    sender_domain = parseaddr(settings.mail_from)[1].partition("@")[2] or "localhost"
    email["Message-ID"] = f"<{message.id.hex}@{sender_domain}>"  # the same at every try, so that a double is known
    email["Auto-Submitted"] = "auto-generated"
    if message.unsubscribe_url:  # RFC 8058
        email["List-Unsubscribe"] = f"<{message.unsubscribe_url}>"
        email["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    email.set_content(message.text or "")
    email.add_alternative(message.html or "", subtype="html")
    for attachment in attachments_of(message):
        email.add_attachment(make_file(attachment), maintype="application", subtype="pdf", filename=attachment.name)
    return email
