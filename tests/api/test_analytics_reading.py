"""What the analytical store answers is what PostgreSQL answers, and nobody waits for one that does not."""

import json
import os
import socket
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from api.analytics import clickhouse, erasing, jobs, reading
from api.analytics.clickhouse import ClickHouse
from api.analytics.store import Store, StoreAway
from api.decisions import breakdowns, in_store, search, services
from api.decisions.hourly import values
from api.decisions.hourly.spans import Span
from api.decisions.hourly.values import ValueCount
from api.decisions.schema import DecisionFilter
from api.keys.token import KeyEnvironment
from core.clock import monotonic_s, utc_now
from core.db import acting_as_system, acting_for, db, transaction
from core.ids import derived_uuid
from core.observability import ANALYTICS_READS
from tests.api.test_hourly import HOUR, some, write
from tests.cast import Member

KINDS = ("model", "operation", "reason", "department", "application", "policy")
NOW = utc_now()
NAMES = st.sampled_from(["gpt-4o", "GPT-4o", "gpt-4o-mini", "Modèle-É", "İstanbul", "a'b\\c", "50%_*", "\ttab", "ß"])
FACTS = st.one_of(st.none(), NAMES)
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "model": NAMES,
            "operation": st.sampled_from(["chat", "Chat", "fine-tuning", "fine_tuning"]),
            "environment": st.sampled_from(["live", "test"]),
            "allowed": st.booleans(),
            "reason": st.sampled_from(["ok", "too_risky"]),
            "department": FACTS,
            "application": FACTS,
            "policies": st.lists(st.sampled_from(["rules", "models", "o'p"]), max_size=3),
            "age_minutes": st.integers(min_value=1, max_value=300),
        }
    ),
    max_size=12,
)
MOMENTS = st.one_of(st.none(), st.integers(min_value=0, max_value=320).map(lambda ago: NOW - timedelta(minutes=ago)))
WANTED = st.one_of(st.none(), NAMES, st.sampled_from(["gpt*", "*", "GPT-4O", "modèle*", "none", "50%*"]))
FILTERS = st.builds(
    DecisionFilter,
    model=WANTED,
    operation=st.sampled_from([None, "chat", "FINE-TUNING", "none"]),
    allowed=st.sampled_from([None, True, False]),
    reason=st.sampled_from([None, "ok", "too_risky", "o'k"]),
    environment=st.sampled_from([None, *KeyEnvironment]),
    department=WANTED,
    application=st.one_of(st.none(), st.none(), WANTED),
    since=MOMENTS,
    to=MOMENTS,
)


def answered_by(server: str) -> float:
    return ANALYTICS_READS.labels(server)._value.get()  # type: ignore[no-any-return]


def put_on_record(organization_id: UUID, row: dict[str, Any]) -> None:
    facts = {name: row[name] for name in ("department", "application") if row[name] is not None}
    at = NOW - timedelta(minutes=row["age_minutes"])
    identifier = derived_uuid(at_ms=int(at.timestamp() * 1000), noise=int.from_bytes(os.urandom(9)))
    write(
        Member(organization_id, "", uuid4(), ""),
        at,
        id=identifier,
        model=row["model"],
        operation=row["operation"],
        environment=row["environment"],
        allowed=row["allowed"],
        reason=row["reason"],
        metadata=json.dumps(facts),
        reasons=json.dumps([{"policy": policy} for policy in row["policies"]]),
    )


def pages_of(organization_id: UUID, chosen: DecisionFilter, size: int) -> list[UUID]:
    found: list[UUID] = []
    after = None
    while True:
        page = search.find_page(organization_id, chosen, subject_secret=b"", after=after, size=size)
        found += [row.id for row in page.decisions]
        after = page.next_after
        if after is None:
            return found


def plainly(organization_id: UUID, chosen: DecisionFilter) -> list[UUID]:
    rows = services.list_page(organization_id, chosen, subject_secret=b"", after=None, size=1_000)
    return [row.id for row in rows]


