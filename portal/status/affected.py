"""Whether an incident reached one organization: from its own decision log, beside the same hours a week earlier.

What the log holds was answered and is certain. Requests that failed or were refused are counted by the hour. What never
reached us is not counted anywhere, so nothing is said about it but that.
"""

from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from sqlalchemy import text

from api.usage import availability
from api.usage.availability import RequestTotals
from api.usage.counts import full_hour
from core.accounts import Organization
from core.db import db
from legal_docs import figures
from portal.status.models import Incident
from portal.status.probes import SLUG

A_WEEK = timedelta(days=7)
ENOUGH_TO_COMPARE = 20
"""With fewer checks a week earlier a drop says nothing."""
A_DROP = 0.5
SLOW_MS = figures.LATENCY_MS

_COUNT = text("""
    SELECT count(*) AS checks, count(*) FILTER (WHERE NOT allowed) AS blocked,
           count(*) FILTER (WHERE latency_us > :slow_us) AS slow,
           percentile_disc(0.95) WITHIN GROUP (ORDER BY latency_us) / 1000 AS p95_ms,
           count(DISTINCT date_trunc('minute', decided_at)) AS minutes
    FROM decision WHERE organization_id = :organization_id AND decided_at >= :since AND decided_at < :until
""")

_ORGANIZATIONS = text("""
    SELECT count(DISTINCT organization_id) FILTER (WHERE decided_at >= :since AND decided_at < :until) AS during,
           count(DISTINCT organization_id) FILTER (WHERE decided_at < CAST(:until AS timestamptz) - :earlier) AS before
    FROM decision
    WHERE (decided_at >= :since AND decided_at < :until
           OR decided_at >= CAST(:since AS timestamptz) - :earlier
              AND decided_at < CAST(:until AS timestamptz) - :earlier)
      AND organization_id NOT IN (SELECT id FROM organization WHERE slug = :ours)
""")


class Numbers(msgspec.Struct, frozen=True):
    """Of the decision log, in one stretch of time."""

    checks: int
    blocked: int
    slow: int
    """Answers that took longer than we aim for, measured in our service."""
    p95_ms: int | None
    minutes: int
    """In which at least one check was answered."""


class Affected(msgspec.Struct, frozen=True):
    since: datetime
    until: datetime
    during: Numbers | None
    """None where the log of that time is deleted already, by the organization's own retention."""
    before: Numbers | None
    """The same hours a week earlier."""
    requests: RequestTotals
    """Of the whole hours that this time touches."""

    @property
    def findings(self) -> list[str]:
        """In sentences; none if the log shows nothing unusual."""
        failed = (
            [f"{self.requests.failed:,} of your requests failed because of an error on our side in these hours."]
            if self.requests.failed
            else []
        )
        return [*failed, *(_findings(self.during, self.before) if self.during else [])]


def of_incident(incident: Incident, organization_id: UUID, *, now: datetime) -> Affected:
    """Runs in the organization's scope."""
    since, until = incident.began_at, incident.resolved_at or now
    kept = db.session.get_one(Organization, organization_id).retention_days
    oldest = now - timedelta(days=kept)
    earlier = since - A_WEEK
    return Affected(
        since,
        until,
        _numbers(organization_id, since, until) if since >= oldest else None,
        _numbers(organization_id, earlier, until - A_WEEK) if earlier >= oldest else None,
        availability.totals(organization_id, since=full_hour(since), until=until),
    )


def organizations_with_checks(incident: Incident, *, now: datetime) -> tuple[int, int]:
    """How many customers had checks answered since it began, and in the same hours a week earlier. System's scope."""
    span = {"since": incident.began_at, "until": incident.resolved_at or now, "earlier": A_WEEK, "ours": SLUG}
    row = db.session.execute(_ORGANIZATIONS, span).one()
    return row.during, row.before


def _numbers(organization_id: UUID, since: datetime, until: datetime) -> Numbers:
    span = {"organization_id": organization_id, "since": since, "until": until, "slow_us": SLOW_MS * 1000}
    row = db.session.execute(_COUNT, span).one()
    return Numbers(row.checks, row.blocked, row.slow, row.p95_ms, row.minutes)


def _findings(during: Numbers, before: Numbers | None) -> list[str]:
    found = []
    if before and before.checks >= ENOUGH_TO_COMPARE and during.checks < before.checks * A_DROP:
        found.append(
            f"Fewer of your checks were answered than in the same hours a week earlier: "
            f"{during.checks:,} instead of {before.checks:,}."
        )
    if during.slow:
        found.append(f"{during.slow:,} of your checks took longer than {SLOW_MS} ms.")
    return found
