"""The decision log: pages, filters, one decision, exports, and whose it is."""

import csv
import io
import json
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import psycopg
import pytest
from flask import Flask
from sqlalchemy import text

from api.decisions.export import lines
from api.decisions.schema import ExportFormat
from api.keys.token import KeyEnvironment
from core.clock import utc_now
from core.db import acting_as_system, acting_for, db
from core.ids import new_uuid, time_of
from tests.cast import Caller, Member, another_key, exports


def ids_of(answer: Any) -> list[str]:
    return [decision["decision_id"] for decision in answer.json["decisions"]]


def test_the_log_comes_in_pages_newest_first_without_gaps_or_repeats(as_ada: Caller) -> None:
    made = [as_ada.check().json["decision_id"] for _ in range(5)]

    seen, cursor = [], ""
    for _ in range(3):
        page = as_ada.get(f"/v1/decisions?limit=2{cursor}")
        seen += ids_of(page)
        cursor = f"&cursor={page.json['next_cursor']}"

    assert sorted(seen) == sorted(made)
    assert seen == sorted(seen, reverse=True)
    assert page.json["next_cursor"] is None


def test_twenty_is_the_page_and_a_hundred_the_most(as_ada: Caller) -> None:
    as_ada.post("/v1/checks", {"checks": [{"model": "m", "operation": "chat"}] * 21})

    assert len(ids_of(as_ada.get("/v1/decisions"))) == 20
    assert as_ada.get("/v1/decisions?limit=100").status_code == 200
    assert as_ada.get("/v1/decisions?limit=101").status_code == 422


@pytest.mark.parametrize(
    ("query", "finds"),
    [
        ("model=gpt-4o", {"a", "b"}),
        ("model=own", {"c"}),
        ("operation=embeddings", {"b"}),
        ("allowed=true", {"b", "c"}),
        ("allowed=false", {"a"}),
        ("reason=contains_personal_data", {"a"}),
        ("subject=person-1", {"c"}),
        ("environment=live", {"a", "b", "c"}),
        ("environment=test", set()),
        ("from=2020-01-01T00:00:00Z", {"a", "b", "c"}),
        ("to=2020-01-01T00:00:00Z", set()),
        ("model=gpt-4o&allowed=true", {"b"}),
    ],
)
def test_the_log_can_be_filtered(as_ada: Caller, query: str, finds: set[str]) -> None:
    made = {
        "a": as_ada.check(metadata={"contains_pii": True}),
        "b": as_ada.check(operation="embeddings"),
        "c": as_ada.check(model="own", subject="person-1"),
    }

    found = ids_of(as_ada.get(f"/v1/decisions?{query}"))

    assert {name for name, answer in made.items() if answer.json["decision_id"] in found} == finds
    assert len(found) == len(finds)


def test_the_log_can_be_filtered_by_key(app: Flask, as_ada: Caller, ada: Member) -> None:
    other = another_key(app, ada)
    theirs = Caller(app.test_client(), other.secret).check().json["decision_id"]
    as_ada.check()

    assert ids_of(as_ada.get(f"/v1/decisions?key={other.shown_key_id}")) == [theirs]


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ("limit=0", "limit"),
        ("limit=x", "limit"),
        ("allowed=perhaps", "allowed"),
        ("from=yesterday", "from"),
        ("from=2026-01-01T00:00:00", "from"),
        ("from=20261128", "from"),
        ("from=2026", "from"),
        ("to=20261129", "to"),
        ("to=2026-11-29", "to"),
        ("from=2026-11-28T10:00:00%2B0200", "from"),
        ("from=", "from"),
        ("allowed=null", "allowed"),
        ("allowed=1", "allowed"),
        ("allowed=TRUE", "allowed"),
        ("allowed=", "allowed"),
        ("environment=null", "environment"),
        ("limit=1e1", "limit"),
        ("limit=5.0", "limit"),
        ("limit=null", "limit"),
        ("key=1", "key"),
        ("cursor=1", "cursor"),
        ("page=2", "page"),
        ("limit=1&limit=2", "limit"),
        ("model=%00", "model"),
        ("from=2026-11-28T24:00:00Z", "from"),
        ("from=2026-06-30T23:59:60Z", "from"),
        ("from=2026-11-28T10:00:00+02:00", "from"),
        ("from=2026-11-28T10:00:00%2B24:00", "from"),
        ("from=0000-01-01T00:00:00Z", "from"),
        ("to=2026-11-28T10:00:00Z%0A", "to"),
        ("limit=%2B1", "limit"),
        ("limit=01", "limit"),
        ("limit=%201", "limit"),
        ("limit=%EF%BC%91", "limit"),
        ("limit=1_0", "limit"),
        ("allowed=%20true", "allowed"),
        ("environment=LIVE", "environment"),
        ("model=" + "x" * 129, "model"),
    ],
)
def test_a_bad_parameter_is_named(as_ada: Caller, query: str, path: str) -> None:
    answer = as_ada.get(f"/v1/decisions?{query}")

    assert (answer.status_code, answer.json["errors"][0]["path"]) == (422, path)


