"""Live checks in the decision log."""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import text

from billing import usage
from core.db import db
from core.scope import needs_system_scope

SEAL_AFTER = timedelta(minutes=5)
"""An hour is sealed so long after its end; a spool that comes home later adds a part to it."""
FIRST_LOOK = timedelta(days=31)
"""How far the first count looks back."""

_BY_HOUR = text("""
    SELECT organization_id, date_trunc('hour', decided_at, 'UTC') AS hour, count(*) AS checks
    FROM decision
    WHERE environment = 'live' AND decided_at >= :since AND decided_at < :until
        AND organization_id IN (SELECT id FROM organization WHERE status <> 'closed')
        AND (CAST(:organization_ids AS uuid[]) IS NULL OR organization_id = ANY(:organization_ids))
    GROUP BY 1, 2
""")
_COUNT = text("""
    SELECT count(*) FROM decision
    WHERE organization_id = :organization_id AND environment = 'live' AND decided_at >= :since AND decided_at < :until
""")
_COUNT_EACH_SINCE = text("""
    SELECT decision.organization_id, count(*) AS checks
    FROM decision, unnest(CAST(:ids AS uuid[]), CAST(:begins AS timestamptz[])) AS month (organization_id, since)
    WHERE decision.organization_id = month.organization_id AND environment = 'live'
        AND decided_at >= month.since AND decided_at >= :first
    GROUP BY 1
""")


def used_since(begins: Mapping[UUID, datetime]) -> Counter[UUID]:
    """What each has used since a full hour of its own. Three queries, however many are asked for."""
    if not begins:
        return Counter()
    sealed_until = usage.sealed_until() or min(begins.values())
    used = Counter(usage.sealed_of_each_since(begins, until=sealed_until))
    rest = {one: max(since, sealed_until) for one, since in begins.items()}
    span = {"ids": list(rest), "begins": list(rest.values()), "first": min(rest.values())}
    used.update({row.organization_id: int(row.checks) for row in db.session.execute(_COUNT_EACH_SINCE, span)})
    return used


def used_in(organization_id: UUID, *, since: datetime, until: datetime) -> int:
    """Live checks from one full hour to another: what is sealed, and what was decided since."""
    sealed_until = max(since, usage.sealed_until() or since)
    sealed = usage.sealed_checks(organization_id, since=since, until=min(until, sealed_until))
    rest = {"organization_id": organization_id, "since": sealed_until, "until": until}
    return sealed + (int(db.session.execute(_COUNT, rest).scalar_one()) if sealed_until < until else 0)


@needs_system_scope
def seal_hours(*, now: datetime) -> int:
    """Seals every hour that has ended, also those that were missed. How many checks."""
    until = full_hour(now - SEAL_AFTER)
    since = usage.sealed_until() or until - FIRST_LOOK
    added = count_again(since=since, until=until, now=now)
    usage.note_progress(max(since, until))
    return added


@needs_system_scope
def count_again(*, since: datetime, until: datetime, now: datetime) -> int:
    """Adds what came late to hours that are sealed. How many checks."""
    return usage.seal_each(_by_hour(None, since=since, until=until), now=now)


@needs_system_scope
def count_open_hour(organization_ids: Collection[UUID], *, now: datetime) -> int:
    """Seals what these organizations have used of the open hour, and of the one before, which may not be sealed
    yet."""
    counted = _by_hour(organization_ids, since=full_hour(now) - timedelta(hours=1), until=now)
    return usage.seal_each(counted, now=now)


def _by_hour(
    organization_ids: Collection[UUID] | None, *, since: datetime, until: datetime
) -> dict[UUID, dict[datetime, int]]:
    """Of these organizations, or of all; of each that had any."""
    among = None if organization_ids is None else list(organization_ids)
    span = {"organization_ids": among, "since": since, "until": until}
    counted: dict[UUID, dict[datetime, int]] = defaultdict(dict)
    for row in db.session.execute(_BY_HOUR, span):
        counted[row.organization_id][row.hour] = int(row.checks)
    return counted


def full_hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)
