"""What probes mean: a component's state from the latest of them, and uptime from counts. Imports no database."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from statistics import median

import msgspec

from core.service_levels import PILOT_UPTIME_PERCENT
from portal.status.states import Component, ComponentState

FAILURES_FOR_OUTAGE = 3
"""So many in a row, a minute apart, are an outage."""
LOOKED_AT = 10
"""Of so many latest probes some may fail before it is a partial outage."""
FAILURES_FOR_PARTIAL = 3
SLOW_OVER = 5
"""The middle of so many answers is what counts as slow."""
STALE_AFTER = timedelta(minutes=5)
"""Without a probe for so long we do not know, and say so."""
UPTIME_DAYS = 90
UPTIME_TARGET = float(PILOT_UPTIME_PERCENT)
SLOW_AFTER_S = {
    Component.CHECK_API: 1.0,
    Component.MANAGEMENT_API: 1.0,
    Component.DECISION_LOG: 2.0,
    Component.PORTAL: 3.0,
    Component.MESSAGES: 300.0,
}
FAILED_AFTER_S = 900.0
"""A message that waits for longer does not get through."""


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """One probe. `failure` is a word of ours, never one of an answer."""

    component: Component
    probed_at: datetime
    is_ok: bool
    seconds: float
    failure: str | None = None

    @property
    def is_slow(self) -> bool:
        return self.is_ok and self.seconds > SLOW_AFTER_S[self.component]


def by_minute(samples: Iterable[Sample]) -> list[Sample]:
    """One for each minute, the newest first: two sources that ask in one minute count once, and a failure counts.

    Wants one component's, the newest first.
    """
    found: list[Sample] = []
    for sample in samples:
        if found and _minute(found[-1].probed_at) == _minute(sample.probed_at):
            found[-1] = _worse(found[-1], sample)
        else:
            found.append(sample)
    return found


def _worse(newer: Sample, older: Sample) -> Sample:
    if newer.is_ok == older.is_ok:
        return msgspec.structs.replace(newer, seconds=max(newer.seconds, older.seconds))
    failed = older if newer.is_ok else newer
    return msgspec.structs.replace(failed, probed_at=newer.probed_at)


def failures_in_a_row(latest: Sequence[Sample]) -> int:
    """`latest` has the newest first."""
    for count, sample in enumerate(latest):
        if sample.is_ok:
            return count
    return len(latest)


def detected(latest: Sequence[Sample], *, now: datetime) -> ComponentState | None:
    """What the probes say, the newest first; None if they say nothing about now."""
    if not latest or now - latest[0].probed_at > STALE_AFTER:
        return None
    seen = latest[:LOOKED_AT]
    if failures_in_a_row(seen) >= FAILURES_FOR_OUTAGE:
        return ComponentState.MAJOR_OUTAGE
    if sum(not sample.is_ok for sample in seen) >= FAILURES_FOR_PARTIAL:
        return ComponentState.PARTIAL_OUTAGE
    answered = [sample for sample in seen if sample.is_ok][:SLOW_OVER]
    is_slow = (
        len(answered) == SLOW_OVER and median(one.seconds for one in answered) > SLOW_AFTER_S[answered[0].component]
    )
    return ComponentState.DEGRADED if is_slow else ComponentState.OPERATIONAL


class Day(msgspec.Struct, frozen=True):
    """One day's probes, in UTC. Failures within maintenance that was announced in time are excused.

    `minutes` is how many of the day are over since probes began; there is a probe for each that was measured.
    """

    day: date
    probes: int = 0
    failures: int = 0
    excused: int = 0
    minutes: int = 0

    @property
    def unknown(self) -> int:
        """Minutes that nobody measured: whether we were up, we cannot say, and so do not claim."""
        return max(0, self.minutes - self.probes)

    @property
    def uptime(self) -> float | None:
        """In per cent, at least; None if nothing was measured."""
        return uptime_of([self])


def days_until(
    now: datetime, found: Iterable[Day], *, since: datetime | None, latest: datetime | None = None
) -> list[Day]:
    """The last 90 days, the oldest first; days that nobody measured are there and say so.

    `since` is the first probe, `latest` the last: the minute that is running counts once it is measured.
    """
    by_day = {one.day: one for one in found}
    until = max(_minute(now), _minute(latest) + timedelta(minutes=1)) if latest else _minute(now)
    span = (now.date() - timedelta(days=back) for back in range(UPTIME_DAYS - 1, -1, -1))
    return [
        msgspec.structs.replace(
            by_day.get(day) or Day(day), minutes=_minutes_over(day, since=since or now, until=until)
        )
        for day in span
    ]


def _minutes_over(day: date, *, since: datetime, until: datetime) -> int:
    """Of this day, from the first probe on."""
    midnight = datetime.combine(day, time(), tzinfo=UTC)
    begins = max(midnight, _minute(since))
    ends = min(midnight + timedelta(days=1), until)
    return max(0, (ends - begins) // timedelta(minutes=1))


def _minute(moment: datetime) -> datetime:
    return moment.replace(second=0, microsecond=0)


def uptime_of(days: Iterable[Day]) -> float | None:
    """Over all minutes of these days, in per cent; None if none was measured. Unknown minutes are no uptime."""
    days = list(days)
    if not any(day.probes for day in days):
        return None
    minutes = sum(day.probes + day.unknown for day in days)
    lost = sum(day.failures - day.excused + day.unknown for day in days)
    return 100 * (minutes - lost) / minutes
