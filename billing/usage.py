"""Live checks by the hour. Sealed hours are never changed: what comes late is added as a further part of its hour."""

from collections.abc import Collection, Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert

from billing.models import UsageHour, UsageProgress
from core.db import db
from core.scope import needs_system_scope

_ONLY = 1

_SEALED_SINCE = text("""
    SELECT usage_hour.organization_id, sum(checks) AS checks
    FROM usage_hour, unnest(CAST(:ids AS uuid[]), CAST(:begins AS timestamptz[])) AS month (organization_id, since)
    WHERE usage_hour.organization_id = month.organization_id AND hour >= month.since AND hour < :until
    GROUP BY 1
""")


def sealed_until() -> datetime | None:
    """Every hour before is sealed; None if nothing was counted yet."""
    return db.session.scalar(select(UsageProgress.sealed_until))


@needs_system_scope
def note_progress(until: datetime) -> None:
    row = insert(UsageProgress).values(id=_ONLY, sealed_until=until)
    db.session.execute(row.on_conflict_do_update(index_elements=["id"], set_={"sealed_until": until}))


def seal(organization_id: UUID, counted: Mapping[datetime, int], *, now: datetime) -> int:
    """Puts on record what was counted in each hour beyond what is sealed. How many checks were added.

    Fewer than before, since decisions are deleted in time, change nothing.
    """
    return seal_each({organization_id: counted}, now=now)


def seal_each(counted: Mapping[UUID, Mapping[datetime, int]], *, now: datetime) -> int:
    """The same for many organizations at once, in one query and one insert."""
    hours = {hour for of_one in counted.values() for hour in of_one}
    if not hours:
        return 0
    sealed = _sealed_by_hour(counted, min(hours), max(hours))
    parts: list[dict[str, object]] = []
    added = 0
    for organization_id, of_one in counted.items():
        for hour, checks in of_one.items():
            before, part = sealed.get((organization_id, hour), (0, 0))
            if checks > before:
                more = {"part": part + 1, "checks": checks - before, "sealed_at": now}
                parts.append({"organization_id": organization_id, "hour": hour, **more})
                added += checks - before
    if parts:
        db.session.execute(insert(UsageHour), parts)
    return added


def _sealed_by_hour(
    organization_ids: Collection[UUID], first: datetime, last: datetime
) -> dict[tuple[UUID, datetime], tuple[int, int]]:
    """How many checks, and the number of the last part."""
    rows = db.session.execute(
        select(UsageHour.organization_id, UsageHour.hour, func.sum(UsageHour.checks), func.max(UsageHour.part))
        .where(UsageHour.organization_id.in_(list(organization_ids)), UsageHour.hour >= first, UsageHour.hour <= last)
        .group_by(UsageHour.organization_id, UsageHour.hour)
    )
    return {(organization_id, hour): (int(checks), part) for organization_id, hour, checks, part in rows}


@needs_system_scope
def sealed_of_each_since(begins: Mapping[UUID, datetime], *, until: datetime) -> dict[UUID, int]:
    """From a full hour of each one's own, without those that have none. One query."""
    span = {"ids": list(begins), "begins": list(begins.values()), "until": until}
    return {row.organization_id: int(row.checks) for row in db.session.execute(_SEALED_SINCE, span)}


def sealed_checks(organization_id: UUID, *, since: datetime, until: datetime) -> int:
    """Both at full hours."""
    total = db.session.scalar(
        select(func.sum(UsageHour.checks)).where(
            UsageHour.organization_id == organization_id, UsageHour.hour >= since, UsageHour.hour < until
        )
    )
    return int(total or 0)
