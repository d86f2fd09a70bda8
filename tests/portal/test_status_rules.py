"""The rules of status and incidents that need no database: moves, clocks, what probes mean."""

from datetime import UTC, date, datetime, timedelta

import pytest

from legal_docs import figures
from portal.status import clocks, detection, playbook, states, wordings
from portal.status.clocks import Clock, ClockKind, ClockState, Times
from portal.status.detection import Day, Sample, days_until, detected, uptime_of
from portal.status.states import Component, ComponentState, Impact, IncidentStatus, MaintenanceStatus, worst

T0 = datetime(2026, 10, 24, 23, 50, tzinfo=UTC)  # the night in which European clocks are put back
MINUTE = timedelta(minutes=1)


def samples(marks: str, *, until: datetime = T0, seconds: float = 0.02) -> list[Sample]:
    """The newest first: `.` was answered, `x` failed."""
    return [
        Sample(component=Component.CHECK_API, probed_at=until - index * MINUTE, is_ok=mark == ".", seconds=seconds)
        for index, mark in enumerate(marks)
    ]


@pytest.mark.parametrize(
    ("marks", "state"),
    [
        ("..........", ComponentState.OPERATIONAL),
        ("xx........", ComponentState.OPERATIONAL),
        ("xxx.......", ComponentState.MAJOR_OUTAGE),
        (".xxx......", ComponentState.PARTIAL_OUTAGE),
        (".x.x.x....", ComponentState.PARTIAL_OUTAGE),
        (".x.x......", ComponentState.OPERATIONAL),
        ("..........xxx", ComponentState.OPERATIONAL),
    ],
)
def test_a_state_follows_the_latest_probes(marks: str, state: ComponentState) -> None:
    assert detected(samples(marks), now=T0) is state


def test_slow_answers_are_degraded_and_one_slow_answer_is_not() -> None:
    slow, quick = samples(".....", seconds=1.5), samples(".....")

    assert detected(slow, now=T0) is ComponentState.DEGRADED
    assert detected([slow[0], *quick[1:]], now=T0) is ComponentState.OPERATIONAL


def test_without_probes_nothing_is_claimed() -> None:
    assert detected([], now=T0) is None
    assert detected(samples("......"), now=T0 + 6 * MINUTE) is None


def test_uptime_counts_what_was_measured_and_excuses_announced_maintenance() -> None:
    until = datetime(2026, 3, 31, 16, 40, tzinfo=UTC)
    found = [Day(date(2026, 3, 30), 1000, 5, 0), Day(date(2026, 3, 31), 1000, 10, 10)]
    days = days_until(until, found, since=until - 2000 * MINUTE)

    assert len(days) == 90
    assert days[0].uptime is None
    assert days[-1].uptime == 100
    assert uptime_of(days) == pytest.approx(99.75)
    assert uptime_of([]) is None


@pytest.mark.parametrize(
    ("probes", "failures", "unknown", "uptime"),
    [(1440, 0, 0, 100.0), (1436, 0, 4, 100 * 1436 / 1440), (720, 72, 720, 45.0), (1441, 0, 0, 100.0)],
)
def test_minutes_that_nobody_measured_are_unknown_and_no_uptime(
    probes: int, failures: int, unknown: int, uptime: float
) -> None:
    midnight = datetime(2026, 3, 30, tzinfo=UTC)

    days = days_until(midnight + timedelta(days=1), [Day(midnight.date(), probes, failures)], since=midnight)

    assert days[-2].unknown == unknown
    assert days[-2].uptime == pytest.approx(uptime)
    assert uptime_of(days) == pytest.approx(uptime)


def test_a_whole_day_without_a_probe_counts_as_unknown_and_days_before_the_first_probe_do_not() -> None:
    midnight = datetime(2026, 3, 30, tzinfo=UTC)
    found = [Day(midnight.date(), 1440), Day(midnight.date() + timedelta(days=2), 60)]

    days = days_until(midnight + timedelta(days=2, hours=1), found, since=midnight)

    assert [day.unknown for day in days[-4:]] == [0, 0, 1440, 0]
    assert days[-2].uptime is None
    assert uptime_of(days) == pytest.approx(100 * 1500 / 2940)


def test_the_worst_state_wins() -> None:
    assert worst([]) is ComponentState.OPERATIONAL
    assert worst([ComponentState.DEGRADED, ComponentState.UNDER_MAINTENANCE]) is ComponentState.DEGRADED


def test_every_move_is_in_the_table() -> None:
    allowed = {
        (before, after)
        for before in IncidentStatus
        for after in IncidentStatus
        if after in states.INCIDENT_MOVES[before]
    }

    assert allowed == {
        (IncidentStatus.INVESTIGATING, IncidentStatus.IDENTIFIED),
        (IncidentStatus.INVESTIGATING, IncidentStatus.MONITORING),
        (IncidentStatus.IDENTIFIED, IncidentStatus.INVESTIGATING),
        (IncidentStatus.IDENTIFIED, IncidentStatus.MONITORING),
        (IncidentStatus.MONITORING, IncidentStatus.INVESTIGATING),
        (IncidentStatus.MONITORING, IncidentStatus.IDENTIFIED),
        (IncidentStatus.MONITORING, IncidentStatus.RESOLVED),
        (IncidentStatus.RESOLVED, IncidentStatus.POSTMORTEM),
    }
    assert not states.MAINTENANCE_MOVES[MaintenanceStatus.COMPLETED]
    assert MaintenanceStatus.CANCELLED not in states.MAINTENANCE_MOVES[MaintenanceStatus.VERIFYING]


