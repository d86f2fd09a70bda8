"""Whether the store says what PostgreSQL says: decisions of each organization and day, counted in both."""

from collections import Counter
from datetime import date, datetime, timedelta
from uuid import UUID

import msgspec
from sqlalchemy import func, select, text

from api.analytics import erasing
from api.analytics.models import AnalyticsCursor, AnalyticsErasure
from api.analytics.store import Store
from core.db import db
from core.scope import needs_system_scope

_IN_POSTGRES = text("""
    SELECT organization_id, CAST(decided_at AT TIME ZONE 'UTC' AS date) AS day, count(*) AS decisions FROM decision
    WHERE coalesce(recorded_number, 0) <= :through GROUP BY 1, 2
""")
_IN_STORE = """
    SELECT organization_id, toDate(decided_at) AS day, count() AS decisions FROM {table} FINAL
    WHERE recorded_number <= {{through:UInt64}} GROUP BY 1, 2
"""

Counts = Counter[tuple[UUID, date]]


class Difference(msgspec.Struct, frozen=True):
    organization_id: UUID
    day: date
    in_postgresql: int
    in_store: int


class Report(msgspec.Struct, frozen=True):
    decisions: int
    """In PostgreSQL, of those that the store should have."""
    differences: list[Difference]
    erasures_waiting: int
    erasures_overdue: int
    behind: timedelta | None
    """How long ago it had everything; None if it never had."""

    @property
    def is_fine(self) -> bool:
        return not self.differences and not self.erasures_overdue and self.behind is not None


@needs_system_scope
def check(store: Store, *, now: datetime) -> Report | None:
    """None if there never was a store. Raises StoreAway.

    Where an erasure is on its way the counts differ by right, so such organizations are left out.
    """
    cursor = db.session.scalar(select(AnalyticsCursor), execution_options={"populate_existing": True})
    if cursor is None:
        return None
    in_postgresql = _counts_of_log(cursor.recorded_through if cursor.unnumbered_after is None else -1)
    in_store = _counts_of_store(store, cursor)
    erasing_now = set(db.session.scalars(select(AnalyticsErasure.organization_id).distinct()))
    waiting = db.session.scalar(select(func.count()).select_from(AnalyticsErasure)) or 0
    return Report(
        decisions=in_postgresql.total(),
        differences=[
            Difference(*which, in_postgresql[which], in_store[which])
            for which in sorted(in_postgresql.keys() | in_store.keys())
            if in_postgresql[which] != in_store[which] and which[0] not in erasing_now
        ],
        erasures_waiting=waiting,
        erasures_overdue=erasing.overdue(now=now),
        behind=now - cursor.complete_at if cursor.complete_at else None,
    )


def _counts_of_log(through: int) -> Counts:
    found = db.session.execute(_IN_POSTGRES, {"through": through})
    return Counter({(row.organization_id, row.day): int(row.decisions) for row in found})


def _counts_of_store(store: Store, cursor: AnalyticsCursor) -> Counts:
    if cursor.unnumbered_after is not None:
        return Counter()
    found = store.rows(_IN_STORE.format(table=cursor.table_name), through=cursor.recorded_through)
    return Counter({(UUID(of), date.fromisoformat(day)): int(count) for of, day, count in found})
