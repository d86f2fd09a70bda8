"""What probes mean: a component's state from the latest of them, and uptime from counts. Imports no database."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from statistics import median

import msgspec

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
UPTIME_TARGET = 99.5
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
    """One day's probes, in UTC. Failures within maintenance that was announced in time are excused."""

    day: date
    probes: int = 0
    failures: int = 0
    excused: int = 0

    @property
    def uptime(self) -> float | None:
        """In per cent of what was measured; None if nothing was."""
        return _percent(self.probes, self.failures - self.excused)


def days_until(today: date, found: Iterable[Day]) -> list[Day]:
    """The last 90 days, the oldest first; days that nobody measured are there and say so."""
    by_day = {one.day: one for one in found}
    span = (today - timedelta(days=back) for back in range(UPTIME_DAYS - 1, -1, -1))
    return [by_day.get(day) or Day(day) for day in span]


def uptime_of(days: Iterable[Day]) -> float | None:
    """Over all probes of these days, in per cent; None if there were none."""
    days = list(days)
    return _percent(sum(day.probes for day in days), sum(day.failures - day.excused for day in days))


def _percent(probes: int, failures: int) -> float | None:
    return 100 * (probes - failures) / probes if probes else None
