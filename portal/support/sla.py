"""The clocks of a request, worked out from what happened to it. Imports no database.

Every hour counts, day and night, in UTC. The clock of the first answer never pauses. The clock of the next answer
starts anew with each message of the customer, once there was a first answer. The clock of the resolution pauses while
we wait for the customer, and stands still from a resolution to its reopening. Only a person's answer stops a clock of
answers. What was missed stays missed, whatever happens afterwards.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from enum import StrEnum

import msgspec

from portal.support.severities import SLA_TARGETS, Severity, rank


class Happened(StrEnum):
    OPENED = "opened"
    CUSTOMER_WROTE = "customer_wrote"
    WE_ANSWERED = "we_answered"
    ANSWERED_AUTOMATICALLY = "answered_automatically"
    SEVERITY_CHANGED = "severity_changed"
    WAITING_BEGAN = "waiting_began"
    WAITING_ENDED = "waiting_ended"
    RESOLVED = "resolved"
    SOLVED_BY_CUSTOMER = "solved_by_customer"
    REOPENED = "reopened"
    MERGED = "merged"


class Event(msgspec.Struct, frozen=True):
    """`severity` is that from then on; only opening and changing it need to say it."""

    kind: Happened
    at: datetime
    severity: Severity | None = None


class Kind(StrEnum):
    FIRST_RESPONSE = "first_response"
    NEXT_RESPONSE = "next_response"
    RESOLUTION = "resolution"


class Outcome(StrEnum):
    RUNNING = "running"
    PAUSED = "paused"
    MET = "met"
    MISSED = "missed"
    MET_LATE = "met_late"
    ENDED = "ended"
    """It ran without a promise, or nobody needed it any more."""


class Clock(msgspec.Struct):
    """One promise. No `due_at`: no time is promised. `paused_at` is set as long as it stands still."""

    kind: Kind
    started_at: datetime
    due_at: datetime | None
    span: timedelta | None
    met_at: datetime | None = None
    missed_at: datetime | None = None
    paused_at: datetime | None = None
    stood_still: timedelta = timedelta(0)
    is_ended: bool = False

    @property
    def is_running(self) -> bool:
        return self.met_at is None and not self.is_ended

    @property
    def warn_at(self) -> datetime | None:
        """When three quarters of the time have passed."""
        return self.due_at - self.span / 4 if self.due_at and self.span else None

    @property
    def outcome(self) -> Outcome:
        if self.missed_at is not None:
            return Outcome.MISSED if self.met_at is None else Outcome.MET_LATE
        if self.met_at is not None:
            return Outcome.MET
        if self.is_ended:
            return Outcome.ENDED
        return Outcome.RUNNING if self.paused_at is None else Outcome.PAUSED

    def look_at(self, now: datetime) -> None:
        """Notes a miss; at the due moment itself there is none yet."""
        if not self.is_running or self.paused_at or self.missed_at or self.due_at is None:
            return
        if self.due_at < now:
            self.missed_at = self.due_at

    def pause(self, at: datetime) -> None:
        if self.is_running and self.paused_at is None:
            self.paused_at = at

    def go_on(self, at: datetime) -> None:
        """The pause does not count."""
        if self.paused_at is not None:
            pause = at - self.paused_at
            self.stood_still += pause
            if self.due_at is not None and self.missed_at is None:
                self.due_at += pause
        self.paused_at = None

    def meet(self, at: datetime) -> None:
        if self.is_running:
            self.go_on(at)
            self.met_at = at

    def reschedule(self, target: timedelta | None, at: datetime, *, is_graver: bool) -> None:
        """A graver request is due so long from now, or as it was if that is earlier; a lighter one as if it had been so
        from its start, or as it was if that is later. A miss stays as it is."""
        if not self.is_running or self.missed_at:
            return
        if self.paused_at is not None:
            self.go_on(at)
            self.paused_at = at
        if target is None:
            if not is_graver:
                self.due_at = self.span = None
        elif self.due_at is None or (is_graver and at + target < self.due_at):
            self.due_at, self.span = at + target, target
        elif not is_graver and self.started_at + target + self.stood_still > self.due_at:
            self.due_at, self.span = self.started_at + target + self.stood_still, target


def read(events: Iterable[Event], *, now: datetime) -> list[Clock]:
    """Every clock that ever ran, in the order they started, as they stand at `now`."""
    clocks: list[Clock] = []
    severity = Severity.LOW
    for event in events:
        at = event.at.astimezone(UTC)
        for clock in clocks:
            clock.look_at(at)
        before, severity = severity, event.severity or severity
        _apply(event.kind, at, clocks, before=before, severity=severity)
    for clock in clocks:
        clock.look_at(now.astimezone(UTC))
    return clocks


def _apply(kind: Happened, at: datetime, clocks: list[Clock], *, before: Severity, severity: Severity) -> None:
    match kind:
        case Happened.OPENED:
            clocks += [_start(Kind.FIRST_RESPONSE, severity, at), _start(Kind.RESOLUTION, severity, at)]
        case Happened.CUSTOMER_WROTE | Happened.REOPENED:
            _expect_next_answer(clocks, severity, at)
        case Happened.WE_ANSWERED:
            _meet(clocks, (Kind.FIRST_RESPONSE, Kind.NEXT_RESPONSE), at)
        case Happened.SEVERITY_CHANGED:
            for clock in clocks:
                clock.reschedule(_target(clock.kind, severity), at, is_graver=rank(severity) > rank(before))
        case Happened.RESOLVED:
            _meet(clocks, (Kind.FIRST_RESPONSE, Kind.NEXT_RESPONSE, Kind.RESOLUTION), at)
        case Happened.SOLVED_BY_CUSTOMER:
            _end(clock for clock in clocks if clock.kind is not Kind.RESOLUTION)
            _meet(clocks, (Kind.RESOLUTION,), at)
        case Happened.MERGED:
            _end(clocks)
    resolution = next((clock for clock in clocks if clock.kind is Kind.RESOLUTION), None)
    if resolution is not None:
        _follow(kind, resolution, at)


def _follow(kind: Happened, resolution: Clock, at: datetime) -> None:
    """Only the clock of the resolution stands still and goes on again."""
    if kind is Happened.WAITING_BEGAN:
        resolution.pause(at)
    elif kind is Happened.WAITING_ENDED:
        resolution.go_on(at)
    elif kind is Happened.REOPENED and resolution.met_at is not None:
        resolution.met_at, resolution.paused_at = None, resolution.met_at
        resolution.go_on(at)


def _start(kind: Kind, severity: Severity, at: datetime) -> Clock:
    target = _target(kind, severity)
    return Clock(kind, started_at=at, due_at=at + target if target else None, span=target)


def _target(kind: Kind, severity: Severity) -> timedelta | None:
    promise = SLA_TARGETS[severity]
    return promise.resolution if kind is Kind.RESOLUTION else promise.response


def _meet(clocks: list[Clock], kinds: tuple[Kind, ...], at: datetime) -> None:
    for clock in clocks:
        if clock.kind in kinds:
            clock.meet(at)


def _end(clocks: Iterable[Clock]) -> None:
    """Nobody waits any more; what was met or missed stays so."""
    for clock in clocks:
        clock.is_ended = clock.is_ended or clock.is_running


def _expect_next_answer(clocks: list[Clock], severity: Severity, at: datetime) -> None:
    """Before the first answer its own clock says it all. One that was missed already is not started anew."""
    if any(clock.kind is Kind.FIRST_RESPONSE and clock.is_running for clock in clocks):
        return
    waiting = [clock for clock in clocks if clock.kind is Kind.NEXT_RESPONSE and clock.is_running]
    if any(clock.missed_at for clock in waiting):
        return
    for clock in waiting:
        clocks.remove(clock)
    clocks.append(_start(Kind.NEXT_RESPONSE, severity, at))
