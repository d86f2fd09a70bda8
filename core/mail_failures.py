"""Mail that did not leave, and why: for operators, who send it again, and for whoever waits for it.

Mail is the system's to read, so everything here needs the system's scope.
"""

import re
from collections.abc import Collection
from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on

from core import audit
from core.accounts import Organization
from core.addresses import for_the_wire
from core.audit import Actor
from core.db import db
from core.errors import NotFound
from core.jobs import defer
from core.mail import MailMessage, deliver_mail
from core.rows import find_fresh
from core.scope import needs_system_scope

SHOWN = 100
_ADVICE = {
    "SMTPRecipientsRefused": "The recipient's server refuses this address. Ask the organization for a different one.",
    "SMTPNotSupportedError": "The mail server cannot send to this type of address. Ask for a different one.",
    "SMTPSenderRefused": "The mail server rejected our sender address. Check MAIL_FROM.",
    "SMTPAuthenticationError": "The mail server rejected our login. Check SMTP_URL.",
    "SMTPDataError": "The mail server rejected the email. Read its response, and contact the email provider.",
}
_OTHERWISE = (
    "The mail server did not respond correctly. We retry automatically for about a day; after that, resend it here."
)


class UnsentMail(msgspec.Struct, frozen=True):
    id: UUID
    organization_id: UUID | None
    organization: str | None
    recipient: str
    template: str
    created_at: datetime
    failure: str

    @property
    def advice(self) -> str:
        return _ADVICE.get(self.failure.partition(":")[0], _OTHERWISE)


@needs_system_scope
def unsent() -> list[UnsentMail]:
    """The newest first. The subject is left out: it may say what is not the operators' to read."""
    rows = db.session.execute(
        select(MailMessage, Organization.name)
        .outerjoin(Organization, Organization.id == MailMessage.organization_id)
        .where(MailMessage.sent_at.is_(None), MailMessage.failure.is_not(None))
        .order_by(MailMessage.created_at.desc(), MailMessage.id.desc())
        .limit(SHOWN)
    )
    return [
        UnsentMail(
            id=mail.id,
            organization_id=mail.organization_id,
            organization=name,
            recipient=mail.recipient,
            template=mail.template,
            created_at=mail.created_at,
            failure=mail.failure or "",
        )
        for mail, name in rows
    ]


@needs_system_scope
def send_again(mail_id: UUID, *, by: Actor, now: datetime) -> None:
    """One that has left meanwhile is left alone. Raises NotFound."""
    mail = find_fresh(MailMessage, mail_id)
    if mail is None or mail.sent_at is not None:
        raise NotFound("This email has been sent, or was deleted.")
    defer(deliver_mail, mail_id=str(mail_id))
    audit.write(mail.organization_id, "mail.sent_again", by=by, now=now, subject_id=str(mail_id))


_OF_THE_ADDRESS = re.compile(r"SMTPNotSupportedError|SMTPRecipientsRefused: .*\(5\d\d,", re.DOTALL)
"""What another try does not help against; the rest is tried again by itself, and is no business of the reader's."""


@needs_system_scope
def undelivered_to(
    emails: Collection[str], *, organization_id: UUID | None, templates: Collection[str]
) -> dict[str, str]:
    """Those of the addresses whose last such mail was refused for good, with why."""
    wires = {for_the_wire(email): email for email in emails}
    newest = (
        select(MailMessage.recipient, MailMessage.sent_at, MailMessage.failure)
        .ext(distinct_on(MailMessage.recipient))
        .where(
            MailMessage.organization_id.is_not_distinct_from(organization_id),
            MailMessage.recipient.in_(wires),
            MailMessage.template.in_(templates),
        )
        .order_by(MailMessage.recipient, MailMessage.id.desc())
    )
    return {
        wires[recipient]: failure
        for recipient, sent_at, failure in db.session.execute(newest)
        if sent_at is None and failure is not None and _OF_THE_ADDRESS.match(failure)
    }
