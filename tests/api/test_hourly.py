"""Counts by the hour say what the log says, whatever came late or was erased."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskCliRunner
from sqlalchemy import text

from api.checks.service import hash_subject
from api.decisions import breakdowns, key_erasure, retention, statistics
from api.decisions import jobs as decision_jobs
from api.decisions.hourly import counting
from api.decisions.hourly.spans import span_of
from api.keys import services as keys
from api.recording.postgres import LateRowsSink
from core.accounts import Organization
from core.audit import COMMAND_LINE
from core.clock import utc_now
from core.db import acting_as_system, acting_for, db, transaction
from core.ids import new_uuid, time_of
from tests.cast import Caller, Member
from tests.conftest import SharedConnection

HOUR = timedelta(hours=1)
MODELS, DEPARTMENTS = ("gpt-4o", "GPT-4o", "other"), ("support", None, "sales")


def write(member: Member, at: datetime, number: int = 0, **changes: Any) -> UUID:
    """A row of the log; which, follows from its number."""
    identifier = new_uuid(at_ms=int(at.timestamp() * 1000))
    row = {
        "id": identifier,
        "at": time_of(identifier),
        "organization": member.organization_id,
        "key": member.key_id,
        "environment": "live" if number % 4 else "test",
        "model": MODELS[number % 3],
        "operation": "chat",
        "metadata": f'{{"department": "{found}"}}' if (found := DEPARTMENTS[number % 3]) else "{}",
        "subject": None,
        "allowed": number % 5 != 0,
        "reason": "ok" if number % 5 else "contains_personal_data",
        "reasons": "[]" if number % 5 else '[{"code": "a", "policy": "rules"}, {"code": "b", "policy": "rules"}]',
    } | changes
    db.session.execute(
        text("""
            INSERT INTO decision (id, decided_at, organization_id, api_key_id, environment, model, operation, metadata,
                                  subject, risk_score, allowed, reason, reasons, policy_version, latency_us, request_id)
            VALUES (:id, :at, :organization, :key, :environment, :model, :operation, CAST(:metadata AS jsonb),
                    :subject, 0, :allowed, :reason, CAST(:reasons AS jsonb), 1, 5, 'req_1')
        """),
        row,
    )
    return identifier


def some(app: Flask, member: Member, now: datetime, hours: int = 30, each: int = 4) -> None:
    with app.app_context(), acting_as_system(), transaction():
        for days in range(hours // 24 + 2):
            db.session.execute(
                text("SELECT ensure_decision_partition(:day)"), {"day": (now - timedelta(days=days)).date()}
            )
        for number in range(hours * each):
            write(member, now - timedelta(minutes=5 + number * 60 / each), number)


def count(app: Flask, now: datetime) -> None:
    with app.app_context(), acting_as_system(), transaction():
        for since, until in counting.steps(now=now):
            counting.recount(since=since, until=until)


def everything(app: Flask, member: Member, now: datetime) -> dict[str, Any]:
    """What pages show of the last day and a bit, which begins in the middle of an hour."""
    organization_id = member.organization_id
    span: dict[str, Any] = {"since": now - 25.5 * HOUR, "to": now}
    live: dict[str, Any] = {**span, "environment": "live"}
    aligned: dict[str, Any] = {"since": counting.full_hour(now) - 24 * HOUR, "to": counting.full_hour(now) + HOUR}
    with app.app_context(), acting_for(organization_id):
        slots = statistics.over_time(organization_id, environment="live", **aligned, step=HOUR)
        uneven = statistics.over_time(organization_id, **live, step=0.5 * HOUR)
        return {
            "slots": slots,
            "uneven": [(slot.allowed, slot.blocked) for slot in uneven],
            "counts": breakdowns.counts_in(organization_id, **live),
            "shares": breakdowns.shares_in(organization_id, **live),
            "values": breakdowns.values_in(organization_id, **span),
            "reasons": statistics.top_reasons(organization_id, **live),
            "policies": statistics.blocked_by_policy(organization_id, **span),
            "busiest": statistics.busiest_minutes(organization_id, **live),
        }


def rolled_hours(app: Flask, member: Member) -> int:
    with app.app_context(), acting_for(member.organization_id):
        query = text("SELECT count(*) FROM decision_hour WHERE organization_id = :id")
        return int(db.session.scalar(query, {"id": member.organization_id}) or 0)


def test_counted_hours_say_what_the_log_says(app: Flask, ada: Member, cleo: Member) -> None:
    now = utc_now()
    some(app, ada, now)
    some(app, cleo, now, each=1)
    before = everything(app, ada, now)

    count(app, now)

    assert rolled_hours(app, ada) > 20
    assert everything(app, ada, now) == before
    assert before["policies"]["rules"] > 2
    assert before["counts"].all > 60


def test_counting_twice_or_anew_changes_nothing(app: Flask, ada: Member) -> None:
    now = utc_now()
    some(app, ada, now, hours=5)
    count(app, now)
    before, hours = everything(app, ada, now), rolled_hours(app, ada)

    count(app, now)
    result = FlaskCliRunner(app).invoke(args=["decisions", "recount"])

    assert result.exit_code == 0, result.output
    assert (everything(app, ada, now), rolled_hours(app, ada)) == (before, hours)


def test_pages_read_counted_hours_and_not_the_log(app: Flask, ada: Member) -> None:
    now = utc_now()
    some(app, ada, now, hours=6)
    count(app, now)
    with app.app_context(), acting_for(ada.organization_id):
        span = span_of(ada.organization_id, since=now - 4.5 * HOUR, to=now)

    assert (span.first, span.last) == (
        counting.full_hour(now - 3.5 * HOUR),
        counting.full_hour(now - counting.SETTLED_AFTER),
    )


def late(ada: Member, at: datetime) -> bytes:
    moment = at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return (
        f'{{"id":"{new_uuid(at_ms=int(at.timestamp() * 1000))}","decided_at":"{moment}",'
        f'"organization_id":"{ada.organization_id}","api_key_id":"{ada.key_id}","environment":"live","model":"late",'
        '"operation":"chat","metadata":{},"subject":null,"risk_score":0,"allowed":true,"reason":"ok","reasons":[],'
        '"policy_version":1,"latency_us":1,"request_id":"req_1"}'
    ).encode()


def replay(app: Flask, rows: list[bytes]) -> None:
    with app.app_context():
        engine: Any = db.engine
        shared = SharedConnection(engine)
        LateRowsSink(lambda: shared).write(rows)  # type: ignore[arg-type,return-value]


def erase_subject(app: Flask, ada: Member) -> None:
    with app.app_context(), acting_as_system(), transaction():
        organization = db.session.get_one(Organization, ada.organization_id)
        retention.erase_subject(organization, "patient", by=COMMAND_LINE, now=utc_now())


def erase_key(app: Flask, ada: Member) -> None:
    with app.app_context(), acting_for(ada.organization_id), transaction():
        keys.revoke(ada.organization_id, ada.key_id, reason=None, by=COMMAND_LINE, now=utc_now())
        key_erasure.erase_key(ada.organization_id, ada.key_id, by=COMMAND_LINE, now=utc_now())


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda app, ada: replay(app, [late(ada, utc_now() - 3 * HOUR)]), {"gpt-4o", "GPT-4o", "other", "late", "his"}),
        (erase_subject, {"gpt-4o", "GPT-4o", "other"}),
        (erase_key, set()),
    ],
    ids=["a spool replayed late", "a person erased", "a key erased"],
)
def test_what_changes_afterwards_is_counted_again(
    app: Flask, ada: Member, change: Callable[[Flask, Member], None], expected: set[str]
) -> None:
    now = utc_now()
    some(app, ada, now, hours=5)
    with app.app_context(), acting_as_system(), transaction():
        secret = db.session.get_one(Organization, ada.organization_id).subject_secret
        digest = bytes.fromhex(hash_subject("patient", secret=secret))
        write(ada, now - 3 * HOUR, 1, model="his", subject=digest)
    count(app, now)

    change(app, ada)
    with app.app_context():
        decision_jobs.recount_changed_hours(0)

    with app.app_context(), acting_for(ada.organization_id):
        found = breakdowns.values_in(ada.organization_id, since=now - 6 * HOUR, to=counting.full_hour(now) - HOUR)
    assert set(found.get("model", [])) == expected


def test_rows_that_come_in_time_mark_nothing(app: Flask, ada: Member, as_ada: Caller) -> None:
    replay(app, [late(ada, utc_now())])

    with app.app_context(), acting_as_system():
        assert db.session.scalar(text("SELECT count(*) FROM changed_decision_hour")) == 0


def test_an_odd_row_is_counted_like_the_others(app: Flask, ada: Member) -> None:
    now = utc_now()
    some(app, ada, now, hours=3)
    with app.app_context(), acting_as_system(), transaction():
        write(ada, now - 2 * HOUR, 5, metadata="[1]", reasons='"none"', reason="of old", allowed=False)
        write(ada, now - 2 * HOUR, 5, metadata="null", reasons="null", model="", environment="live")

    count(app, now)

    shown = everything(app, ada, now)
    assert "of old" in shown["values"]["reason"]
    assert "" in shown["values"]["model"]


def test_the_purge_and_the_end_of_an_account_take_counts_along(app: Flask, ada: Member, cleo: Member) -> None:
    now = utc_now()
    some(app, ada, now, hours=3)
    some(app, cleo, now, hours=3)
    count(app, now)

    with app.app_context(), transaction():
        retention.delete_everything(cleo.organization_id, now=utc_now())
        retention.purge(now=now + timedelta(days=100))

    assert rolled_hours(app, ada) == rolled_hours(app, cleo) == 0
