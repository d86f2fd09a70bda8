"""The seven measures: met, missed, and honest where nothing was measured."""

from datetime import timedelta

import msgspec
from flask import Flask
from sqlalchemy import text

from api.runtime import runtime
from core.clock import utc_now
from core.db import acting_as_system, db, transaction
from core.formats import day
from portal.console.measures import services, targets
from portal.console.measures.adoption import Adoption, adoption_page
from portal.status import probes
from portal.status.detection import Sample
from portal.status.states import Component
from portal.support.states import RequestStatus
from tests.api.test_hourly import count, some
from tests.cast import Caller, Member, another_key
from tests.people import Person
from tests.portal.support.scene import answer, opened


def found(app: Flask) -> dict[str, tuple[str, bool | None]]:
    with app.app_context(), acting_as_system():
        return {one.name: (one.found, one.is_met) for one in services.measures(now=utc_now())}


def test_where_nothing_was_measured_no_figure_is_invented(app: Flask) -> None:
    measures = found(app)

    assert len(measures) == 7
    assert set(measures.values()) == {("No data yet", None)}


def test_uptime_latency_and_errors_are_those_of_the_probes(app: Flask) -> None:
    now = utc_now()  # once, or two of them may fall into one minute
    with app.app_context(), acting_as_system(), transaction():
        for number in range(100):
            moment = now - timedelta(minutes=number)
            sample = Sample(component=Component.CHECK_API, probed_at=moment, is_ok=number != 50, seconds=0.02)
            probes.note([sample], now=moment)

    measures = found(app)

    assert measures["Uptime"] == ("99.000%", False)
    assert measures["Check latency (95th percentile)"] == ("20 ms", True)
    assert measures["Error rate"] == ("1.00% (1 of 100)", False)


def test_requests_of_customers_count_before_probes(app: Flask, ada: Member) -> None:
    now = utc_now()
    with app.app_context(), acting_as_system(), transaction():
        probes.note([Sample(component=Component.CHECK_API, probed_at=now, is_ok=True, seconds=0.02)], now=now)
    for status in [200] * 97 + [429] * 50 + [503] * 3:
        runtime(app).requests.note(
            ada.organization_id, key_id=ada.key_id, environment="live", status=status, seconds=0.3, at=now
        )
    runtime(app).requests.flush()

    measures = found(app)

    assert measures["Uptime"] == ("97.000%", False)
    assert measures["Check latency (95th percentile)"] == ("300 ms", True)
    assert measures["Error rate"] == ("3.00% (3 of 100)", False)


def test_the_day_of_the_first_live_check_outlives_the_decision_log(
    app: Flask, ada: Member, as_ada: Caller, operator: Person
) -> None:
    as_ada.check()
    runtime(app).requests.flush()
    with app.app_context(), acting_as_system(), transaction():
        db.session.execute(text("SET LOCAL ROLE NONE"))
        db.session.execute(text("DELETE FROM decision"))

    with app.app_context(), acting_as_system():
        (one,) = adoption_page(now=utc_now(), words="ada-and-co").rows

    assert (one.live_since, one.enough_since, one.step) == (utc_now().date(), None, "No checks for a week")
    assert day(utc_now().date()) in operator.get("/console/figures").text


def test_adoption_is_the_same_from_counted_hours_as_from_the_log(app: Flask, ada: Member) -> None:
    now = utc_now()
    some(app, ada, now, hours=200, each=1)

    def seen() -> Adoption:
        with app.app_context(), acting_as_system():
            (one,) = adoption_page(now=now, words="ada-and-co").rows
        return msgspec.structs.replace(one, first_at=None)

    from_log = seen()
    count(app, now)

    assert from_log.last_week > from_log.last_day > 0
    assert from_log.last_at is not None
    assert seen() == from_log


def test_a_key_beyond_its_limit_in_some_minute_would_be_seen(app: Flask, ada: Member) -> None:
    slow = another_key(app, ada, rate_limit=3)
    for _ in range(3):
        Caller(app.test_client(), slow.secret).check()

    assert found(app)["Rate-limit accuracy"][1] is True
    assert targets.limiter(looked_at=10, beyond=1, unfounded=0).is_met is False
    assert targets.limiter(looked_at=10, beyond=0, unfounded=1).is_met is False


def test_answers_bugs_and_satisfaction_come_from_requests(app: Flask, ada: Member) -> None:
    now = utc_now()
    quick, slow = (opened(app, ada.organization_id, now=now - timedelta(days=5)) for _ in range(2))
    answer(app, quick, now=now - timedelta(days=5) + timedelta(hours=1), then=RequestStatus.RESOLVED)
    answer(app, slow, now=now - timedelta(days=1))

    measures = found(app)

    assert measures["First response"][0].startswith("1 of 2 on time")
    assert measures["Bug resolution (not critical)"] == ("1 of 2 on time", False)
    assert targets.satisfaction(8.5, 2).is_met


def test_the_page_shows_how_each_customer_gets_on(app: Flask, ada: Member, as_ada: Caller, operator: Person) -> None:
    as_ada.check()

    page = operator.get("/console/figures").text

    assert "Ada-And-Co" in page
    assert "No data yet" in page
    assert "status-probes" not in page


def test_the_most_limited_keys_are_shown_with_their_requests(app: Flask, ada: Member, operator: Person) -> None:
    assert "No API key reached its limit" in operator.get("/console/figures").text
    tight = another_key(app, ada, rate_limit=2)
    for _ in range(5):
        Caller(app.test_client(), tight.secret).check()
    runtime(app).requests.flush()

    assert "3 of 5 requests rejected with 429" in operator.get("/console/figures").text
