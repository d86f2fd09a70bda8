"""What an organization uses of its plan."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec

from api.usage import availability, counts
from api.usage.availability import RequestTotals
from billing import quotas
from billing.access import EffectiveAccess
from billing.models import UsageHour
from core.accounts import Organization


class Usage(msgspec.Struct, frozen=True):
    """Live checks of the month around now; `limit` is None where there is none."""

    used: int
    limit: int | None
    since: datetime
    until: datetime

    @property
    def percent(self) -> int:
        return min(100, self.used * 100 // self.limit) if self.limit else 0


def usage_of(organization: Organization, access: EffectiveAccess, *, now: datetime) -> Usage:
    quota = quotas.quota_of(organization, access, now=now)
    since, until = (quota.since, quota.until) if quota else quotas.month_of(organization, now=now)
    used = counts.used_in(organization.id, since=since, until=until)
    return Usage(used, access.limits.checks_a_month, since, until)


def requests_this_month(organization_id: UUID, *, now: datetime) -> RequestTotals:
    """Live requests of the calendar month, in UTC: whose share that was answered the Terms speak of."""
    since = now.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return availability.totals(organization_id, since=since, until=now, environment="live")


PROOF = ("hour", "part", "checks", "identifier", "sealed_at", "sent_at")


def proof_of(part: UsageHour) -> dict[str, Any]:
    """A line of the file that lets anybody check an invoice against the decision log."""
    return {name: getattr(part, name) for name in PROOF}
