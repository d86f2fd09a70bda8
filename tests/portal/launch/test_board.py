"""The launch board: 48 and 27 items, each looked at or confirmed; GO only when all is green and four have signed."""

from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest
from flask import Flask
from sqlalchemy import select

from core import current
from core.clock import utc_now
from core.db import acting_as_system, db, transaction
from core.settings import Settings
from portal.console.launch import jobs, services, views
from portal.console.launch.checks import CHECKS, money
from portal.console.launch.items import BOARDS, ROUTINES, Board, Lead, Period, every_check, every_item
from portal.console.launch.models import LaunchDecision
from portal.console.launch.rows import rows_by_owner
from portal.console.launch.running import run_checks
from portal.console.launch.verdicts import CheckContext, Verdict, green
from tests.people import Person


def all_green(app: Flask) -> None:
    with app.app_context(), acting_as_system(), transaction():
        services.record({code: green("Fine.") for code in every_check()}, now=utc_now())


def confirm_all(operator: Person) -> None:
    for items in BOARDS.values():
        for item in items:
            if item.is_for_a_person:
                operator.post(f"/console/launch/items/{item.code}", words="Seen with my own eyes.")


def sign_all(operator: Person) -> list[Any]:
    return [operator.post(f"/console/launch/sign/{lead.value}") for lead in Lead]


def decide(operator: Person, decision: str) -> Any:
    return operator.post("/console/launch/decide", decision=decision, reason="We looked at all of it.")


def decisions(app: Flask) -> list[tuple[bool, UUID]]:
    with app.app_context(), acting_as_system():
        return [(row.is_go, row.decided_by) for row in db.session.scalars(select(LaunchDecision))]


def test_there_are_as_many_items_as_were_promised_and_each_is_looked_at_or_asked() -> None:
    assert {board: len(items) for board, items in BOARDS.items()} == {Board.PRE_DEPLOYMENT: 48, Board.GO_NO_GO: 27}
    assert {period: len(items) for period, items in ROUTINES.items()} == {
        Period.DAY: 7,
        Period.WEEK: 6,
        Period.MONTH: 8,
    }
    assert [item.code for item in every_item().values() if bool(item.check) == bool(item.ask)] == []
    assert set(every_check()) == set(CHECKS)


def test_of_the_48_at_least_41_are_looked_at_by_the_system() -> None:
    looked_at = [item for item in BOARDS[Board.PRE_DEPLOYMENT] if not item.is_for_a_person]

    assert len(looked_at) >= 41


def test_every_check_says_something_and_none_falls_over(app: Flask, operator: Person) -> None:
    with app.app_context(), acting_as_system():
        verdicts = run_checks(CheckContext(current.settings(), utc_now()))

    assert set(verdicts) == set(CHECKS)
    assert [code for code, verdict in verdicts.items() if not verdict.seen] == []
    assert [code for code, verdict in verdicts.items() if not verdict.is_green and not verdict.to_do] == []