def counted(organization_id: UUID, environment: str | None) -> dict[str, list[ValueCount]]:
    since, to = NOW - timedelta(minutes=250), NOW - timedelta(minutes=20)
    span = Span(organization_id, since, since, since, to)
    found = values.counts_of(span, kinds=KINDS, environment=environment)
    return {kind: sorted(counts, key=lambda one: one.value) for kind, counts in found.items()}


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(fed=ROWS, others=ROWS, later=ROWS, chosen=st.lists(FILTERS, min_size=4, max_size=4), size=st.integers(1, 5))
def test_any_search_and_any_count_is_the_same_from_both(
    store: Store,
    app: Flask,
    fed: list[dict[str, Any]],
    others: list[dict[str, Any]],
    later: list[dict[str, Any]],
    chosen: list[DecisionFilter],
    size: int,
) -> None:
    """Of an organization beside another, with rows that the store was fed and rows that came since."""
    own, other = uuid4(), uuid4()
    with acting_as_system(), transaction():
        db.session.execute(text("SELECT ensure_decision_partition(:day)"), {"day": (NOW - timedelta(days=1)).date()})
        for of, rows in ((own, fed), (other, others)):
            for row in rows:
                put_on_record(of, row)
    assert jobs.feed_now(store)
    with acting_as_system(), transaction():
        for row in later:
            put_on_record(own, row)
    is_asked = [one for one in chosen if in_store._is_worth_it(one)]

    with acting_for(own):
        before = answered_by("clickhouse")
        found = [pages_of(own, one, size) for one in chosen]
        counts = [search.count_up_to(own, one, subject_secret=b"", most=3) for one in chosen]
        values_of_both = [counted(own, environment) for environment in (None, "live")]
        assert answered_by("clickhouse") >= before + 2 * len(is_asked) + 2
        expected = [plainly(own, one) for one in chosen]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(reading, "ask", lambda *_: None)
            values_of_log = [counted(own, environment) for environment in (None, "live")]

    assert found == expected
    assert counts == [min(len(one), 4) for one in expected]
    assert values_of_both == values_of_log


def search_of(member: Member, chosen: DecisionFilter | None = None) -> list[UUID]:
    with acting_for(member.organization_id):
        return pages_of(member.organization_id, chosen or DecisionFilter(model="gpt-4o"), 50)


@pytest.fixture
def fed(store: Store, app: Flask, ada: Member) -> Store:
    some(app, ada, utc_now(), hours=5)
    assert jobs.feed_now(store)
    return store


def asked_of(action: Callable[[], object]) -> str:
    """Which server answered."""
    before = answered_by("clickhouse")
    action()
    return "clickhouse" if answered_by("clickhouse") > before else "postgresql"


def test_a_store_that_is_fed_is_asked(fed: Store, ada: Member) -> None:
    assert asked_of(lambda: search_of(ada)) == "clickhouse"


@pytest.mark.parametrize("name", ["gpt-4o*", "GPT-4O*", "Gpt-4o", "*"])
def test_names_are_compared_without_case_as_postgresql_does(fed: Store, ada: Member, name: str) -> None:
    chosen = DecisionFilter(model=name)

    with acting_for(ada.organization_id):
        assert pages_of(ada.organization_id, chosen, 50) == plainly(ada.organization_id, chosen) != []


def test_what_has_an_index_is_asked_of_postgresql(fed: Store, ada: Member) -> None:
    assert asked_of(lambda: search_of(ada, DecisionFilter(model="gpt-4o", key=ada.shown_key_id))) == "postgresql"
    assert asked_of(lambda: search_of(ada, DecisionFilter())) == "postgresql"


def test_while_an_erasure_is_on_its_way_postgresql_answers(fed: Store, ada: Member, cleo: Member) -> None:
    with transaction():
        erasing.note_everything(ada.organization_id, now=utc_now())

    assert asked_of(lambda: search_of(ada)) == "postgresql"
    assert asked_of(lambda: search_of(cleo)) == "clickhouse"


