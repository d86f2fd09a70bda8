"""What the dashboard's figures are made of, each with what it was in the time before."""

from datetime import datetime
from uuid import UUID

import msgspec

from api.decisions import breakdowns, statistics
from api.decisions.breakdowns import Counts
from api.decisions.hourly.values import ValueCount
from api.decisions.statistics import BusiestMinute, ReasonCount, Slot
from core.db import acting_as_system
from portal.customer.dashboard.periods import Bounds, Period, bounds_of
from portal.status.board import IncidentView, history

_MOST_INCIDENTS = 3


class Figures(msgspec.Struct, frozen=True):
    bounds: Bounds
    counts: Counts
    before: Counts
    slots: list[Slot]
    reasons: list[ReasonCount]
    shares: dict[str, list[ValueCount]]
    busiest: list[BusiestMinute]

    def change(self, kind: str) -> float | None:
        """By which share `all`, `allowed` or `blocked` grew; below 0 if it shrank, None where there was none before."""
        earlier = getattr(self.before, kind)
        return (getattr(self.counts, kind) - earlier) / earlier if earlier else None


def figures_of(organization_id: UUID, period: Period, *, environment: str, now: datetime) -> Figures:
    bounds = bounds_of(period, now=now)
    since, to, earlier = bounds.since, bounds.to, bounds.before
    slots = statistics.over_time(organization_id, environment=environment, since=since, to=to, step=period.step)
    return Figures(
        bounds=bounds,
        counts=Counts(sum(slot.allowed for slot in slots), sum(slot.blocked for slot in slots)),
        before=breakdowns.counts_in(organization_id, environment=environment, since=earlier.since, to=earlier.to),
        slots=slots,
        reasons=statistics.top_reasons(organization_id, environment=environment, since=since, to=to),
        shares=breakdowns.shares_in(organization_id, environment=environment, since=since, to=to),
        busiest=statistics.busiest_minutes(organization_id, environment=environment, since=since, to=to),
    )


def last_incidents() -> list[IncidentView]:
    with acting_as_system():
        return history()[:_MOST_INCIDENTS]