def test_the_clocks_are_those_that_the_contracts_promise() -> None:
    assert clocks.UPDATE_WITHIN[Impact.CRITICAL] == timedelta(minutes=figures.CRITICAL_UPDATE_MINUTES)
    assert clocks.UPDATE_WITHIN[Impact.MAJOR] == timedelta(minutes=figures.HIGH_UPDATE_MINUTES)
    assert timedelta(hours=figures.BREACH_NOTICE_HOURS) == clocks.BREACH_NOTICE_WITHIN
    assert timedelta(hours=figures.AUTHORITY_NOTICE_HOURS) == clocks.AUTHORITY_WITHIN
    assert float(figures.PILOT_UPTIME_PERCENT) == detection.UPTIME_TARGET


def times(**changes: object) -> Times:
    return Times(**{"impact": Impact.CRITICAL, "opened_at": T0, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("minutes", "state"),
    [(0, ClockState.RUNNING), (11, ClockState.RUNNING), (12, ClockState.SOON), (15, ClockState.SOON)],
)
def test_the_first_notice_is_due_a_quarter_of_an_hour_after_opening(minutes: int, state: ClockState) -> None:
    (notice,) = clocks.clocks_of(times())

    assert notice.due_at == T0 + 15 * MINUTE
    assert notice.state(T0 + minutes * MINUTE) is state


def test_what_is_late_says_so_and_what_was_met_stays_met() -> None:
    clock = Clock(ClockKind.NOTICE, T0, T0 + 15 * MINUTE)

    assert clock.state(T0 + 16 * MINUTE) is ClockState.OVERDUE
    assert Clock(ClockKind.NOTICE, T0, T0 + 15 * MINUTE, T0 + 15 * MINUTE).state(T0 + 90 * MINUTE) is ClockState.MET
    assert Clock(ClockKind.NOTICE, T0, T0 + 15 * MINUTE, T0 + 16 * MINUTE).state(T0) is ClockState.MET_LATE


@pytest.mark.parametrize(
    ("impact", "minutes"), [(Impact.CRITICAL, 15), (Impact.MAJOR, 30), (Impact.MINOR, 120), (Impact.NONE, None)]
)
def test_updates_are_due_by_impact(impact: Impact, minutes: int | None) -> None:
    due_at = clocks.next_update_due(impact, now=T0)

    assert due_at == (T0 + minutes * MINUTE if minutes else None)


def test_the_clocks_of_a_whole_incident_by_hand() -> None:
    """Opened 23:50, published 23:55, update due 00:10, watched from 00:20, resolved 00:50, reviewed next evening."""
    published = times(published_at=T0 + 5 * MINUTE, updated_at=T0 + 5 * MINUTE, next_update_due_at=T0 + 20 * MINUTE)
    resolved = times(
        published_at=T0 + 5 * MINUTE,
        monitoring_from=T0 + 30 * MINUTE,
        resolved_at=T0 + 60 * MINUTE,
        reviewed_at=T0 + timedelta(hours=20),
    )

    assert [(one.kind, one.state(T0 + 21 * MINUTE)) for one in clocks.clocks_of(published)] == [
        (ClockKind.NOTICE, ClockState.MET),
        (ClockKind.UPDATE, ClockState.OVERDUE),
    ]
    assert [(one.kind, one.due_at - T0) for one in clocks.clocks_of(resolved)] == [
        (ClockKind.NOTICE, timedelta(minutes=15)),
        (ClockKind.WATCH, timedelta(minutes=60)),
        (ClockKind.REVIEW, timedelta(hours=25)),
    ]
    assert clocks.overdue(resolved, now=T0 + timedelta(days=9)) == []


def test_the_watch_lasts_half_an_hour_and_only_where_something_was_broken() -> None:
    assert clocks.may_resolve_at(Impact.MINOR, T0) == T0 + 30 * MINUTE
    assert clocks.may_resolve_at(Impact.NONE, T0) is None


def test_seventy_two_hours_begin_when_the_customer_is_told() -> None:
    assert clocks.authority_clock(T0).due_at == T0 + timedelta(hours=72)
    assert clocks.breach_notice_clock(T0, None).state(T0 + timedelta(hours=25)) is ClockState.OVERDUE


def test_the_playbook_has_seven_steps_and_the_breach_six_items() -> None:
    assert [step.title for step in playbook.STEPS] == [
        *("Confirm", "Notify", "Investigate", "Fix", "Communicate", "Recover", "Post-mortem")
    ]
    assert len(playbook.BREACH_STEP.items) == 6
    assert len(playbook.CODES) == sum(len(step.items) for step in (*playbook.STEPS, playbook.BREACH_STEP))


def test_the_all_clear_has_its_six_fields() -> None:
    words = wordings.all_clear(began_at=T0, monitoring_from=T0 + 40 * MINUTE, now=T0, review="https://status.example/1")

    assert [line.partition(":")[0] for line in words.splitlines()] == [
        *("Status", "What happened", "Cause", "Fix", "Impact", "Post-mortem")
    ]
    assert "for 40 minutes" in words


def test_the_notice_of_slow_answers_promises_two_hours_and_a_day() -> None:
    words = wordings.slow_answers("Check API", since=T0, seen="up to 1.4 s", now=T0)

    assert "Next update by 25 Oct 2026, 01:50 UTC" in words
    assert "resolve this by 25 Oct 2026, 23:50 UTC" in words
