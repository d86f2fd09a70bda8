"""Mails about money. Each is sent once for what it is about, whoever causes it and however often."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert

from billing.models import BillingAccount, BillingEmail
from core.accounts import Organization
from core.db import db
from core.mail import send_mail
from core.members import Role, emails_of, emails_of_operators
from core.scope import needs_system_scope


@needs_system_scope
def send_once(template: str, organization: Organization, *, about: str, now: datetime, **words: Any) -> bool:
    """To owners and whoever is in charge of billing. Whether it was sent now."""
    return _once(template, organization, recipients(organization.id), about=about, now=now, **words)


def dun_once(template: str, organization: Organization, *, about: str, now: datetime, **words: Any) -> bool:
    """As `send_once`, and to the address for invoices too: whoever pays there may be none of the members."""
    account = db.session.get(BillingAccount, organization.id)
    extra = account.billing_email if account is not None else None
    emails = list(dict.fromkeys([*recipients(organization.id), *([extra] if extra else [])]))
    return _once(template, organization, emails, about=about, now=now, **words)


def alert_once(template: str, organization: Organization, *, about: str, now: datetime, **words: Any) -> bool:
    """As `send_once`, to our operators."""
    return _once(template, organization, emails_of_operators(), about=about, now=now, **words)


def recipients(organization_id: UUID) -> list[str]:
    return emails_of(organization_id, {Role.OWNER, Role.BILLING})


def _once(
    template: str, organization: Organization, emails: Sequence[str], *, about: str, now: datetime, **words: Any
) -> bool:
    row = insert(BillingEmail).values(organization_id=organization.id, template=template, about=about, sent_at=now)
    if db.session.execute(row.on_conflict_do_nothing().returning(BillingEmail.template)).first() is None:
        return False
    for email in emails:
        context = {"organization": organization.name, "organization_id": organization.id, "about": about, **words}
        send_mail(template, to=email, organization_id=organization.id, now=now, context=context)
    return True
