"""The log for people, the dashboard's figures, and trying it out."""

import codecs
import re
from hashlib import sha256
from typing import Any

import pytest
from flask import Flask

from api.checks import distinct_values
from api.decisions.breakdowns import Counts
from api.runtime import Runtime
from core.clock import utc_now
from portal.customer.dashboard.figures import Figures
from portal.customer.dashboard.periods import Bounds
from portal.customer.decisions import views
from tests.cast import Caller, Member, exports
from tests.people import Person


def test_the_log_shows_filters_and_explains(as_ada: Caller, viewer: Person) -> None:
    blocked = as_ada.check(metadata={"contains_personal_data": True}).json
    allowed = as_ada.check(operation="embeddings").json

    page = viewer.get("/decisions?allowed=false").text
    assert blocked["decision_id"] in page
    assert allowed["decision_id"] not in page
    shown = viewer.get(f"/decisions/{blocked['decision_id']}").text
    assert "The operation works on personal data." in shown
    assert "This policy version is still active." in shown
    assert viewer.get("/decisions", headers={"HX-Request": "true"}).text.lstrip().startswith("<section")


def test_the_log_says_which_fact_looks_like_free_text(
    room: Runtime, as_ada: Caller, viewer: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(distinct_values, "NOTICE_AT", 2)
    as_ada.check(metadata={"department": "hr"})
    before = viewer.get("/decisions").text
    as_ada.check(metadata={"department": "it"})
    room.free_text.flush()

    page = viewer.get("/decisions").text

    assert "looks like free text" not in before
    assert re.search(r"department</span> looks like free text: it had more than 1 different values", page)


def test_a_decision_is_found_by_its_id_or_its_requests(as_ada: Caller, viewer: Person) -> None:
    decision = as_ada.check().json

    assert decision["decision_id"] in viewer.get(f"/decisions/search?q={decision['decision_id']}").headers["Location"]
    assert decision["decision_id"] in viewer.get(f"/decisions/search?q={decision['request_id']}").headers["Location"]
    assert viewer.get("/decisions/search?q=nothing").status_code == 404


@pytest.mark.parametrize(
    "query",
    [
        "from=never",
        "from=20261128",
        "from=2026",
        "from=2026-W48",
        "to=2026-11-29",
        "to=2026-11-29T10",
        "key=nonsense",
        "environment=moon",
        "environment=null",
        "allowed=perhaps",
        "allowed=null",
        "allowed=1",
        "model=" + "x" * 200,
    ],
)
def test_a_filter_that_makes_no_sense_says_so(viewer: Person, query: str) -> None:
    answer = viewer.get(f"/decisions?{query}")

    assert answer.status_code == 422
    assert 'role="alert"' in answer.text


@pytest.mark.parametrize("moment", ["2026-11-28T10:00", "2026-11-28T10:00:30", "2026-11-28T10:00:00%2B02:00"])
def test_a_time_is_taken_as_a_date_field_or_a_program_sends_it(viewer: Person, moment: str) -> None:
    assert viewer.get(f"/decisions?from={moment}").status_code == 200


@pytest.mark.parametrize("query", ["to=20261129", "allowed=null", "format=xlsx", "format=csv&from=2026"])
def test_a_file_of_what_cannot_be_meant_is_refused_and_not_empty(
    app: Flask, ada: Member, viewer: Person, query: str
) -> None:
    assert viewer.get(f"/decisions/export?{query}").status_code == 422
    assert exports(app, ada) == []


@pytest.mark.parametrize(
    "page",
    [
        "/audit-trail?actor=nonsense",
        "/audit-trail?after=7",
        "/status/history?after=x",
        "/decisions?cursor=nonsense",
        "/decisions?cursor=key_" + "0" * 32,
        "/dashboard?span=century",
        "/dashboard?environment=moon",
        "/dashboard/figures?span=1",
    ],
)
def test_an_id_in_the_address_that_is_none_is_refused_and_not_passed_over(viewer: Person, page: str) -> None:
    assert viewer.get(page).status_code == 422


@pytest.mark.parametrize("form", ["csv", "ndjson"])
def test_the_log_can_be_taken_along(as_ada: Caller, viewer: Person, form: str) -> None:
    decision = as_ada.check().json

    answer = viewer.get(f"/decisions/export?format={form}")

    assert decision["decision_id"] in answer.text
    assert "Exported the decision log" in viewer.get("/audit-trail").text


def test_csv_from_a_page_opens_in_excel_and_that_of_the_api_is_plain(as_ada: Caller, viewer: Person) -> None:
    as_ada.check()

    for_people = viewer.get("/decisions/export?format=csv").data
    for_programs = as_ada.get("/v1/decisions/export?format=csv").data

    assert for_people.startswith(codecs.BOM_UTF8 + b"decision_id,")
    assert for_programs.startswith(b"decision_id,")
    *before, last = for_people.splitlines(keepends=True)
    assert f"sha256={sha256(b''.join(before)).hexdigest()}".encode() in last
    assert not viewer.get("/decisions/export?format=ndjson").data.startswith(codecs.BOM_UTF8)


def test_the_dashboard_counts_what_was_decided(as_ada: Caller, viewer: Person) -> None:
    for contains in (True, False, False):
        as_ada.check(metadata={"contains_personal_data": contains})

    figures = viewer.get("/dashboard/figures?span=week&environment=live").text

    assert re.search(r'figure-number mb-0"><a href="[^"]*">\s*3</a>', figures)
    assert "33.3%" in figures
    assert "reason=contains_personal_data" in figures
    assert 'data-allowed="2"' in figures
    assert re.search(r"[1-3] of 10,000<", figures)
    assert "No decisions in this period" in viewer.get("/dashboard/figures?environment=test").text


def test_trying_it_out_takes_test_keys_only(ada: Member, developer: Person) -> None:
    form = {"model": "m", "operation": "chat", "metadata": "{}"}

    live: Any = developer.post("/try-it", secret=ada.secret, **form)
    nonsense: Any = developer.post("/try-it", secret="hello", **form)

    assert live.status_code == nonsense.status_code == 422
    assert "Use a test key here" in live.text
    assert ada.secret not in live.text


def test_names_of_others_come_out_escaped(app: Flask, as_ada: Caller, owner: Person) -> None:
    owner.post("/organization/name", name="<script>alert(1)</script>")
    owner.post("/keys", name="<img src=x>", environment="live", scopes="checks:write", life="")

    for path in ("/keys", "/dashboard", "/organization", "/audit-trail", "/team"):
        page = owner.get(path).text
        assert "<script>alert" not in page
        assert "<img src=x>" not in page


def test_times_in_the_log_are_for_the_reader_s_zone_and_say_utc_without_a_script(as_ada: Caller, owner: Person) -> None:
    decision_id = as_ada.check().json["decision_id"]

    for path in ("/decisions", f"/decisions/{decision_id}"):
        page = owner.get(path).text
        times = re.findall(r"<time [^>]*>[^<]*", page.partition("<main")[2])
        assert times
        assert all("data-local" not in found and found.endswith("UTC") and "title=" in found for found in times), times


def test_a_moment_is_a_chip_with_a_time_and_a_field_that_a_script_turns_into_the_reader_s_zone(viewer: Person) -> None:
    page = viewer.get("/decisions?from=2026-11-28T10:00:00%2B02:00").text

    assert re.search(r'From: <time datetime="2026-11-28T08:00:00Z"', page)
    assert re.search(r'type="datetime-local"\s+value="2026-11-28T08:00"\s+data-utc', page)


def test_the_log_says_which_filters_hold_and_lets_each_go(as_ada: Caller, viewer: Person) -> None:
    as_ada.check(metadata={"department": "hr", "application": "crm"})
    as_ada.check(metadata={"department": "legal"})

    page = viewer.get("/decisions?department=hr&period=day").text

    assert "Department: hr" in page
    assert "Last 24 hours" in page
    assert 'href="/decisions?period=day"' in page
    assert page.count('id="row-') == 1
    assert "1 decision<" in page
    assert "No decisions found" in viewer.get("/decisions?application=helpdesk").text


def test_a_period_that_there_is_not_is_refused_at_the_log(viewer: Person) -> None:
    answer = viewer.get("/decisions?period=century")

    assert answer.status_code == 422
    assert "Period: choose one of" in answer.text


def test_an_id_that_is_nobodys_keeps_the_search_and_the_log(viewer: Person) -> None:
    for wanted in ("dec_" + "0" * 32, "nothing", "req_nothing"):
        answer = viewer.get("/decisions/search", query_string={"q": wanted})

        assert answer.status_code == 404
        assert f'value="{wanted}"' in answer.text
        assert "No decision has this ID" in answer.text


def test_a_search_by_script_changes_nothing_but_its_own_field(as_ada: Caller, viewer: Person) -> None:
    decision = as_ada.check().json
    by_script = {"HX-Request": "true"}

    missed = viewer.get("/decisions/search?q=dec_7", headers=by_script)
    found = viewer.get(f"/decisions/search?q={decision['decision_id']}", headers=by_script)

    assert missed.status_code == 404
    assert missed.text.lstrip().startswith("<form")
    assert 'value="dec_7"' in missed.text
    assert "No decision has this ID" in missed.text
    assert 'id="log"' not in missed.text
    assert found.headers["HX-Redirect"] == f"/decisions/{decision['decision_id']}"


def test_filters_suggest_values_that_occurred_in_this_organization_alone(
    as_ada: Caller, viewer: Person, stranger: Person
) -> None:
    as_ada.check(metadata={"department": "hr"})

    assert 'value="hr"' in viewer.get("/decisions/values").text
    assert 'value="hr"' not in stranger.get("/decisions/values").text


def test_filters_suggest_the_organization_s_own_keys_by_name(ada: Member, viewer: Person, stranger: Person) -> None:
    option = f'<option value="key_{ada.key_id.hex}">'

    assert option in viewer.get("/decisions/values").text
    assert option not in stranger.get("/decisions/values").text


def test_the_count_stops_where_nobody_reads_on(as_ada: Caller, viewer: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "MOST_COUNTED", 1)
    as_ada.check()
    one = viewer.get("/decisions").text
    as_ada.check()

    assert "1 decision<" in one
    assert "More than 1 decisions" in viewer.get("/decisions").text


def test_the_dashboard_compares_with_the_time_before_and_names_models_and_departments(
    app: Flask, ada: Member, as_ada: Caller, viewer: Person
) -> None:
    as_ada.check(metadata={"department": "hr", "contains_personal_data": True})
    as_ada.check(model="gpt-4o", metadata={"department": "hr"})

    figures = viewer.get("/dashboard/figures?span=day&environment=live").text

    assert "None in the 24 hours before" in figures
    assert re.search(r'href="/decisions\?[^"]*department=hr[^"]*">hr</a><span>2', figures)
    assert re.search(r'href="/decisions\?[^"]*model=gpt-4o', figures)


def test_growth_is_a_share_of_the_time_before() -> None:
    now = Bounds(utc_now(), utc_now())
    figures = Figures(now, Counts(30, 0), Counts(20, 5), [], [], {}, [])

    assert figures.change("allowed") == 0.5
    assert figures.change("blocked") == -1
    assert Figures(now, Counts(1, 1), Counts(0, 0), [], [], {}, []).change("all") is None
