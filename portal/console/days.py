"""Days that operators choose."""

from datetime import UTC, date, datetime, time

from core.clock import utc_now
from core.errors import InvalidRequest


def end_of(day: date | None) -> datetime | None:
    """The last moment of a day, in UTC. Raises InvalidRequest for a day that has passed."""
    if day is None:
        return None
    if day < utc_now().date():
        raise InvalidRequest("Choose a date in the future.")
    return datetime.combine(day, time(23, 59, 59), tzinfo=UTC)