def test_a_filter_that_is_no_text_is_refused(as_ada: Caller) -> None:
    answer = as_ada.get("/v1/decisions?model=%ff")

    assert (answer.status_code, answer.json["code"]) == (422, "invalid_request")
    assert "UTF-8" in answer.json["detail"]


@pytest.mark.parametrize("query", ["to=20261129", "from=2026", "allowed=null", "format=xlsx", "format=CSV"])
def test_an_export_of_what_cannot_be_meant_is_refused_and_not_empty(
    app: Flask, as_ada: Caller, ada: Member, query: str
) -> None:
    as_ada.check()

    answer = as_ada.get(f"/v1/decisions/export?{query}")

    assert (answer.status_code, answer.json["errors"][0]["path"]) == (422, query.partition("=")[0])
    assert exports(app, ada) == []


def test_null_is_a_word_like_any_other_in_a_filter(as_ada: Caller) -> None:
    as_ada.check()

    assert ids_of(as_ada.get("/v1/decisions?model=null")) == []


def test_times_at_the_ends_of_the_calendar_are_no_500(as_ada: Caller) -> None:
    for moment in ("0001-01-01T00:00:00%2B23:59", "9999-12-31T23:59:59-23:59", "0000-01-01T00:00:00Z"):
        assert as_ada.get(f"/v1/decisions?from={moment}").status_code in {200, 422}, moment


@pytest.mark.parametrize("value", ["' OR 1=1 --", "%27;DROP TABLE decision", "1) UNION SELECT"])
def test_sql_in_a_filter_finds_nothing(as_ada: Caller, value: str) -> None:
    as_ada.check()

    answer = as_ada.get("/v1/decisions", query_string={"model": value})

    assert (answer.status_code, ids_of(answer)) == (200, [])


def test_a_stranger_sees_none_of_it(as_ada: Caller, as_cleo: Caller) -> None:
    mine = as_ada.check().json["decision_id"]

    assert as_cleo.get(f"/v1/decisions/{mine}").status_code == 404
    assert ids_of(as_cleo.get("/v1/decisions")) == []
    assert json.loads(as_cleo.get("/v1/decisions/export").data)["records"] == 0


@pytest.mark.parametrize("shown", ["dec_" + "0" * 32, "dec_x", "key_" + "0" * 32, "x", "dec_" + "f" * 32])
def test_what_is_no_decision_is_not_found(as_ada: Caller, shown: str) -> None:
    assert as_ada.get(f"/v1/decisions/{shown}").status_code == 404


def test_a_test_key_sees_only_tests(app: Flask, as_ada: Caller, ada: Member) -> None:
    live = as_ada.check().json["decision_id"]
    tester = Caller(app.test_client(), another_key(app, ada, environment=KeyEnvironment.TEST).secret)
    own = tester.check().json["decision_id"]

    assert ids_of(tester.get("/v1/decisions")) == [own]
    assert tester.get(f"/v1/decisions/{live}").status_code == 403
    assert live not in tester.get("/v1/decisions/export").text
    assert set(ids_of(as_ada.get("/v1/decisions"))) == {live, own}


def test_the_export_has_every_decision_in_both_formats_and_is_on_record(
    app: Flask, as_ada: Caller, ada: Member
) -> None:
    made = [as_ada.check().json["decision_id"] for _ in range(3)]

    *as_json, _ = [json.loads(line) for line in as_ada.get("/v1/decisions/export").text.splitlines()]
    table = as_ada.get("/v1/decisions/export?format=csv")
    *rows, _ = list(csv.DictReader(io.StringIO(table.text)))

    assert [row["decision_id"] for row in as_json] == [row["decision_id"] for row in rows] == made
    assert json.loads(rows[0]["metadata"]) == {"contains_personal_data": False}
    assert table.headers["Content-Disposition"] == 'attachment; filename="decisions.csv"'
    assert table.headers["RateLimit-Limit"] == "10000"
    assert exports(app, ada) == [("api_key", {"format": "ndjson"}), ("api_key", {"format": "csv"})]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_a_spreadsheet_formula_is_text_in_the_export(start: str) -> None:
    row = SimpleNamespace(
        id=UUID(int=0),
        api_key_id=UUID(int=0),
        decided_at=utc_now(),
        environment="live",
        model=start + "cmd",
        operation="chat",
        metadata_={},
        subject=None,
        risk_score=0,
        allowed=True,
        reason="ok",
        reasons=[],
        policy_version=1,
        latency_us=1,
        request_id="r",
        shadow=None,
        derivation=None,
        sdk=None,
    )

    header, line, _ = list(lines([row], ExportFormat.CSV))

    (cells,) = list(csv.reader(io.StringIO(line.decode(), newline="")))
    assert dict(zip(header.decode().strip().split(","), cells, strict=True))["model"] == f"'{start}cmd"