@pytest.mark.parametrize("complete_at", ["now() - interval '6 minutes'", "NULL"])
def test_a_store_that_is_behind_is_not_asked(fed: Store, ada: Member, complete_at: str) -> None:
    with acting_as_system(), transaction():
        db.session.execute(text(f"UPDATE analytics_cursor SET complete_at = {complete_at}"))

    assert asked_of(lambda: search_of(ada)) == "postgresql"


def test_a_decision_that_only_the_store_has_is_not_shown_and_hides_no_other(fed: Store, ada: Member) -> None:
    """Deleted behind the service's back: PostgreSQL says what there is."""
    newest = "SELECT id FROM decision WHERE model = 'gpt-4o' ORDER BY decided_at DESC LIMIT 1"
    with acting_as_system(), transaction():
        db.session.execute(text("SELECT set_config('role', 'none', true)"))
        db.session.execute(text(f"DELETE FROM decision WHERE id = ({newest})"))
    chosen = DecisionFilter(model="gpt-4o")

    with acting_for(ada.organization_id):
        assert pages_of(ada.organization_id, chosen, 1) == plainly(ada.organization_id, chosen) != []


def test_what_was_inserted_before_the_cursor_moved_counts_once(fed: Store, ada: Member) -> None:
    with acting_as_system(), transaction():
        db.session.execute(text("UPDATE analytics_cursor SET recorded_through = recorded_through - 9"))
    chosen = DecisionFilter(model="*")

    with acting_for(ada.organization_id):
        expected = plainly(ada.organization_id, chosen)
        assert pages_of(ada.organization_id, chosen, 3) == expected
        assert search.count_up_to(ada.organization_id, chosen, subject_secret=b"", most=100) == len(expected)
        since = utc_now() - timedelta(days=1)
        span = Span(ada.organization_id, since, since, since, utc_now())
        models = values.counts_of(span, kinds=["model"])["model"]
        assert sum(one.all for one in models) == len(expected)


def test_nobody_waits_for_a_store_that_hangs(
    fed: Store, app: Flask, ada: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that takes connections and says nothing: the first to ask waits a second, nobody after."""
    expected = search_of(ada)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/aig"
        hanging = ClickHouse(url, within_s=clickhouse.READS_WITHIN_S, server_ends_s=1, places=8)
        monkeypatch.setattr(clickhouse, "for_reading", lambda _url: hanging)
        waited_s = []
        for _ in range(6):
            began_s = monotonic_s()
            assert search_of(ada) == expected
            waited_s.append(monotonic_s() - began_s)

    assert max(waited_s) < clickhouse.READS_WITHIN_S + 2
    assert max(waited_s[1:]) < clickhouse.READS_WITHIN_S / 2


def test_a_store_that_is_not_there_costs_nothing_but_a_refusal(
    fed: Store, app: Flask, ada: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = search_of(ada)
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    gone = ClickHouse(f"http://127.0.0.1:{port}/aig", within_s=1.0, server_ends_s=1, places=8)
    monkeypatch.setattr(clickhouse, "for_reading", lambda _url: gone)

    assert search_of(ada) == expected
    with pytest.raises(StoreAway):
        gone.rows("SELECT 1")


def test_the_dashboard_counts_what_it_counted_before(fed: Store, ada: Member) -> None:
    now = utc_now()
    span: dict[str, Any] = {"environment": "live", "since": now - 4 * HOUR, "to": now}
    with acting_for(ada.organization_id):
        assert asked_of(lambda: breakdowns.shares_in(ada.organization_id, **span)) == "clickhouse"
        shares = breakdowns.shares_in(ada.organization_id, **span)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(reading, "ask", lambda *_: None)
            assert breakdowns.shares_in(ada.organization_id, **span) == shares
    assert shares["model"]
