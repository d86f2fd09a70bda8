"""A canary in any field of a refused request is found nowhere afterwards."""

import logging
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from core.db import db
from tests.cast import HARMLESS, Caller
from tests.reports import Reports

CANARY = "canary7f3e9a"

PLACES: list[Any] = [
    {**HARMLESS, "prompt": CANARY},
    {**HARMLESS, "messages": [{"role": "user", "content": CANARY}]},
    {**HARMLESS, "metadata": {"input": {"deep": [CANARY]}}},
    {**HARMLESS, "metadata": {"department": f"free text with {CANARY}"}},
    {**HARMLESS, "metadata": {"purpose": CANARY, "contains_pii": "yes"}},
    {**HARMLESS, "metadata": {"nobody_knows": CANARY}},
    {**HARMLESS, "metadata": {"pii_types": [f"{CANARY} !"]}},
    {**HARMLESS, "metadata": {f"a name with {CANARY} in it": 1}},
    {**HARMLESS, "metadata": CANARY},
    {**HARMLESS, "model": f"not a token {CANARY}"},
    {**HARMLESS, "operation": f"not a token {CANARY}"},
    {**HARMLESS, "subject": f"{CANARY}@example.com"},
    {**HARMLESS, "unknown": CANARY},
    f'{{"model": "{CANARY}", '.encode(),
    f'{{"model": "{CANARY}", "model": "x", "operation": "chat"}}'.encode(),
    CANARY.encode(),
]


def everything_stored(app: Flask) -> str:
    """Every row of every table, as text."""
    with app.app_context():
        db.session.execute(text("SELECT set_config('role', 'none', true)"))
        tables = db.session.scalars(
            text(
                "SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) FROM pg_tables "
                "WHERE schemaname IN ('public', 'jobs')"
            )
        ).all()
        rows = [db.session.scalars(text(f"SELECT t::text FROM {table} t")).all() for table in tables]
        db.session.rollback()
    assert len(tables) > 20
    return str(rows)


@pytest.mark.parametrize("body", PLACES)
@pytest.mark.parametrize("path", ["/v1/check", "/v1/checks"])
def test_a_refused_request_leaves_no_trace(
    app: Flask, as_ada: Caller, body: Any, path: str, reports: Reports, caplog: pytest.LogCaptureFixture, capfd: Any
) -> None:
    caplog.set_level(logging.DEBUG)
    if path == "/v1/checks" and not isinstance(body, bytes):
        body = {"checks": [HARMLESS, body]}

    answer = as_ada.post(path, body)

    assert answer.status_code != 200 or answer.json["results"][1]["status"] in {400, 422}
    written = "".join(capfd.readouterr())
    for place in (answer.text, str(answer.headers), caplog.text, written, str(reports.sent), everything_stored(app)):
        assert CANARY not in place


def test_an_accident_reports_its_place_and_not_its_words(
    app: Flask, as_ada: Caller, reports: Reports, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def explode(_policy: object, asked: Any) -> None:
        local_words = CANARY
        raise ValueError(f"{local_words} {asked}")

    monkeypatch.setattr("api.checks.service.evaluate", explode)

    answer = as_ada.check(metadata={"department": CANARY})

    assert answer.status_code == 500
    (report,) = reports.sent
    assert "ValueError" in report
    assert answer.json["request_id"] in report
    assert "check.failed" in caplog.text
    for place in (answer.text, report, caplog.text, everything_stored(app)):
        assert CANARY not in place


def test_the_canary_would_be_found_if_it_were_kept(app: Flask, as_ada: Caller) -> None:
    as_ada.check(metadata={"department": CANARY})

    assert CANARY in everything_stored(app)
