"""Live checks by the hour. Sealed hours are never changed: what comes late is added as a further part of its hour."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from billing.models import UsageHour, UsageProgress
from core.db import db

_ONLY = 1


def sealed_until() -> datetime | None:
    """Every hour before is sealed; None if nothing was counted yet."""
    return db.session.scalar(select(UsageProgress.sealed_until))


def note_progress(until: datetime) -> None:
    """Needs the system's scope, as all that writes here."""
    row = insert(UsageProgress).values(id=_ONLY, sealed_until=until)
    db.session.execute(row.on_conflict_do_update(index_elements=["id"], set_={"sealed_until": until}))


def seal(organization_id: UUID, counted: Mapping[datetime, int], *, now: datetime) -> int:
    """Puts on record what was counted in each hour beyond what is sealed. How many checks were added.

    Fewer than before, since decisions are deleted in time, change nothing.
    """
    if not counted:
        return 0
    rows = db.session.execute(
        select(UsageHour.hour, func.sum(UsageHour.checks), func.max(UsageHour.part))
        .where(UsageHour.organization_id == organization_id, UsageHour.hour.in_(list(counted)))
        .group_by(UsageHour.hour)
    )
    sealed = {hour: (checks, part) for hour, checks, part in rows}
    added = 0
    for hour, checks in counted.items():
        before, part = sealed.get(hour, (0, 0))
        if checks > before:
            db.session.add(
                UsageHour(
                    organization_id=organization_id, hour=hour, part=part + 1, checks=checks - before, sealed_at=now
                )
            )
            added += checks - before
    db.session.flush()
    return added


def sealed_checks(organization_id: UUID, *, since: datetime, until: datetime) -> int:
    """Both at full hours."""
    total = db.session.scalar(
        select(func.sum(UsageHour.checks)).where(
            UsageHour.organization_id == organization_id, UsageHour.hour >= since, UsageHour.hour < until
        )
    )
    return int(total or 0)
