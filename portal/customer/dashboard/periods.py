"""Stretches of time that the dashboard looks at."""

from datetime import UTC, datetime, timedelta

import msgspec


class Period(msgspec.Struct, frozen=True):
    """How it is called, how long it is, and into which slots it is cut."""

    words: str
    length: timedelta
    step: timedelta
    style: str


PERIODS = {
    "day": Period("24 hours", timedelta(hours=24), timedelta(hours=1), ""),
    "week": Period("7 days", timedelta(days=7), timedelta(hours=6), ""),
    "month": Period("30 days", timedelta(days=30), timedelta(days=1), "date"),
}


class Bounds(msgspec.Struct, frozen=True):
    since: datetime
    to: datetime

    @property
    def before(self) -> "Bounds":
        """The same length just before."""
        return Bounds(self.since - (self.to - self.since), self.since)

    @property
    def as_filter(self) -> dict[str, str]:
        """As the decision log's address has it."""
        return {
            name: f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M}" for name, moment in (("from", self.since), ("to", self.to))
        }


def bounds_of(period: Period, *, now: datetime) -> Bounds:
    """Whole slots, the last of which is under way."""
    step_s = period.step.total_seconds()
    ends_s = (int(now.timestamp() // step_s) + 1) * step_s
    to = datetime.fromtimestamp(ends_s, tz=now.tzinfo)
    return Bounds(to - period.length, to)
