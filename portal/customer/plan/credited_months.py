"""Service credits: the availability of a whole month, in UTC, against what the plans promise."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec
from sqlalchemy import select

from api.usage import availability
from api.usage.availability import RequestTotals
from billing.service_credits import InvoiceCredit, credits_on_invoices, with_invoices
from core.accounts import Organization
from core.calendar import months_later
from core.db import among, db
from core.scope import needs_system_scope
from core.service_levels import CREDIT_WITHIN_DAYS, SERVICE_CREDITS, credit_percent


class CreditedMonth(msgspec.Struct, frozen=True):
    """A month of one organization that missed the promise while it paid."""

    organization_id: UUID
    organization: str
    since: datetime
    requests: RequestTotals
    percent: int
    invoices: Sequence[InvoiceCredit]

    @property
    def is_due(self) -> bool:
        return any(invoice.due_minor for invoice in self.invoices)

    @property
    def refund_by(self) -> datetime:
        return months_later(self.since, 1) + timedelta(days=CREDIT_WITHIN_DAYS)


def last_month(organization: Organization, *, now: datetime) -> CreditedMonth | None:
    """None where nothing is owed."""
    since, until = _last_month(now)
    requests = availability.totals(organization.id, since=since, until=until, environment="live")
    percent = credit_percent(SERVICE_CREDITS, valid=requests.valid, answered=requests.answered)
    if not percent:
        return None
    invoices = credits_on_invoices(organization.id, percent=percent, since=since, until=until)
    if not invoices:
        return None
    return CreditedMonth(organization.id, organization.name, since, requests, percent, invoices)


@needs_system_scope
def due(*, now: datetime) -> list[CreditedMonth]:
    """Of all organizations, what is still to be refunded for the last month.

    Those alone are looked at that had an invoice and a failure in it.
    """
    since, until = _last_month(now)
    failed = availability.with_failures(with_invoices(since=since, until=until), since=since, until=until)
    query = select(Organization).where(among(Organization.id, failed)).order_by(Organization.name)
    found = (last_month(organization, now=now) for organization in db.session.scalars(query))
    return [one for one in found if one is not None and one.is_due]


def _last_month(now: datetime) -> tuple[datetime, datetime]:
    until = now.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return months_later(until, -1), until
