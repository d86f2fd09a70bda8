"""The clocks against tables that were computed by hand."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as some

from portal.support.severities import SLA_TARGETS, Severity
from portal.support.sla import Clock, Event, Happened, Kind, Outcome, read

BERLIN = ZoneInfo("Europe/Berlin")


def at(day: int, hour: int, minute: int = 0) -> datetime:
    """In October 2026, UTC. Berlin's summer time ends on the 25th at 01:00 UTC."""
    return datetime(2026, 10, day, hour, minute, tzinfo=UTC)


def happened(kind: Happened, moment: datetime, severity: Severity | None = None) -> Event:
    return Event(kind, moment, severity)


LONG_STORY = [
    happened(Happened.OPENED, datetime(2026, 10, 24, 18, 0, tzinfo=BERLIN), Severity.LOW),
    happened(Happened.ANSWERED_AUTOMATICALLY, at(24, 16, 1)),
    happened(Happened.SEVERITY_CHANGED, at(24, 20), Severity.CRITICAL),
    happened(Happened.WE_ANSWERED, at(24, 20, 30)),
    happened(Happened.WAITING_BEGAN, at(24, 20, 30)),
    happened(Happened.WAITING_ENDED, at(24, 22)),
    happened(Happened.CUSTOMER_WROTE, at(24, 22)),
    happened(Happened.SEVERITY_CHANGED, at(24, 23, 30), Severity.HIGH),
    happened(Happened.WE_ANSWERED, at(24, 23, 45)),
    happened(Happened.WAITING_BEGAN, at(24, 23, 45)),
    happened(Happened.WAITING_ENDED, at(25, 1, 45)),
    happened(Happened.CUSTOMER_WROTE, at(25, 1, 45)),
    happened(Happened.WE_ANSWERED, at(25, 4)),
    happened(Happened.RESOLVED, at(25, 4)),
    happened(Happened.REOPENED, at(26, 4)),
    happened(Happened.WE_ANSWERED, at(26, 5)),
    happened(Happened.WAITING_BEGAN, at(26, 5)),
    happened(Happened.WAITING_ENDED, at(26, 7)),
    happened(Happened.CUSTOMER_WROTE, at(26, 7)),
    happened(Happened.WE_ANSWERED, at(26, 10)),
    happened(Happened.RESOLVED, at(26, 10)),
]


def one(clocks: list[Clock], kind: Kind) -> Clock:
    return next(clock for clock in reversed(clocks) if clock.kind is kind)


def test_a_long_story_gives_the_table_that_was_computed_by_hand() -> None:
    """Low, then critical, then high; it waits twice, is reopened, and summer time ends in between."""
    clocks = read(LONG_STORY, now=at(27, 0))

    table = [(clock.kind, clock.started_at, clock.due_at, clock.missed_at, clock.met_at) for clock in clocks]
    assert table == [
        (Kind.FIRST_RESPONSE, at(24, 16), at(24, 21), None, at(24, 20, 30)),
        (Kind.RESOLUTION, at(24, 16), at(27, 3, 30), None, at(26, 10)),
        (Kind.NEXT_RESPONSE, at(24, 22), at(24, 23), at(24, 23), at(24, 23, 45)),
        (Kind.NEXT_RESPONSE, at(25, 1, 45), at(25, 5, 45), None, at(25, 4)),
        (Kind.NEXT_RESPONSE, at(26, 4), at(26, 8), None, at(26, 5)),
        (Kind.NEXT_RESPONSE, at(26, 7), at(26, 11), None, at(26, 10)),
    ]


def test_the_resolution_is_due_later_by_every_pause() -> None:
    """Promised from 23:30 on the 24th for 24 h; 2 h, then a day, then 2 h stood still."""
    dues = [one(read(LONG_STORY[:count], now=at(24, 16)), Kind.RESOLUTION).due_at for count in (7, 8, 12, 15, 19)]

    assert dues == [None, at(25, 23, 30), at(26, 1, 30), at(27, 1, 30), at(27, 3, 30)]


