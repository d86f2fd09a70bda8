"""Live checks in the decision log."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select, text

from billing import usage
from core.accounts import Organization, OrganizationStatus
from core.db import db

SEAL_AFTER = timedelta(minutes=5)
"""An hour is sealed so long after its end; a spool that comes home later adds a part to it."""
FIRST_LOOK = timedelta(days=31)
"""How far the first count looks back."""

_BY_HOUR = text("""
    SELECT date_trunc('hour', decided_at, 'UTC') AS hour, count(*) AS checks
    FROM decision
    WHERE organization_id = :organization_id AND environment = 'live' AND decided_at >= :since AND decided_at < :until
    GROUP BY 1
""")
_COUNT = text("""
    SELECT count(*) FROM decision
    WHERE organization_id = :organization_id AND environment = 'live' AND decided_at >= :since AND decided_at < :until
""")


def used_in(organization_id: UUID, *, since: datetime, until: datetime) -> int:
    """Live checks from one full hour to another: what is sealed, and what was decided since."""
    sealed_until = max(since, usage.sealed_until() or since)
    sealed = usage.sealed_checks(organization_id, since=since, until=min(until, sealed_until))
    rest = {"organization_id": organization_id, "since": sealed_until, "until": until}
    return sealed + (int(db.session.execute(_COUNT, rest).scalar_one()) if sealed_until < until else 0)


def seal_hours(*, now: datetime) -> int:
    """Seals every hour that has ended, also those that were missed. How many checks. Needs the system's scope."""
    until = full_hour(now - SEAL_AFTER)
    since = usage.sealed_until() or until - FIRST_LOOK
    added = count_again(since=since, until=until, now=now)
    usage.note_progress(max(since, until))
    return added


def count_again(*, since: datetime, until: datetime, now: datetime) -> int:
    """Adds what came late to hours that are sealed. How many checks. Needs the system's scope."""
    added = 0
    organizations = select(Organization.id).where(Organization.status != OrganizationStatus.CLOSED.value)
    for organization_id in db.session.scalars(organizations).all():
        span = {"organization_id": organization_id, "since": since, "until": until}
        counted = {row.hour: int(row.checks) for row in db.session.execute(_BY_HOUR, span)}
        added += usage.seal(organization_id, counted, now=now)
    return added


def count_open_hour(organization_id: UUID, *, now: datetime) -> int:
    """Seals what an organization has used of the open hour, and of the one before, which may not be sealed
    yet. Needs the system's scope."""
    span = {"organization_id": organization_id, "since": full_hour(now) - timedelta(hours=1), "until": now}
    counted = {row.hour: int(row.checks) for row in db.session.execute(_BY_HOUR, span)}
    return usage.seal(organization_id, counted, now=now)


def full_hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)
