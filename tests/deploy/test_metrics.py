"""The page that Prometheus reads: it tells how the service does, and nothing of whom it serves."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from flask import Flask
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample
from redis import RedisError
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from api.keys.token import KeyEnvironment
from api.limits.shared import SharedLimiter
from api.recording.recorder import DecisionNotRecorded
from api.recording.spool import Spool
from api.runtime import Runtime
from core.clock import utc_now
from core.current import settings
from core.db import acting_as_system, db, sqlalchemy_url, transaction
from core.observability import gauge_at_scrape
from core.observability import scrape as page
from core.observability.metrics import DATABASE_CONNECTION_ERRORS, DATABASE_POOL_IN_USE
from core.observability.pool import watch_database
from core.observability.queries import kind_of, time_queries
from tests.cast import HARMLESS, Caller, Member, another_key, organization_with_key
from tests.deploy.test_dashboard import TOKEN
from tests.people import log_in, person
from tests.services import RedisServer, free_port

OUR_WORDS = {
    *("method", "route", "status", "le", "code", "outcome", "environment", "reason", "stage", "purpose", "to"),
    *("severity", "clock", "component", "impact", "state", "name", "kind", "server"),
}
OF_THE_LIBRARY = {"generation", "implementation", "major", "minor", "patchlevel", "version", "pid"}

Scrape = Callable[[], dict[str, float]]


def samples(caller: Caller) -> Iterator[Sample]:
    for family in text_string_to_metric_families(caller.get("/metrics", headers=TOKEN).text):
        yield from family.samples


@pytest.fixture
def scrape(as_nobody: Caller) -> Scrape:
    """Values, by name and labels."""

    def read() -> dict[str, float]:
        return {
            sample.name + "".join(f" {label}={value}" for label, value in sorted(sample.labels.items())): sample.value
            for sample in samples(as_nobody)
        }

    return read


def test_no_label_tells_whom_we_serve(app: Flask, ada: Member, as_ada: Caller, as_nobody: Caller) -> None:
    owner = person(app, "Ada", ada.organization_id)
    shown_id = as_ada.check(model="a-model-of-adas", operation="an_operation").json["decision_id"]
    as_ada.check(metadata={"department": "harbour"})
    as_ada.post("/v1/check", {**HARMLESS, "prompt": "words"})
    as_ada.get(f"/v1/decisions/{shown_id}")
    as_ada.get(f"/v1/keys/{ada.shown_key_id}")
    for path in ("/keys", f"/keys/{ada.key_id}", f"/decisions/{shown_id}", f"/nothing/{owner.email}"):
        owner.get(path)
    log_in(owner.browser, owner.email)
    as_nobody.send(owner.email.upper(), "/v1/check")

    page = list(samples(as_nobody))

    values = " ".join(value for sample in page for value in sample.labels.values())
    telling = (ada.slug, str(ada.organization_id), ada.organization_id.hex, str(ada.key_id), ada.key_id.hex)
    people = (str(owner.user_id), owner.user_id.hex, owner.email, owner.email.upper())
    words = (shown_id, ada.secret, ada.secret[:12], "a-model-of-adas", "an_operation", "harbour")
    assert [one for one in (*telling, *people, *words) if one in values] == []
    assert {label for sample in page for label in sample.labels} <= OUR_WORDS | OF_THE_LIBRARY


def test_every_answer_that_left_is_one_that_was_recorded(as_ada: Caller, scrape: Scrape) -> None:
    def counted(name: str) -> float:
        return sum(value for key, value in scrape().items() if key.startswith(name + " "))

    answered, recorded = counted("aig_checks_total"), counted("aig_decisions_recorded_total")

    as_ada.check()
    as_ada.post("/v1/checks", {"checks": [HARMLESS, {**HARMLESS, "unknown": 1}, HARMLESS]})
    as_ada.post("/v1/check", b"{")

    assert counted("aig_checks_total") - answered == 3
    assert counted("aig_decisions_recorded_total") - recorded == 3


def test_an_answer_that_could_not_be_recorded_is_not_counted_as_given(
    as_ada: Caller, room: Runtime, scrape: Scrape, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room.recorder, "_store", lambda _rows: False)
    before = scrape()

    assert as_ada.check().status_code == 503

    after = scrape()
    failed = "http_server_request_duration_seconds_count method=POST route=/v1/check status=503"
    allowed = "aig_checks_total environment=live outcome=allowed"
    assert after[failed] - before.get(failed, 0) == 1
    assert after[allowed] == before[allowed]
    assert after["aig_decision_record_failures_total"] - before["aig_decision_record_failures_total"] == 1


def test_blocked_checks_are_counted_by_reason_and_a_customers_own_as_other(as_ada: Caller, scrape: Scrape) -> None:
    rule = {
        "code": "no_harbour",
        "when": {"all": ["department == 'harbour'"]},
        "message": "Not there.",
        "fix": "Elsewhere.",
    }
    assert as_ada.patch("/v1/policies/rules", {"value": [rule]}).status_code == 200
    before = scrape()

    as_ada.check(metadata={"contains_personal_data": True})
    as_ada.check(metadata={"department": "harbour"})

    after = scrape()
    assert after["aig_checks_blocked_total reason=contains_personal_data"] == (
        before["aig_checks_blocked_total reason=contains_personal_data"] + 1
    )
    assert after["aig_checks_blocked_total reason=other"] == before["aig_checks_blocked_total reason=other"] + 1


def test_what_is_beyond_a_limit_is_counted_also_within_a_batch(app: Flask, scrape: Scrape) -> None:
    member = organization_with_key(app, rate_limit=2)
    caller = Caller(app.test_client(), member.secret)
    before = scrape()

    caller.post("/v1/checks", {"checks": [HARMLESS] * 5})
    caller.check()
    for _ in range(3):
        caller.get("/v1/keys")

    after = scrape()
    assert after["aig_rate_limit_hits_total purpose=check"] - before["aig_rate_limit_hits_total purpose=check"] == 4
    assert after["aig_rate_limit_hits_total purpose=manage"] - before["aig_rate_limit_hits_total purpose=manage"] == 1


def test_keys_count_while_they_open_something(app: Flask, ada: Member, scrape: Scrape) -> None:
    now = utc_now()
    another_key(app, ada, environment=KeyEnvironment.TEST)
    another_key(app, ada, expires_at=now + timedelta(hours=1), now=now - timedelta(days=1))

    values = scrape()

    assert values["aig_api_keys_active environment=live"] == 2
    assert values["aig_api_keys_active environment=test"] == 1


def test_the_spool_tells_how_much_waits_and_for_how_long(app: Flask, scrape: Scrape) -> None:
    with app.app_context():
        root = settings().spool_path
    left_at = (utc_now() - timedelta(minutes=7)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    spool = Spool(root, max_bytes=1_000_000)
    assert scrape()["aig_spool_oldest_seconds"] == 0

    rows = [f'{{"decided_at":"{left_at}"}}'.encode(), b'{"decided_at":"2999-01-01T00:00:00Z"}']
    spool.append(rows, to_disk=False)
    spool.quarantine(b"refused")
    values = scrape()

    assert values["aig_spool_bytes"] == len(rows[0]) + len(rows[1]) + 2
    assert 419 < values["aig_spool_oldest_seconds"] < 440
    assert values["aig_spool_max_bytes"] == 1_000_000_000
    for segment in spool.sealed_segments():
        spool.remove(segment)
    spool.close()


def test_redis_tells_its_memory_and_its_absence_takes_nothing_else_away(
    room: Runtime, redis_server: RedisServer, scrape: Scrape, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "aig_redis_memory_used_bytes" not in scrape()
    room.shared_limiter = SharedLimiter(redis_server.url)

    values = scrape()

    assert 0 < values["aig_redis_memory_used_bytes"] < values["aig_redis_memory_max_bytes"]

    def be_away(*_: object) -> None:
        raise RedisError

    monkeypatch.setattr(room.shared_limiter, "info", be_away)
    without = scrape()
    assert "aig_redis_memory_used_bytes" not in without
    assert without["aig_disk_used_bytes"] < without["aig_disk_size_bytes"]


def test_without_a_database_the_rest_is_told(scrape: Scrape, monkeypatch: pytest.MonkeyPatch) -> None:
    def be_away(*_: object) -> None:
        raise OperationalError("SET", {}, Exception("away"))

    monkeypatch.setattr("core.observability.scrape.db.session.execute", be_away)

    values = scrape()

    assert "aig_jobs_waiting" not in values
    assert "aig_disk_used_bytes" in values
    assert "aig_unhandled_errors_total" in values


def test_a_gauge_that_the_database_refuses_takes_no_other_with_it(app: Flask, scrape: Scrape) -> None:
    @gauge_at_scrape("aig_of_a_test", "Cannot be read.")
    def read() -> list[tuple[dict[str, str], float]]:
        db.session.execute(text("SELECT 1 / 0"))
        return []

    try:
        values = scrape()
    finally:
        collector = page._OF_DATABASE._names_to_collectors["aig_of_a_test"]
        page._OF_DATABASE.unregister(collector)

    assert "aig_of_a_test" not in values
    assert values["aig_jobs_failed"] == 0


def test_jobs_that_wait_are_counted_from_when_they_were_due(app: Flask, scrape: Scrape) -> None:
    jobs = "INSERT INTO jobs.procrastinate_jobs (queue_name, task_name, status, scheduled_at) VALUES "
    with app.app_context(), acting_as_system(), transaction():
        db.session.execute(text("SET LOCAL search_path = jobs, public"))
        db.session.execute(
            text(
                jobs + "('default', 'due', 'todo', :due), ('default', 'later', 'todo', :later), "
                "('default', 'lost', 'failed', NULL), ('default', 'done', 'succeeded', NULL)"
            ),
            {"due": utc_now() - timedelta(minutes=9), "later": utc_now() + timedelta(minutes=9)},
        )

    values = scrape()

    assert values["aig_jobs_waiting"] == 1
    assert 539 < values["aig_jobs_oldest_waiting_seconds"] < 560
    assert values["aig_jobs_failed"] == 1


def test_the_pool_tells_what_is_in_use_and_what_never_came_about(migrated_url: str) -> None:
    engine = create_engine(sqlalchemy_url(migrated_url))
    watch_database(engine)
    before = DATABASE_POOL_IN_USE._value.get()

    with engine.connect(), engine.connect():
        assert DATABASE_POOL_IN_USE._value.get() - before == 2

    assert DATABASE_POOL_IN_USE._value.get() == before
    engine.dispose()


def test_requests_are_counted_by_what_became_of_them_and_a_failure_is_no_new_series(
    app: Flask, ada: Member, as_nobody: Caller, scrape: Scrape, monkeypatch: pytest.MonkeyPatch
) -> None:
    def is_lost(*_: object) -> None:
        raise DecisionNotRecorded

    caller = Caller(app.test_client(), another_key(app, ada, rate_limit=3).secret)
    before = scrape()
    caller.check()
    caller.check(model="")
    with monkeypatch.context() as broken:
        broken.setattr("api.v1.check_path.service.record", is_lost)
        caller.check()
    caller.check()
    as_nobody.check()

    after = scrape()
    grown = {
        (outcome, environment): after[name] - before[name]
        for outcome in ("answered", "limited", "refused", "failed")
        for environment in ("live", "none")
        for name in [f"aig_check_requests_total environment={environment} outcome={outcome}"]
    }
    assert {key for key, value in grown.items() if value} == {
        *((outcome, "live") for outcome in ("answered", "limited", "refused", "failed")),
        ("refused", "none"),
    }


def test_statements_are_timed_by_their_kind_also_those_that_fail(migrated_url: str, scrape: Scrape) -> None:
    engine = create_engine(sqlalchemy_url(migrated_url), connect_args={"options": "-c statement_timeout=200"})
    time_queries(engine)
    name = "aig_database_query_duration_seconds"
    before = scrape()

    with engine.connect() as connection:
        connection.execute(text("SELECT pg_sleep(0.15)"))
        with pytest.raises(OperationalError, match="statement timeout"):
            connection.execute(text("SELECT pg_sleep(9)"))

    after = scrape()
    engine.dispose()
    grown = {one: after[one] - before.get(one, 0) for one in after}
    assert grown[f"{name}_count kind=select"] >= 2
    assert grown[f"{name}_sum kind=select"] > 0.3
    assert grown[f"{name}_bucket kind=select le=+Inf"] - grown[f"{name}_bucket kind=select le=0.1"] == 2


@pytest.mark.parametrize(
    ("statement", "kind"),
    [
        ("SELECT 1", "select"),
        ("\n  with a as (select 1) SELECT 1", "select"),
        ("INSERT INTO a VALUES (1)", "insert"),
        ("UPDATE a SET b = 1", "update"),
        ("DELETE FROM a", "delete"),
        ("SELECT set_config('role', 'aig_app', true)", "other"),
        ("SAVEPOINT a", "other"),
        ("", "other"),
    ],
)
def test_a_statement_is_one_of_few_kinds(statement: str, kind: str) -> None:
    assert kind_of(statement) == kind


def test_a_database_that_cannot_be_reached_is_counted() -> None:
    engine = create_engine(f"postgresql+psycopg://nobody@127.0.0.1:{free_port()}/nothing")
    watch_database(engine)
    in_use, errors = DATABASE_POOL_IN_USE._value.get(), DATABASE_CONNECTION_ERRORS._value.get()

    with pytest.raises(OperationalError):
        engine.connect()

    assert DATABASE_CONNECTION_ERRORS._value.get() == errors + 1
    assert DATABASE_POOL_IN_USE._value.get() == in_use