def test_hours_count_through_a_change_of_daylight_saving_time() -> None:
    opened = happened(Happened.OPENED, datetime(2026, 10, 24, 18, 0, tzinfo=BERLIN), Severity.LOW)

    due_at = read([opened], now=at(24, 17))[0].due_at

    assert due_at == at(26, 16)
    assert due_at.astimezone(BERLIN).hour == 17


def test_an_automatic_answer_stops_nothing() -> None:
    events = [
        happened(Happened.OPENED, at(1, 0), Severity.CRITICAL),
        happened(Happened.ANSWERED_AUTOMATICALLY, at(1, 0)),
    ]

    assert one(read(events, now=at(1, 0, 30)), Kind.FIRST_RESPONSE).outcome is Outcome.RUNNING
    assert one(read(events, now=at(1, 1, 1)), Kind.FIRST_RESPONSE).missed_at == at(1, 1)


def test_an_answer_in_the_last_moment_is_in_time_and_one_later_is_late() -> None:
    opened = happened(Happened.OPENED, at(1, 0), Severity.HIGH)

    in_time = read([opened, happened(Happened.WE_ANSWERED, at(1, 4))], now=at(2, 0))
    late = read([opened, happened(Happened.WE_ANSWERED, at(1, 4) + timedelta(microseconds=1))], now=at(2, 0))

    assert one(in_time, Kind.FIRST_RESPONSE).outcome is Outcome.MET
    assert one(late, Kind.FIRST_RESPONSE).outcome is Outcome.MET_LATE


def test_the_first_answer_is_awaited_also_while_we_wait_for_the_customer() -> None:
    events = [
        happened(Happened.OPENED, at(1, 0), Severity.MEDIUM),
        happened(Happened.WAITING_BEGAN, at(1, 1)),
        happened(Happened.CUSTOMER_WROTE, at(1, 9)),
    ]

    clocks = read(events, now=at(1, 10))

    assert [clock.kind for clock in clocks] == [Kind.FIRST_RESPONSE, Kind.RESOLUTION]
    assert clocks[0].due_at == at(1, 12)


def test_each_message_of_the_customer_starts_the_next_answer_anew_unless_it_was_missed() -> None:
    begun = [
        happened(Happened.OPENED, at(1, 0), Severity.HIGH),
        happened(Happened.WE_ANSWERED, at(1, 1)),
        happened(Happened.CUSTOMER_WROTE, at(1, 2)),
    ]

    again = read([*begun, happened(Happened.CUSTOMER_WROTE, at(1, 3))], now=at(1, 3))
    too_late = read([*begun, happened(Happened.CUSTOMER_WROTE, at(1, 7))], now=at(1, 7))

    assert [clock.due_at for clock in again if clock.kind is Kind.NEXT_RESPONSE] == [at(1, 7)]
    assert [clock.missed_at for clock in too_late if clock.kind is Kind.NEXT_RESPONSE] == [at(1, 6)]


def test_a_lighter_request_may_be_due_later_but_a_miss_is_never_erased() -> None:
    opened = happened(Happened.OPENED, at(1, 0), Severity.HIGH)

    before = read([opened, happened(Happened.SEVERITY_CHANGED, at(1, 3), Severity.LOW)], now=at(1, 5))
    after = read([opened, happened(Happened.SEVERITY_CHANGED, at(1, 5), Severity.LOW)], now=at(1, 6))

    assert one(before, Kind.FIRST_RESPONSE).due_at == at(3, 0)
    assert one(before, Kind.RESOLUTION).due_at is None
    assert (one(after, Kind.FIRST_RESPONSE).due_at, one(after, Kind.FIRST_RESPONSE).missed_at) == (at(1, 4), at(1, 4))