def test_a_check_that_falls_over_is_red_and_the_others_are_still_made(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fall_over(_around: CheckContext) -> Verdict:
        raise ZeroDivisionError

    monkeypatch.setitem(CHECKS, "database_answers", fall_over)
    with app.app_context(), acting_as_system():
        verdicts = run_checks(CheckContext(current.settings(), utc_now()))

    assert (verdicts["database_answers"].is_green, "ZeroDivisionError" in verdicts["database_answers"].seen) == (
        False,
        True,
    )
    assert verdicts["policies_seeded"].is_green


def test_go_is_refused_while_one_item_is_red(app: Flask, operator: Person) -> None:
    all_green(app)

    refused = decide(operator, "go")

    assert (refused.status_code, "PDC-19" in refused.text) == (409, True)
    assert decisions(app) == []


def test_go_needs_four_signatures_and_goes_on_record_with_what_was_seen(app: Flask, operator: Person) -> None:
    all_green(app)
    confirm_all(operator)
    unsigned = decide(operator, "go")
    signed = sign_all(operator)

    decided = decide(operator, "go")

    assert (unsigned.status_code, "engineering, operations, legal, product" in unsigned.text) == (409, True)
    assert [answer.status_code for answer in signed] == [303] * 4
    assert decided.status_code == 303
    assert decisions(app) == [(True, operator.user_id)]
    assert decide(operator, "go").status_code == 409  # the signatures were for that decision


def test_nobody_signs_while_something_is_red(app: Flask, operator: Person) -> None:
    all_green(app)

    assert {answer.status_code for answer in sign_all(operator)} == {409}


def test_what_was_looked_at_too_long_ago_does_not_count(app: Flask, operator: Person) -> None:
    all_green(app)
    confirm_all(operator)
    with app.app_context(), acting_as_system(), transaction():
        services.record({"database_answers": green("Fine.")}, now=utc_now() - timedelta(hours=2))

    refused = sign_all(operator)[0]

    assert (refused.status_code, "over an hour old" in refused.text) == (409, True)


def test_no_go_can_always_be_decided(app: Flask, operator: Person) -> None:
    assert decide(operator, "no_go").status_code == 303

    assert decisions(app) == [(False, operator.user_id)]


def test_what_the_system_looks_at_cannot_be_confirmed_by_hand(app: Flask, operator: Person) -> None:
    looked_at = next(item for item in every_item().values() if not item.is_for_a_person)

    assert operator.post(f"/console/launch/items/{looked_at.code}", words="Trust me.").status_code == 404
    assert operator.post("/console/launch/items/NOTHING", words="Trust me.").status_code == 404


def test_a_confirmation_names_its_person_and_can_be_taken_back(app: Flask, operator: Person) -> None:
    item = next(item for item in BOARDS[Board.PRE_DEPLOYMENT] if item.is_for_a_person)

    operator.post(f"/console/launch/items/{item.code}", words="Arrived in the channel.")
    confirmed = operator.get("/console/launch").text
    operator.post(f"/console/launch/items/{item.code}/take-back")

    assert "Arrived in the channel. Confirmed by Olga." in " ".join(confirmed.split())
    assert "Arrived in the channel." not in operator.get("/console/launch").text


def test_the_board_has_one_row_for_each_check_under_its_owner(app: Flask, operator: Person) -> None:
    with app.app_context(), acting_as_system():
        lines = [line for some in services.board(now=utc_now()).values() for line in some]

    rows = rows_by_owner(lines)

    page = operator.get("/console/launch").text
    assert "Your signature is valid for 7 days, for one decision." in page
    alike = {item.check or item.code for items in BOARDS.values() for item in items}
    assert sum(map(len, rows.values())) == len(alike) == page.count('<li id="')
    assert {code for some in rows.values() for row in some for code in row.codes} == {line.item.code for line in lines}
    assert [lead for lead in Lead if not rows[lead]] == []
    assert (">not checked yet<" in page, ">not confirmed yet<" in page, ">red<" in page) == (True, True, False)


def test_the_checks_show_how_far_they_are_until_they_are_done_or_late(
    app: Flask, operator: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    began = operator.post("/console/launch/look").headers["Location"]
    ask = began.replace("/console/launch?", "/console/launch/progress?")
    with app.app_context(), acting_as_system(), transaction():
        services.record({"redis_set": green("Fine.")}, now=utc_now())

    running = operator.get(began).text
    with monkeypatch.context() as later:
        later.setattr(views, "CHECKS_TAKE_AT_MOST", timedelta(0))
        late = operator.get(ask).text
    all_green(app)
    done = operator.get(ask).text

    total = len(every_check())
    assert f"1 of {total} checks have run." in running
    assert 'hx-trigger="every 2s"' in running
    assert "the worker is busy or stopped" in late
    assert f"All {total} checks have run." in done
    assert "hx-trigger" not in late + done
    assert operator.get("/console/launch/progress?since=nonsense").text.strip() == ""


def test_a_routine_item_is_confirmed_for_its_day_alone(app: Flask, operator: Person) -> None:
    item = next(item for item in ROUTINES[Period.DAY] if item.is_for_a_person)
    operator.post(f"/console/launch/items/{item.code}", words="Nothing new.")

    with app.app_context(), acting_as_system():
        today = services.routine(Period.DAY, now=utc_now())
        tomorrow = services.routine(Period.DAY, now=utc_now() + timedelta(days=1))

    assert [line.seen for line in today if line.item == item] == ["Nothing new."]
    assert [line.is_green for line in tomorrow if line.item == item] == [False]


def test_the_worker_keeps_what_it_found(app: Flask) -> None:
    with app.app_context():
        jobs.look_now()
        with acting_as_system():
            lines = services.board(now=utc_now())["pre_deployment"]

    assert [line.item.code for line in lines if not line.item.is_for_a_person and line.at is None] == []


@pytest.fixture
def outside(app: Flask, tmp_path: Path) -> Settings:
    """A configuration that names everything around; nobody answers there."""
    settings: Settings = app.extensions[current.EXTENSION]
    return msgspec.structs.replace(
        settings,
        public_url="https://governance.example.com",
        prometheus_url="http://prometheus:9090",
        grafana_url="http://grafana:3000",
        sentry_dsn="https://key@sentry.example.com/1",
        redis_url="rediss://redis.example.com",
        database_url="postgresql://db.example.com/aig",
        on_call_phone="+353 1 555 0100",
        support_email="support@example.com",
        stripe_api_key="sk_test_of-the-test",
        data_dir=str(tmp_path),
    )


BAD = [
    ("database_set", {"database_url": None}),
    ("redis_set", {"redis_url": None}),
    ("sentry_set", {"sentry_dsn": None}),
    ("sentry_takes_errors", {"sentry_dsn": None}),
    ("https_api", {"public_url": "http://governance.example.com"}),
    ("https_portal", {"public_url": None}),
    ("domain_resolves", {"public_url": None}),
    ("certificate_valid", {"public_url": "http://governance.example.com"}),
    ("grafana_reachable", {"grafana_url": None}),
    ("alerts_loaded", {"prometheus_url": None}),
    ("metrics_collected", {"prometheus_url": None}),
    ("alerts_arrive", {"alertmanager_url": None}),
    ("grafana_reachable", {"grafana_token": None}),
    ("dashboard_has_data", {"grafana_token": None}),
    ("stripe_matches", {"stripe_api_key": None}),
    ("invoice_made", {"stripe_api_key": None}),
    ("payment_made", {"stripe_api_key": None}),
    ("dashboard_has_data", {"grafana_url": None}),
    ("stripe_set", {"stripe_api_key": None}),
    ("support_address_given", {"support_email": None}),
    ("on_call_number_given", {"on_call_phone": None}),
    ("cors_exact", {"cors_origins": "http://app.example.com"}),
    ("cors_exact", {"cors_origins": "https://*.example.com"}),
    ("secrets_rotated", {"secret_key": "x" * 32}),
]


@pytest.mark.parametrize(("check", "change"), BAD)
def test_red_on_a_bad_configuration_with_what_to_do(
    app: Flask, outside: Settings, check: str, change: dict[str, str | None]
) -> None:
    settings = msgspec.structs.replace(outside, **change)

    with app.app_context(), acting_as_system():
        verdict = CHECKS[check](CheckContext(settings, utc_now()))

    assert (verdict.is_green, bool(verdict.to_do)) == (False, True)


def test_the_limit_is_really_tried(app: Flask, outside: Settings) -> None:
    with app.app_context(), acting_as_system():
        verdict = CHECKS["limit_exact"](CheckContext(outside, utc_now()))

    assert (verdict.is_green, "100 of 101 test requests passed" in verdict.seen) == (True, True)


def test_a_changed_vendored_file_is_found(
    app: Flask, outside: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    vendor = tmp_path / "vendor"
    vendor.mkdir()
    (vendor / "a.js").write_text("changed")
    (vendor / "SHA256SUMS").write_text("0" * 64 + "  a.js\n")
    monkeypatch.setattr("portal.console.launch.checks.evidence.STATIC", tmp_path)

    with app.app_context(), acting_as_system():
        verdict = CHECKS["vendored_unchanged"](CheckContext(outside, utc_now()))

    assert (verdict.is_green, verdict.seen) == (False, "Changed: a.js.")


def test_preflight_prints_the_board_and_ends_with_1_while_something_is_red(app: Flask) -> None:
    result = app.test_cli_runner().invoke(args=["preflight"])

    assert result.exit_code == 1
    assert "PDC-01" in result.output
    assert "GNG-27" in result.output
    assert "SECRET_KEY" in result.output


def test_preflight_ends_with_0_when_all_is_green(app: Flask, operator: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    confirm_all(operator)
    monkeypatch.setattr(
        "portal.console.launch.cli.run_checks", lambda _around: {code: green("Fine.") for code in every_check()}
    )

    result = app.test_cli_runner().invoke(args=["preflight"])

    assert (result.exit_code, "All green." in result.output) == (0, True)


def test_every_page_that_a_check_asks_for_is_there(app: Flask) -> None:
    rules = {rule.rule for rule in app.url_map.iter_rules()}

    with app.app_context():
        assert [page for page in money.PAGES if page not in rules] == []
        assert CHECKS["plan_pages"](CheckContext(settings=Settings(), now=utc_now())).is_green
    for path in ("/health/live", "/log-in"):
        assert path in rules
