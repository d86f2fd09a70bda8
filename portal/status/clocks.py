"""The clocks of an incident and of a breach, as the playbook and the contracts set them. Imports no database."""

from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from portal.status.states import Impact

NOTICE_WITHIN = timedelta(minutes=15)
UPDATE_WITHIN: dict[Impact, timedelta] = {
    Impact.CRITICAL: timedelta(minutes=15),
    Impact.MAJOR: timedelta(minutes=30),
    Impact.MINOR: timedelta(hours=2),
}
"""An incident without impact owes no updates."""
WATCH_FOR = timedelta(minutes=30)
REVIEW_WITHIN = timedelta(hours=24)
BREACH_NOTICE_WITHIN = timedelta(hours=24)
AUTHORITY_WITHIN = timedelta(hours=72)
_WARN_AT = 0.75


class ClockKind(StrEnum):
    NOTICE = "notice"
    UPDATE = "update"
    WATCH = "watch"
    REVIEW = "review"
    BREACH_NOTICE = "breach_notice"
    AUTHORITY = "authority"


class ClockState(StrEnum):
    RUNNING = "running"
    SOON = "soon"
    OVERDUE = "overdue"
    MET = "met"
    MET_LATE = "met late"


class Clock(msgspec.Struct, frozen=True):
    kind: ClockKind
    started_at: datetime
    due_at: datetime
    done_at: datetime | None = None

    def state(self, now: datetime) -> ClockState:
        """Soon, once three quarters of the time are gone."""
        if self.done_at is not None:
            return ClockState.MET if self.done_at <= self.due_at else ClockState.MET_LATE
        if now > self.due_at:
            return ClockState.OVERDUE
        is_soon = now - self.started_at >= (self.due_at - self.started_at) * _WARN_AT
        return ClockState.SOON if is_soon else ClockState.RUNNING


class Times(msgspec.Struct, frozen=True, kw_only=True):
    """When what happened in an incident; None: not yet."""

    impact: Impact
    opened_at: datetime
    published_at: datetime | None = None
    updated_at: datetime | None = None
    next_update_due_at: datetime | None = None
    monitoring_from: datetime | None = None
    resolved_at: datetime | None = None
    reviewed_at: datetime | None = None


def next_update_due(impact: Impact, *, now: datetime) -> datetime | None:
    within = UPDATE_WITHIN.get(impact)
    return now + within if within else None


def may_resolve_at(impact: Impact, monitoring_from: datetime | None) -> datetime | None:
    """From when on the all-clear may be given: after watching. None: at once, since nothing was broken."""
    if impact is Impact.NONE or monitoring_from is None:
        return None
    return monitoring_from + WATCH_FOR


def clocks_of(times: Times) -> list[Clock]:
    """Those that run or ran, in the order of the playbook."""
    clocks = []
    if times.impact is not Impact.NONE:
        due_at = times.opened_at + NOTICE_WITHIN
        clocks.append(Clock(ClockKind.NOTICE, times.opened_at, due_at, times.published_at))
    if times.resolved_at is None and times.published_at and times.updated_at and times.next_update_due_at:
        clocks.append(Clock(ClockKind.UPDATE, times.updated_at, times.next_update_due_at))
    if times.monitoring_from and times.impact is not Impact.NONE:
        watched_at = times.monitoring_from + WATCH_FOR
        clocks.append(Clock(ClockKind.WATCH, times.monitoring_from, watched_at, times.resolved_at and watched_at))
    if times.resolved_at and times.impact is not Impact.NONE:
        due_at = times.resolved_at + REVIEW_WITHIN
        clocks.append(Clock(ClockKind.REVIEW, times.resolved_at, due_at, times.reviewed_at))
    return clocks


def overdue(times: Times, *, now: datetime) -> list[Clock]:
    """What should have been done by now. The end of the watch is a time to wait for, not one to keep."""
    return [
        clock
        for clock in clocks_of(times)
        if clock.kind is not ClockKind.WATCH and clock.state(now) is ClockState.OVERDUE
    ]


def breach_notice_clock(discovered_at: datetime, notified_at: datetime | None) -> Clock:
    """Ours: every affected customer is told, from discovery (DPA 9.2)."""
    return Clock(ClockKind.BREACH_NOTICE, discovered_at, discovered_at + BREACH_NOTICE_WITHIN, notified_at)


def authority_clock(notified_at: datetime) -> Clock:
    """The customer's: the authority is told, from when we told the customer (GDPR Article 33(1))."""
    return Clock(ClockKind.AUTHORITY, notified_at, notified_at + AUTHORITY_WITHIN)
