"""Error reports: whatever a request, a job and the error itself hold, only kind and place of the error leave."""

from typing import Any

import pytest
import sentry_sdk
from flask import Flask, request

from api.decisions.jobs import purge_decisions
from core import jobs
from core.db import acting_as_system, transaction
from core.mail import deliver_mail
from core.observability import report_error
from core.observability.metrics import UNHANDLED_ERRORS
from tests.cast import HARMLESS, Caller, Member
from tests.core.test_jobs import let_due_within_s
from tests.people import person
from tests.reports import Reports

CANARY = "canary5b1d8c"
EVERYWHERE = {
    "headers": {"User-Agent": CANARY, "X-Request-Id": CANARY, "Referer": f"https://example.com/{CANARY}"},
    "query_string": {"q": CANARY},
}


class Careless(Exception):
    """Repeats what it was given, and has notes."""


def explode(*_: object, **__: object) -> Any:
    """As carelessly as can be: in its message, its cause, its notes, its locals, and all that the SDK would take."""
    local_words = {"secret": CANARY, "also": [CANARY]}
    sentry_sdk.set_user({"id": CANARY, "email": f"{CANARY}@example.com", "ip_address": "203.0.113.7"})
    sentry_sdk.set_tag("customer", CANARY)
    sentry_sdk.set_context("request", {"body": CANARY})
    sentry_sdk.set_extra("body", CANARY)
    sentry_sdk.add_breadcrumb(message=CANARY)
    try:
        {"one": 1}[CANARY]
    except KeyError as cause:
        error = Careless(f"{local_words} could not be read")
        error.add_note(CANARY)
        raise error from cause


def count_of_errors() -> float:
    return UNHANDLED_ERRORS._value.get()  # type: ignore[no-any-return]


def expect_kind_and_place_alone(reports: Reports) -> str:
    (report,) = reports.sent
    assert CANARY not in report
    assert "203.0.113.7" not in report
    assert '"Careless"' in report
    assert '"KeyError"' in report
    assert '"function":"explode"' in report
    return report


def test_an_error_behind_a_page(app: Flask, ada: Member, reports: Reports, monkeypatch: pytest.MonkeyPatch) -> None:
    owner = person(app, CANARY, ada.organization_id)
    owner.browser.client.set_cookie(CANARY, CANARY)
    monkeypatch.setitem(app.view_functions, "health.live", lambda: explode(request.get_data(), request.cookies))
    before = count_of_errors()

    answer = owner.get(f"/health/live?{CANARY}={CANARY}", data={"name": CANARY}, headers=EVERYWHERE["headers"])

    assert answer.status_code == 500
    assert CANARY not in answer.text
    report = expect_kind_and_place_alone(reports)
    assert owner.email not in report
    assert answer.headers["X-Request-Id"] in report
    assert count_of_errors() == before + 1


def test_an_error_in_the_lane(as_ada: Caller, reports: Reports, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.checks.service.evaluate", explode)

    answer = as_ada.post("/v1/check", {**HARMLESS, "metadata": {"department": CANARY}}, **EVERYWHERE)

    assert answer.status_code == 500
    report = expect_kind_and_place_alone(reports)
    assert answer.headers["X-Request-Id"] in report


def leave(app: Flask, task: Any, **arguments: Any) -> None:
    with app.app_context(), acting_as_system(), transaction():
        jobs.defer(task, **arguments)


def test_an_error_in_a_job(live_app: Flask, reports: Reports, monkeypatch: pytest.MonkeyPatch) -> None:
    let_due_within_s(monkeypatch, 0)  # nothing but the job that is left here
    monkeypatch.setattr("api.decisions.retention.purge", explode)
    leave(live_app, purge_decisions, timestamp=0)

    jobs.run_worker(live_app, until_done=True)

    expect_kind_and_place_alone(reports)


def test_a_job_that_will_be_tried_again_is_no_report_yet(live_app: Flask, reports: Reports) -> None:
    leave(live_app, deliver_mail, mail_id=f"no id but {CANARY}")

    jobs.run_worker(live_app, until_done=True)

    assert reports.sent == []


def test_what_a_later_version_of_the_sdk_adds_stays_here(reports: Reports) -> None:
    def add(event: Any, _hint: Any) -> Any:
        event["novelty"] = {"of": CANARY}
        event["exception"]["values"][0]["novelty"] = CANARY
        return event

    with sentry_sdk.new_scope() as scope:
        scope.add_event_processor(add)
        report_error(Careless(CANARY))

    (report,) = reports.sent
    assert CANARY not in report


def test_the_canary_would_be_found_if_it_were_sent(reports: Reports, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sentry_sdk.get_client().options, "before_send", None)

    try:
        explode()
    except Careless as error:
        report_error(error)

    (report,) = reports.sent
    assert CANARY in report
