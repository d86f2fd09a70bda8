"""Writing to everybody in an organization who should know, and finding out when the mail left.

Mail is the system's to read, so everything here needs the system's scope.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select

from core.accounts import Organization, OrganizationStatus
from core.db import among, db
from core.ids import new_uuid
from core.mail import MailMessage, send_mail
from core.mail_records import proves_something
from core.members import Role, emails_of_each
from core.profiles import find_profiles
from core.scope import needs_system_scope
from legal_docs.notices.models import LegalNotice

AT_ONCE = 200
"""So many organizations are written to in one transaction."""


def recipients(organization_id: UUID) -> list[str]:
    """Owners who can sign in, and the contacts of the profile; each address once, in lower case."""
    return recipients_of_each([organization_id])[organization_id]


def recipients_of_each(organization_ids: Collection[UUID]) -> dict[UUID, list[str]]:
    """The same of many, also of those where nobody is known. Two queries."""
    owners = emails_of_each(organization_ids, {Role.OWNER})
    contacts = {profile.organization_id: profile.contacts for profile in find_profiles(organization_ids)}
    return {
        one: list(dict.fromkeys(found.strip().lower() for found in [*owners.get(one, ()), *contacts.get(one, ())]))
        for one in organization_ids
    }


def write_to_all(organization_id: UUID, template: str, *, context: Mapping[str, Any], now: datetime) -> list[UUID]:
    """The ids of the mails; none if nobody is known."""
    return _write_to(organization_id, recipients(organization_id), template, context=context, now=now)


def _write_to(
    organization_id: UUID, emails: Iterable[str], template: str, *, context: Mapping[str, Any], now: datetime
) -> list[UUID]:
    return [
        send_mail(template, to=email, now=now, context=context, organization_id=organization_id, is_bulk=True)
        for email in emails
    ]


@proves_something
def mails_of_notices() -> Select[Any]:
    return select(func.unnest(func.array_cat(LegalNotice.first_mail_ids, LegalNotice.second_mail_ids)))


@needs_system_scope
def sent_at_of_each(notices: Collection[LegalNotice]) -> dict[UUID, datetime]:
    """When the mails of these notices were taken by the mail server, of those that were. One query."""
    mail_ids = [one for notice in notices for one in (*notice.first_mail_ids, *(notice.second_mail_ids or ()))]
    query = select(MailMessage.id, MailMessage.sent_at)
    found = db.session.execute(query.where(among(MailMessage.id, mail_ids), MailMessage.sent_at.is_not(None)))
    return {mail_id: at for mail_id, at in found if at is not None}


def first_sent_at(mail_ids: Sequence[UUID] | None, sent: Mapping[UUID, datetime]) -> datetime | None:
    """When the first of these mails left; None while none did."""
    return min((sent[one] for one in mail_ids or () if one in sent), default=None)


@needs_system_scope
def give_each(
    organization_ids: Sequence[UUID],
    template: str,
    *,
    context: Mapping[str, Any],
    now: datetime,
    version_id: UUID | None = None,
    change_id: UUID | None = None,
) -> list[LegalNotice]:
    """Writes the first notice to as many as one transaction should hold, and keeps a record of each.

    Those with nobody to write to yet are left out. Fewer than `AT_ONCE` means that all were told.
    """
    emails = recipients_of_each(organization_ids)
    reachable = [one for one in organization_ids if emails[one]]
    notices = [
        LegalNotice(
            id=new_uuid(),
            organization_id=one,
            version_id=version_id,
            change_id=change_id,
            created_at=now,
            first_mail_ids=_write_to(one, emails[one], template, context=context, now=now),
        )
        for one in reachable[:AT_ONCE]
    ]
    db.session.add_all(notices)
    db.session.flush()
    return notices


def find(organization_id: UUID, *, version_id: UUID | None = None, change_id: UUID | None = None) -> LegalNotice | None:
    """Works in the organization's scope too."""
    return db.session.scalar(
        select(LegalNotice).where(
            LegalNotice.organization_id == organization_id,
            LegalNotice.version_id == version_id if version_id else LegalNotice.change_id == change_id,
        )
    )


@needs_system_scope
def open_organizations() -> list[UUID]:
    """Every organization that is not closed."""
    return list(
        db.session.scalars(
            select(Organization.id)
            .where(Organization.status != OrganizationStatus.CLOSED.value)
            .order_by(Organization.id)
        )
    )
