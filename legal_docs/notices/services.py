"""Writing to everybody in an organization who should know, and finding out when the mail left.

Mail is the system's to read, so everything here needs the system's scope.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select

from core.accounts import Organization, OrganizationStatus
from core.db import db
from core.ids import new_uuid
from core.mail import MailMessage, proves_something, send_mail
from core.members import Role, emails_of
from core.profiles import find_profile
from legal_docs.notices.models import LegalNotice


def recipients(organization_id: UUID) -> list[str]:
    """Owners who can sign in, and the contacts of the profile; each address once, in lower case."""
    owners = emails_of(organization_id, {Role.OWNER})
    profile = find_profile(organization_id)
    contacts = (profile.contact_email, profile.second_contact_email) if profile else ()
    return list(dict.fromkeys(address.strip().lower() for address in [*owners, *contacts] if address))


def write_to_all(organization_id: UUID, template: str, *, context: Mapping[str, Any], now: datetime) -> list[UUID]:
    """The ids of the mails; none if nobody is known."""
    return [
        send_mail(template, to=address, now=now, context=context, organization_id=organization_id)
        for address in recipients(organization_id)
    ]


@proves_something
def mails_of_notices() -> Select[Any]:
    return select(func.unnest(func.array_cat(LegalNotice.first_mail_ids, LegalNotice.second_mail_ids)))


def first_sent_at(mail_ids: Sequence[UUID] | None) -> datetime | None:
    """When the first of these mails was taken by the mail server; None while none was."""
    if not mail_ids:
        return None
    return db.session.scalar(select(func.min(MailMessage.sent_at)).where(MailMessage.id.in_(mail_ids)))


def give(
    organization_id: UUID,
    template: str,
    *,
    context: Mapping[str, Any],
    now: datetime,
    version_id: UUID | None = None,
    change_id: UUID | None = None,
) -> LegalNotice | None:
    """Writes the first notice and keeps a record of it; None if there is nobody to write to yet."""
    mail_ids = write_to_all(organization_id, template, context=context, now=now)
    if not mail_ids:
        return None
    notice = LegalNotice(
        id=new_uuid(),
        organization_id=organization_id,
        version_id=version_id,
        change_id=change_id,
        created_at=now,
        first_mail_ids=mail_ids,
    )
    db.session.add(notice)
    db.session.flush()
    return notice


def find(organization_id: UUID, *, version_id: UUID | None = None, change_id: UUID | None = None) -> LegalNotice | None:
    """Works in the organization's scope too."""
    return db.session.scalar(
        select(LegalNotice).where(
            LegalNotice.organization_id == organization_id,
            LegalNotice.version_id == version_id if version_id else LegalNotice.change_id == change_id,
        )
    )


def open_organizations() -> list[UUID]:
    """Every organization that is not closed."""
    return list(
        db.session.scalars(
            select(Organization.id)
            .where(Organization.status != OrganizationStatus.CLOSED.value)
            .order_by(Organization.id)
        )
    )
