"""How dates, times, durations, numbers and percentages are written, once for pages, emails and errors."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from math import ceil
from typing import Any

import babel.dates
import babel.numbers

_LOCALE = "en"
_STYLES = {
    "": "d MMM y, HH:mm 'UTC'",
    "date": "d MMM y",
    "day": "d MMM y",
    "month": "MMMM y",
    "precise": "d MMM y, HH:mm:ss 'UTC'",
}
_MINUTE_S = 60
_JUST_NOW = timedelta(minutes=1)


def iso(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")


def utc(moment: datetime, style: str = "") -> str:
    """A moment for people, in UTC; scripts show it in the reader's own zone."""
    return babel.dates.format_datetime(moment, _STYLES[style], locale=_LOCALE)


def day(value: date) -> str:
    """A day of the calendar, which has no zone."""
    return str(babel.dates.format_date(value, _STYLES["day"], locale=_LOCALE))


def ago(moment: datetime, *, now: datetime) -> str:
    """Such as `5 minutes ago`, `just now` or `in 3 days`."""
    distance = moment - now
    if abs(distance) < _JUST_NOW:
        return "just now"
    return babel.dates.format_timedelta(distance, add_direction=True, threshold=1, locale=_LOCALE)


def duration(seconds: float) -> str:
    """Such as `3.2 ms`, `1 second` or `5 minutes`, rounded up to what people count in."""
    if seconds < 1:
        return f"{seconds * 1000:.1f} ms"
    if seconds < 2 * _MINUTE_S:
        whole = ceil(seconds)
        return f"{whole} second{'' if whole == 1 else 's'}"
    return f"{ceil(seconds / _MINUTE_S)} minutes"


def counted(count: int, noun: str) -> str:
    """Such as `1 member` or `2,000 members`; the noun is one whose plural ends in s."""
    return f"{number(count)} {noun}{'' if count == 1 else 's'}"


def first_of(names: Sequence[str], most: int) -> str:
    """The first of many, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def number(value: Any) -> str:
    return str(babel.numbers.format_decimal(value, locale=_LOCALE))


def percent(share: float, digits: int = 1) -> str:
    """A share of one, such as `12.5%`, with at most so many digits after the point."""
    return str(babel.numbers.format_percent(share, f"#,##0.{'#' * digits}%", locale=_LOCALE))
