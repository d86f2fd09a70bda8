"""Months as people count them: from a day to the same day of another month."""

from datetime import datetime, timedelta


def months_later(moment: datetime, months: int) -> datetime:
    """The same day so many months later, or the last day of a shorter month."""
    year, month = divmod(moment.month - 1 + months, 12)
    first = moment.replace(year=moment.year + year, month=month + 1, day=1)
    following = (first + timedelta(days=32)).replace(day=1)
    return first.replace(day=min(moment.day, (following - timedelta(days=1)).day))


def month_around(moment: datetime, *, anchor: datetime) -> tuple[datetime, datetime]:
    """The month, counted from `anchor`, that holds `moment`: its first moment, and the first after it."""
    passed = (moment.year - anchor.year) * 12 + moment.month - anchor.month
    if months_later(anchor, passed) > moment:
        passed -= 1
    return months_later(anchor, passed), months_later(anchor, passed + 1)
