"""What a day's probes add up to, by the minute, whichever sources probed in it. Needs the system's scope."""

from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert

from core.db import db
from core.scope import needs_system_scope
from portal.status.detection import SLOW_AFTER_S
from portal.status.models import AvailabilityDay
from portal.status.states import Component

_COUNT_AGAIN = text("""
    UPDATE status_day SET probes = counted.probes, failures = counted.failures, excused = counted.excused,
        slow = counted.slow
    FROM (
        SELECT count(*) AS probes, count(*) FILTER (WHERE NOT is_ok) AS failures,
               count(*) FILTER (WHERE NOT is_ok AND is_excused) AS excused,
               count(*) FILTER (WHERE is_ok AND seconds > :slow_after) AS slow
        FROM (
            SELECT bool_and(is_ok) AS is_ok, bool_and(is_ok OR is_excused) AS is_excused, max(seconds) AS seconds
            FROM status_probe
            WHERE component = :component AND probed_at >= :day AT TIME ZONE 'UTC'
              AND probed_at < (CAST(:day AS timestamp) + interval '1 day') AT TIME ZONE 'UTC'
            GROUP BY date_trunc('minute', probed_at, 'UTC')
        ) AS minutes
    ) AS counted
    WHERE status_day.component = :component AND status_day.day = CAST(:day AS date)
""")


@needs_system_scope
def lock(component: Component, moment: datetime) -> None:
    """Before a probe is added to its day: two sources that add at once count one after the other."""
    key = {"component": component.value, "day": _day(moment)}
    nothing = dict.fromkeys(("probes", "failures", "excused", "slow"), 0)
    db.session.execute(insert(AvailabilityDay).values(**key, **nothing).on_conflict_do_nothing())
    db.session.execute(select(AvailabilityDay.day).filter_by(**key).with_for_update())


@needs_system_scope
def count_again(component: Component, moment: datetime) -> None:
    values: dict[str, Any] = {
        "component": component.value,
        "day": datetime.combine(_day(moment), datetime.min.time()),
        "slow_after": SLOW_AFTER_S[component],
    }
    db.session.execute(_COUNT_AGAIN, values)


def _day(moment: datetime) -> date:
    return moment.astimezone(UTC).date()
