"""Rejected requests, counted by code and field; never with a value, nor with a name that a caller made up."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from api.content.refusal import ContentRefused
from api.runtime import runtime
from api.usage import availability, refused_requests
from api.usage.refusals import REFUSALS_KEPT
from api.usage.refused_requests import RefusedRequests, known_field
from core.clock import utc_now
from core.db import acting_as_system, db, transaction
from core.errors import AppError, FieldProblem, InternalError
from tests.cast import HARMLESS, Caller, Member, another_key
from tests.people import Person

AT = datetime(2026, 3, 1, 10, 59, 59, tzinfo=UTC)


def rows_of(page: str) -> list[str]:
    body = page.partition("<tbody>")[2].partition("</tbody>")[0]
    return [" ".join(re.sub(r"<[^>]*>", " ", row).split()) for row in body.split("</tr>") if "<td>" in row]


def shown_to(app: Flask, person: Person, path: str = "/decisions/refused") -> list[str]:
    runtime(app).refused.flush()
    return rows_of(person.get(path).text)


def note(counts: RefusedRequests, member: Member, refusal: AppError, *, at: datetime = AT) -> None:
    counts.note(
        member.organization_id, refusal, environment="live", request_id="req_1", custom_facts=("cost_center",), at=at
    )


def test_refusals_are_counted_by_code_and_field(app: Flask, as_ada: Caller, viewer: Person) -> None:
    as_ada.check(metadata={"prompt": "hello"})
    as_ada.check(metadata={"prompt": "hello", "department": "hr"})
    as_ada.check(metadata={"department": 7, "contains_personal_data": "no"})
    as_ada.check()

    content, invalid = shown_to(app, viewer)

    assert content.startswith("Content is not accepted content_refused 2 prompt content refused (2)")
    assert invalid.startswith("The request is not valid invalid_request 1")
    assert "metadata.department wrong type (1)" in invalid
    assert "metadata.contains_personal_data" in invalid


def test_no_value_and_no_made_up_name_is_kept(app: Flask, as_ada: Caller, viewer: Person) -> None:
    as_ada.check(metadata={"jane_roe_is_ill": True, "department": "Jane Roe is ill"})

    (row,) = shown_to(app, viewer)

    assert "Unrecognized field" in row
    with app.app_context(), acting_as_system():
        kept = str(db.session.execute(text("SELECT * FROM refused_request_hour")).all())
    assert "jane" not in kept.lower()


def test_items_of_a_batch_are_counted_each(app: Flask, as_ada: Caller, viewer: Person) -> None:
    fine = HARMLESS
    as_ada.post("/v1/checks", {"checks": [fine, {**fine, "metadata": {"text": "x"}}, {**fine, "model": 5}, fine]})

    rows = shown_to(app, viewer)

    assert sorted(row.split(" 1 ")[1].split(" (")[0] for row in rows) == ["model wrong type", "text content refused"]


def test_a_limit_is_counted_and_tests_can_be_looked_at_alone(
    app: Flask, ada: Member, as_ada: Caller, viewer: Person
) -> None:
    tight = Caller(app.test_client(), another_key(app, ada, rate_limit=1).secret)
    for _ in range(3):
        tight.check()
    as_ada.check(model=None)

    assert any("rate_limited 2 none" in row for row in shown_to(app, viewer))
    assert len(shown_to(app, viewer, "/decisions/refused?period=day&environment=live")) == 2
    assert shown_to(app, viewer, "/decisions/refused?environment=test") == []


def test_the_dashboard_tells_of_content_that_live_software_sent(
    app: Flask, as_ada: Caller, viewer: Person, stranger: Person
) -> None:
    words = "1 live request was rejected in the last 24 hours for containing content"
    as_ada.check(model=None)
    runtime(app).refused.flush()
    before = viewer.get("/dashboard").text
    as_ada.check(metadata={"prompt": "hello"})
    runtime(app).refused.flush()

    assert words not in before
    assert words in viewer.get("/dashboard").text
    assert words not in stranger.get("/dashboard").text


def test_another_organization_sees_nothing_of_it(app: Flask, as_cleo: Caller, viewer: Person) -> None:
    as_cleo.check(model=None)

    assert shown_to(app, viewer) == []
    assert "No rejected requests" in viewer.get("/decisions/refused?period=nonsense&environment=nowhere").text


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        ("model", "model"),
        ("checks[3].metadata.department", "metadata.department"),
        ("checks[3]", "checks"),
        ("metadata.cost_center", "metadata.cost_center"),
        ("metadata.a.b[0].Prompt", "prompt"),
        ("messages", "messages"),
        ("metadata.my_prompt", "other"),
        ("department", "other"),
        ("<name of 400 characters>", "other"),
    ],
)
def test_names_of_fields_that_are_kept(path: str, kept: str) -> None:
    assert known_field(path, {"cost_center"}) == kept


def test_failures_of_ours_are_no_refusals_and_a_repeated_field_counts_once(app: Flask, ada: Member) -> None:
    counts = RefusedRequests(app.app_context)
    twice = tuple(FieldProblem(f"metadata.{name}", "content_refused", "") for name in ("my_text", "your_text"))
    note(counts, ada, InternalError())
    note(counts, ada, ContentRefused(errors=twice))
    counts.flush()

    with app.app_context(), acting_as_system():
        kept = db.session.execute(text("SELECT code, field, requests FROM refused_request_hour ORDER BY field")).all()
    assert [tuple(row) for row in kept] == [("content_refused", "", 1), ("content_refused", "other", 1)]


def test_while_the_database_is_away_counts_wait_in_bounded_room(
    app: Flask, ada: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refused_requests, "MOST_HELD", 3)
    counts = RefusedRequests(app.app_context)
    with monkeypatch.context() as away:

        def lost(*_: Any) -> None:
            raise OperationalError("INSERT", {}, Exception("away"))

        away.setattr(refused_requests, "_write", lost)
        for hours in (0, 1, 2, 3, 1):
            note(counts, ada, ContentRefused(), at=AT + timedelta(hours=hours))
            with pytest.raises(OperationalError):
                counts.flush()

    counts.flush()
    counts.flush()

    with app.app_context(), acting_as_system():
        kept = db.session.scalars(text("SELECT requests FROM refused_request_hour ORDER BY hour")).all()
    assert kept == [1, 2, 1]


def test_counts_are_forgotten_after_a_month_and_with_the_account(app: Flask, ada: Member) -> None:
    now = utc_now()
    counts = RefusedRequests(app.app_context)
    for age in (timedelta(), REFUSALS_KEPT + timedelta(hours=2)):
        note(counts, ada, ContentRefused(), at=now - age)
        counts.flush()

    def kept() -> Any:
        return db.session.scalar(text("SELECT count(*) FROM refused_request_hour"))

    with app.app_context(), acting_as_system(), transaction():
        availability.purge(now=now)
        after_a_month = kept()
        availability.forget(ada.organization_id)
        assert (after_a_month, kept()) == (1, 0)
