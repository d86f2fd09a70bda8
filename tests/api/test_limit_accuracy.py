"""The limiter checked against what was put on record: wrong answers, and wrong refusals."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from flask import Flask
from sqlalchemy import text

from api.decisions.hourly.counting import full_hour
from api.limits.window import Ask, Verdict
from api.runtime import runtime
from api.usage import limit_accuracy
from api.usage.limit_accuracy import SETTLED_AFTER, LimitAccuracy
from core.clock import utc_now
from core.db import acting_as_system, db, transaction
from tests.api.test_hourly import count, some, write
from tests.cast import HARMLESS, Caller, Member, another_key

LATER = SETTLED_AFTER + timedelta(seconds=5)


def found(app: Flask) -> LimitAccuracy:
    runtime(app).limit_minutes.flush()
    with app.app_context(), acting_as_system():
        return limit_accuracy.accuracy(since=utc_now() - timedelta(days=1), now=utc_now() + LATER)


def tight(app: Flask, who: Member, limit: int = 3) -> Caller:
    return Caller(app.test_client(), another_key(app, who, rate_limit=limit).secret)


class Refusing:
    """A limiter that refuses after so many, whatever the limit."""

    def __init__(self, limiter: Any, after: int) -> None:
        self._limiter, self._left = limiter, after

    def hit(self, asks: list[Ask]) -> list[Verdict]:
        verdicts = self._limiter.hit(asks)
        self._left -= len(asks)
        return [msgspec.structs.replace(one, granted=0) if self._left < 0 else one for one in verdicts]


def test_refusals_beyond_the_limit_are_right(app: Flask, ada: Member) -> None:
    caller = tight(app, ada)

    statuses = [caller.check().status_code for _ in range(5)]

    assert statuses == [200, 200, 200, 429, 429]
    assert (found(app).refusals, found(app).unfounded, found(app).beyond) == (1, 0, 0)


def test_a_refusal_before_the_limit_is_wrong_and_found(
    app: Flask, ada: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller = tight(app, ada)
    monkeypatch.setattr(runtime(app), "limiter", Refusing(runtime(app).limiter, after=2))

    statuses = [caller.check().status_code for _ in range(3)]

    assert statuses == [200, 200, 429]
    assert (found(app).refusals, found(app).unfounded) == (1, 1)


@pytest.mark.parametrize("send", ["unreadable", "probe", "batch"])
def test_what_used_up_the_limit_without_a_decision_counts(app: Flask, ada: Member, send: str) -> None:
    caller = tight(app, ada)
    asks = {
        "unreadable": lambda: caller.post("/v1/check", {"model": ""}),
        "probe": lambda: caller.post("/api/evaluate", {}),
        "batch": lambda: caller.post("/v1/checks", {"checks": [HARMLESS, {**HARMLESS, "prompt": "words"}]}),
    }

    for _ in range(3):
        asks[send]()

    assert caller.check().status_code == 429
    assert found(app).unfounded == 0


def test_a_successor_shares_the_limit_of_the_key_it_replaces_and_is_judged_by_both(app: Flask, ada: Member) -> None:
    old = another_key(app, ada, rate_limit=3)
    caller = Caller(app.test_client(), old.secret)
    for _ in range(3):
        caller.check()
    rotated = caller.post(f"/v1/keys/{old.shown_key_id}/rotate", {"overlap_hours": 1})

    assert Caller(app.test_client(), rotated.json["secret"]).check().status_code == 429
    assert (found(app).refusals, found(app).unfounded) == (1, 0)


def test_the_limit_of_all_keys_together_is_judged_by_all_of_them(
    app: Flask, ada: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.runtime.organization_limit_of", lambda *_, **__: 4)
    first, second = tight(app, ada), tight(app, ada)

    statuses = [caller.check().status_code for caller in (first, first, second, second, second)]

    assert statuses == [200, 200, 200, 200, 429]
    assert (found(app).refusals, found(app).unfounded) == (1, 0)


def test_a_decision_more_than_the_limit_is_wrong_and_found(
    app: Flask, ada: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller = tight(app, ada)
    for _ in range(3):
        caller.check()
    with app.app_context(), acting_as_system(), transaction():
        db.session.execute(text("SET LOCAL ROLE NONE"))
        db.session.execute(text("UPDATE decision SET decided_at = date_trunc('minute', decided_at)"))
        db.session.execute(text("UPDATE api_key SET rate_limit = 2 WHERE rate_limit = 3"))

    assert found(app).beyond == 1


def test_counted_hours_say_what_the_log_says(app: Flask, ada: Member) -> None:
    """Of a key beyond its own limit in a minute that busier keys without one fill, too."""
    now = utc_now()
    slow, at = another_key(app, ada, rate_limit=3), full_hour(now) - timedelta(hours=3, minutes=40)
    some(app, ada, now)
    with app.app_context(), acting_as_system(), transaction():
        for number in range(7):
            write(ada, at, key=slow.key_id if number < 5 else ada.key_id, environment="live")

    def judged() -> LimitAccuracy:
        with app.app_context(), acting_as_system():
            return limit_accuracy.accuracy(since=now - timedelta(days=1), now=now)

    from_log = judged()
    count(app, now)

    assert from_log.beyond == 2
    assert judged() == from_log


def test_what_is_not_settled_yet_is_not_judged_and_what_is_old_is_purged(app: Flask, ada: Member) -> None:
    caller = tight(app, ada, limit=1)
    for _ in range(2):
        caller.check()
    runtime(app).limit_minutes.flush()

    with app.app_context(), acting_as_system(), transaction():
        now = utc_now()
        unsettled = limit_accuracy.accuracy(since=now - timedelta(days=1), now=now)
        limit_accuracy.purge(now=now + limit_accuracy.KEPT + timedelta(minutes=1))
        left = db.session.scalar(text("SELECT count(*) FROM limit_minute"))

    assert (unsettled.refusals, left) == (0, 0)


def test_an_ordinary_answer_leaves_nothing_to_note(app: Flask, as_ada: Caller) -> None:
    as_ada.check()
    runtime(app).limit_minutes.flush()

    with app.app_context(), acting_as_system():
        assert db.session.scalar(text("SELECT count(*) FROM limit_minute")) == 0