def test_a_lighter_request_is_never_due_earlier_than_it_was() -> None:
    events = [
        happened(Happened.OPENED, at(1, 0), Severity.LOW),
        happened(Happened.SEVERITY_CHANGED, at(1, 10), Severity.CRITICAL),
        happened(Happened.SEVERITY_CHANGED, at(1, 10, 30), Severity.HIGH),
    ]

    assert one(read(events, now=at(1, 10, 30)), Kind.FIRST_RESPONSE).due_at == at(1, 11)


def test_a_graver_request_that_waits_for_the_customer_stays_paused() -> None:
    events = [
        happened(Happened.OPENED, at(1, 0), Severity.MEDIUM),
        happened(Happened.WE_ANSWERED, at(1, 1)),
        happened(Happened.WAITING_BEGAN, at(1, 1)),
        happened(Happened.SEVERITY_CHANGED, at(2, 1), Severity.HIGH),
    ]

    waiting = one(read(events, now=at(9, 0)), Kind.RESOLUTION)
    resumed = one(read([*events, happened(Happened.WAITING_ENDED, at(3, 1))], now=at(3, 1)), Kind.RESOLUTION)

    assert (waiting.outcome, waiting.missed_at) == (Outcome.PAUSED, None)
    assert resumed.due_at == at(4, 1)


def test_a_warning_comes_when_three_quarters_have_passed() -> None:
    clock = read([happened(Happened.OPENED, at(1, 0), Severity.HIGH)], now=at(1, 0))[0]

    assert clock.warn_at == at(1, 3)


def test_what_the_customer_solves_alone_was_neither_met_nor_missed_by_us() -> None:
    events = [
        happened(Happened.OPENED, at(1, 0), Severity.HIGH),
        happened(Happened.SOLVED_BY_CUSTOMER, at(1, 1)),
    ]

    clocks = read(events, now=at(9, 0))

    assert [clock.outcome for clock in clocks] == [Outcome.ENDED, Outcome.MET]


def test_a_merged_request_makes_no_promise_any_more() -> None:
    events = [happened(Happened.OPENED, at(1, 0), Severity.HIGH), happened(Happened.MERGED, at(1, 1))]

    assert {clock.outcome for clock in read(events, now=at(9, 0))} == {Outcome.ENDED}


_steps = some.lists(
    some.tuples(
        some.sampled_from([kind for kind in Happened if kind is not Happened.OPENED]),
        some.integers(0, 600),
        some.sampled_from(Severity),
    ),
    max_size=12,
)


@given(first=some.sampled_from(Severity), steps=_steps)
def test_a_miss_once_seen_stays_in_every_later_look(
    first: Severity, steps: list[tuple[Happened, int, Severity]]
) -> None:
    """Whatever happens, and however often it is looked at in between."""
    events, moment = [happened(Happened.OPENED, at(1, 0), first)], at(1, 0)
    seen: set[tuple[Kind, datetime, datetime]] = set()
    for kind, minutes, severity in steps:
        moment += timedelta(minutes=minutes)
        clocks = read(events, now=moment)
        missed = {(clock.kind, clock.started_at, clock.missed_at) for clock in clocks if clock.missed_at}
        assert seen <= missed
        seen = missed
        events.append(happened(kind, moment, severity if kind is Happened.SEVERITY_CHANGED else None))


@given(first=some.sampled_from(Severity), to=some.sampled_from(Severity), minutes=some.integers(0, 4000))
def test_a_graver_request_is_never_due_later(first: Severity, to: Severity, minutes: int) -> None:
    opened, moment = happened(Happened.OPENED, at(1, 0), first), at(1, 0) + timedelta(minutes=minutes)
    before = read([opened], now=moment)[0].due_at
    after = read([opened, happened(Happened.SEVERITY_CHANGED, moment, to)], now=moment)[0].due_at

    assert before is not None
    assert after is not None
    if SLA_TARGETS[to].response <= SLA_TARGETS[first].response:
        assert after <= before
    else:
        assert after >= before
