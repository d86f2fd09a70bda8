"""Requests by day: sums of the hours, so that a month of all organizations is few rows. Made anew by the clock.

The hours are the truth. A process that could not reach the database writes its hours late; days are counted again for
as long as that may be.
"""

from datetime import UTC, datetime, time, timedelta

from sqlalchemy import delete, func, select, text

from api.usage.models import RequestDay, RequestHour
from api.usage.request_counts import BUCKETS_MS
from core.db import db
from core.scope import needs_system_scope

LATE = timedelta(days=3)
_ONE_DAY = timedelta(days=1)
_LATENCIES = ", ".join(f"sum(latencies[{place}])" for place in range(1, len(BUCKETS_MS) + 2))
_COUNT = text(f"""
    INSERT INTO request_day (id, organization_id, environment, day, answered, refused, failed, slow, latencies)
    SELECT gen_random_uuid(), organization_id, environment, CAST(hour AT TIME ZONE 'UTC' AS date),
           sum(answered), sum(refused), sum(failed), sum(slow), ARRAY[{_LATENCIES}]
    FROM request_hour WHERE hour >= :since AND hour < :until GROUP BY 2, 3, 4
""")  # noqa: S608  our own words


@needs_system_scope
def count(*, now: datetime) -> None:
    """Every day that is over: those that were never counted, and the last ones again. Only one does so at a time."""
    db.session.execute(text("SELECT pg_advisory_xact_lock(hashtext('request_day'))"))
    counted = counted_until()
    first = counted - LATE if counted else db.session.scalar(select(func.min(RequestHour.hour)))
    if first is None:
        return
    since = midnight(first)
    db.session.execute(delete(RequestDay).where(RequestDay.day >= since.date()))
    db.session.execute(_COUNT, {"since": since, "until": midnight(now)})


def counted_until() -> datetime | None:
    """Every day before is counted, of everybody."""
    last = db.session.scalar(select(func.max(RequestDay.day)))
    return datetime.combine(last, time(), tzinfo=UTC) + _ONE_DAY if last else None


def midnight(moment: datetime) -> datetime:
    """The one that the day of `moment` began with, in UTC."""
    return moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