def insert_decisions(count: int, organization_id: UUID, decided_at: datetime, *, reasons: str = "[]") -> None:
    db.session.execute(text("SELECT ensure_decision_partition(:day)"), {"day": decided_at.date()})
    db.session.execute(
        text(
            "INSERT INTO decision SELECT gen_random_uuid(), :at, :organization, :organization, 'live', 'm', 'chat', "
            "'{}', NULL, 0, true, 'ok', CAST(:reasons AS jsonb), 1, 1, 'r' || number "
            "FROM generate_series(1, :count) AS number"
        ),
        {"at": decided_at, "organization": organization_id, "count": count, "reasons": reasons},
    )


@pytest.mark.parametrize("reasons", ['[{"code": "old_rule", "points": 5}]', '["old_rule"]', "[{}]"])
def test_a_row_that_is_written_otherwise_than_today_hides_no_others(
    app: Flask, as_ada: Caller, ada: Member, reasons: str
) -> None:
    usual = as_ada.check().json["decision_id"]
    with app.app_context(), acting_as_system():
        insert_decisions(1, ada.organization_id, utc_now(), reasons=reasons)
        db.session.commit()

    answer = as_ada.get("/v1/decisions")
    odd, other = sorted(answer.json["decisions"], key=lambda one: one["decision_id"] == usual)

    assert (answer.status_code, other["decision_id"]) == (200, usual)
    assert odd["reasons"][0]["code"] in {"old_rule", "unknown"}
    assert as_ada.get("/v1/decisions/export").data.count(b"\n") == 3


def test_decisions_are_found_by_their_request_without_reading_the_log(app: Flask, ada: Member) -> None:
    with app.app_context(), acting_as_system():
        insert_decisions(20_000, ada.organization_id, utc_now())
        query = "EXPLAIN SELECT * FROM decision WHERE organization_id = :id AND request_id = 'req_1' LIMIT 100"
        plan = db.session.scalars(text(query), {"id": ada.organization_id}).all()

    assert any("Index" in line for line in plan)
    assert not any("Seq Scan" in line for line in plan)


def test_an_export_streams_without_growing(app: Flask, as_ada: Caller, ada: Member) -> None:
    with app.app_context(), acting_as_system():
        insert_decisions(20_000, ada.organization_id, utc_now())
        db.session.commit()

    answer = as_ada.get("/v1/decisions/export", buffered=False)

    assert answer.is_streamed
    assert sum(1 for _ in answer.response) == 20_000 + 1


def test_row_level_security_holds_where_a_query_forgets(app: Flask, as_ada: Caller, ada: Member, cleo: Member) -> None:
    as_ada.check()

    def seen() -> list[int]:
        tables = ("decision", "api_key", "policy_version", "audit_event", "organization")
        return [db.session.scalar(text(f"SELECT count(*) FROM {table}")) or 0 for table in tables]

    with app.app_context():
        with acting_for(ada.organization_id):
            mine = seen()
        with acting_for(cleo.organization_id):
            theirs = seen()
        nobody = seen()

    assert all(mine)
    assert theirs[0] == 0
    assert theirs[4] == 1
    assert nobody == [0] * 5


@pytest.mark.parametrize("role", ["aig_app", "aig_system"])
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE decision SET allowed = true",
        "DELETE FROM decision",
        "TRUNCATE decision",
        "UPDATE policy_version SET version = 9",
        "DELETE FROM audit_event",
        "UPDATE audit_event SET action = 'x'",
        "DROP TABLE decision",
        "SELECT drop_decision_partitions(current_date)",
    ],
)
def test_the_software_cannot_change_what_is_append_only(migrated_url: str, role: str, statement: str) -> None:
    with psycopg.connect(migrated_url) as connection:
        connection.execute(f"SET ROLE {role}".encode())

        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement.encode())


def test_no_role_of_the_software_bypasses_row_level_security_or_owns_a_table(migrated_url: str) -> None:
    with psycopg.connect(migrated_url) as connection:
        roles = connection.execute(
            "SELECT rolname, rolsuper, rolbypassrls, rolcanlogin FROM pg_roles "
            "WHERE rolname IN ('aig_app', 'aig_system', 'aig_retention')"
        ).fetchall()
        owned = connection.execute("SELECT count(*) FROM pg_tables WHERE tableowner LIKE 'aig%'").fetchone()
        unforced = connection.execute(
            "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition AND relrowsecurity "
            "AND NOT relforcerowsecurity"
        ).fetchall()

    assert len(roles) == 3
    assert not any(flag for _, *flags in roles for flag in flags)
    assert owned == (0,)
    assert unforced == []


def test_a_day_cannot_be_read_past_the_log(migrated_url: str) -> None:
    day = f"decision_{utc_now():%Y%m%d}"
    with psycopg.connect(migrated_url) as connection:
        connection.execute("SET ROLE aig_app")

        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(f"SELECT * FROM {day}".encode())


def test_ids_lead_to_their_time() -> None:
    before = utc_now() - timedelta(milliseconds=2)

    assert before <= time_of(new_uuid()) <= utc_now()


def test_asking_for_the_headers_of_an_export_takes_nothing_away(app: Flask, as_ada: Caller, ada: Member) -> None:
    answer = as_ada.send("HEAD", "/v1/decisions/export?format=csv")

    assert (answer.status_code, answer.data) == (200, b"")
    assert exports(app, ada) == []
