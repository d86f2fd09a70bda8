"""What became of requests: counted in the process, kept in the database, seen by nobody else."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from api.recording.recorder import DecisionNotRecorded
from api.runtime import runtime
from api.usage import availability, request_counts, request_days
from api.usage.availability import RequestTotals
from api.usage.request_counts import BUCKETS_MS, RequestCounts
from core.clock import utc_now
from core.db import acting_as_system, acting_for, db, transaction
from tests.cast import Caller, Member, another_key

AT = datetime(2026, 3, 1, 10, 59, 59, tzinfo=UTC)
DAY = timedelta(days=1)


def of(app: Flask, member: Member) -> RequestTotals:
    runtime(app).requests.flush()
    with app.app_context(), acting_for(member.organization_id):
        return availability.totals(None, since=utc_now() - DAY, until=utc_now() + DAY)


def note(counts: RequestCounts, member: Member, status: int = 200, ms: float = 3, at: datetime = AT) -> None:
    counts.note(
        member.organization_id, key_id=member.key_id, environment="live", status=status, seconds=ms / 1000, at=at
    )


def test_answers_and_refusals_are_counted_for_their_organization_alone(
    app: Flask, ada: Member, cleo: Member, as_ada: Caller, as_cleo: Caller
) -> None:
    as_ada.check()
    as_ada.check(metadata={"contains_personal_data": True})
    as_ada.check(metadata={"contains_personal_data": "no"})
    as_cleo.check()

    mine, hers = of(app, ada), of(app, cleo)

    assert (mine.answered, mine.refused, mine.failed) == (2, 1, 0)
    assert (hers.answered, hers.refused, hers.failed) == (1, 0, 0)
    assert mine.availability == 100
    assert mine.p95_ms is not None


def test_a_request_without_a_valid_key_is_counted_for_nobody(app: Flask, ada: Member) -> None:
    Caller(app.test_client(), "aig_live_nonsense").check()
    runtime(app).requests.flush()

    with app.app_context(), acting_as_system():
        rows = db.session.execute(text("SELECT organization_id, refused FROM request_hour")).all()
    assert [tuple(row) for row in rows] == [(None, 1)]
    assert of(app, ada).refused == 0


def test_a_failure_of_ours_counts_as_failed(
    app: Flask, ada: Member, as_ada: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    def is_lost(*_: object) -> None:
        raise DecisionNotRecorded

    as_ada.check()
    monkeypatch.setattr("api.v1.check_path.service.record", is_lost)
    assert as_ada.check().status_code == 503

    found = of(app, ada)

    assert (found.answered, found.failed, found.availability) == (1, 1, 50.0)


def test_what_several_processes_counted_adds_up(app: Flask, ada: Member) -> None:
    for ms in (3, 499.9, 501, 9_000):
        process = RequestCounts(app.app_context)
        note(process, ada, ms=ms)
        note(process, ada, ms=ms, at=AT + timedelta(seconds=2))
        process.flush()

    with app.app_context(), acting_for(ada.organization_id):
        first, both = (
            availability.totals(ada.organization_id, since=AT - DAY, until=AT + after) for after in (timedelta(), DAY)
        )
    assert (first.answered, both.answered, both.slow) == (4, 8, 4)
    assert sum(both.latencies) == 8
    assert both.latencies[-1] == 2
    assert len(both.latencies) == len(BUCKETS_MS) + 1


def test_while_the_database_is_away_counts_wait_in_bounded_room(
    app: Flask, ada: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request_counts, "MOST_HELD", 3)
    counts = RequestCounts(app.app_context)
    with monkeypatch.context() as away:

        def lost(*_: object) -> None:
            raise OperationalError("INSERT", {}, Exception("away"))

        away.setattr(request_counts, "_write", lost)
        for hours in range(10):
            note(counts, ada, at=AT + timedelta(hours=hours))
            with pytest.raises(OperationalError):
                counts.flush()

    counts.flush()
    with app.app_context(), acting_as_system():
        total, of_nobody = db.session.execute(
            text("SELECT sum(answered), sum(answered) FILTER (WHERE organization_id IS NULL) FROM request_hour")
        ).one()
    assert (total, of_nobody) == (10, 7)


@pytest.mark.parametrize(
    ("latencies", "p95_ms"),
    [
        ([95, 5, 0], BUCKETS_MS[0]),
        ([94, 6, 0], BUCKETS_MS[1]),
        ([0, 0, 0], None),
        ([0] * len(BUCKETS_MS) + [1], 10_000),
    ],
)
def test_95_of_100_answers_took_at_most_the_upper_end_of_their_bucket(latencies: list[int], p95_ms: int | None) -> None:
    assert RequestTotals(1, 0, 0, 0, latencies).p95_ms == p95_ms


def test_requests_are_counted_for_each_key_and_go_with_it(app: Flask, ada: Member) -> None:
    tight = another_key(app, ada, rate_limit=2)
    caller = Caller(app.test_client(), tight.secret)
    for _ in range(5):
        caller.check()
    runtime(app).requests.flush()

    def rows() -> list[tuple[UUID, int, int]]:
        with app.app_context(), acting_as_system():
            found = db.session.execute(text("SELECT api_key_id, requests, limited FROM key_request_day"))
            return [(row.api_key_id, row.requests, row.limited) for row in found]

    assert rows() == [(tight.key_id, 5, 3)]
    with app.app_context(), acting_as_system(), transaction():
        db.session.execute(text("SET LOCAL ROLE NONE"))
        db.session.execute(text("DELETE FROM api_key WHERE id = :id"), {"id": tight.key_id})
    assert rows() == []
    runtime(app).requests.note(
        ada.organization_id, key_id=tight.key_id, environment="live", status=200, seconds=0.001, at=utc_now()
    )
    runtime(app).requests.flush()
    assert rows() == []


def test_milestones_outlive_the_decision_log(app: Flask, ada: Member) -> None:
    counts = RequestCounts(app.app_context)
    for days, requests in ((0, 1), (3, 101), (5, 150)):
        for _ in range(requests):
            note(counts, ada, at=AT + days * DAY)
    counts.flush()

    with app.app_context(), acting_as_system():
        found = availability.milestones([ada.organization_id], enough_a_day=100)[ada.organization_id]
    assert (found.first_day, found.enough_day) == (AT.date(), (AT + 3 * DAY).date())


def test_what_is_past_its_time_is_purged(app: Flask, ada: Member) -> None:
    now = utc_now()
    counts = RequestCounts(app.app_context)
    for age in (availability.HOURS_KEPT - DAY, availability.HOURS_KEPT + DAY):
        note(counts, ada, at=now - age)
    counts.flush()

    with app.app_context(), acting_as_system(), transaction():
        availability.purge(now=now)
        kept = availability.totals(ada.organization_id, since=now - 1000 * DAY, until=now)
    assert kept.answered == 1


def test_counts_of_an_organization_that_is_gone_hold_up_no_others(app: Flask, ada: Member) -> None:
    """As after a restore under a process that runs."""
    counts = RequestCounts(app.app_context)
    counts.note(UUID(int=7), key_id=UUID(int=8), environment="live", status=200, seconds=0.1, at=AT)
    note(counts, ada)

    counts.flush()

    with app.app_context(), acting_as_system():
        assert availability.totals(None, since=AT - DAY, until=AT + DAY).answered == 1


def test_days_say_what_their_hours_say_and_are_read_in_their_place(app: Flask, ada: Member) -> None:
    hour, counts = timedelta(hours=1), RequestCounts(app.app_context)
    for number in range(100):
        note(counts, ada, status=500 if number % 9 == 0 else 200, ms=number * 10, at=AT + number * hour)
    note(counts, ada, at=AT + 200 * hour)
    counts.flush()
    since, until = AT + 5.5 * hour, AT + 90.5 * hour

    def counted() -> tuple[RequestTotals, object]:
        with app.app_context(), acting_as_system():
            reached = availability.milestones([ada.organization_id], enough_a_day=21)
            return availability.totals(None, since=since, until=until), reached[ada.organization_id]

    from_hours = counted()
    count_days(app, AT + 200 * hour)
    from_days = counted()
    with app.app_context(), acting_as_system(), transaction():
        db.session.execute(text("DELETE FROM request_hour WHERE hour >= '2026-03-02' AND hour < '2026-03-05'"))

    assert from_hours[0].valid == 85
    assert from_days == counted() == from_hours


def test_hours_that_come_late_are_in_their_day_when_it_is_counted_again(app: Flask, ada: Member) -> None:
    counts = RequestCounts(app.app_context)
    for late in (False, True):
        note(counts, ada, at=AT + 2 * DAY * (not late))
        counts.flush()
        count_days(app, AT + 4 * DAY)

    with app.app_context(), acting_as_system():
        days = db.session.execute(text("SELECT day, answered FROM request_day ORDER BY day")).all()
    assert [(str(day), answered) for day, answered in days] == [("2026-03-01", 1), ("2026-03-03", 1)]


def count_days(app: Flask, now: datetime) -> None:
    with app.app_context(), acting_as_system(), transaction():
        request_days.count(now=now)
