"""The record of processing and audits, for operators and for each customer."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from core.clock import utc_now
from tests.people import Person


@pytest.mark.parametrize("ending", ["", ".pdf"])
def test_operators_have_the_whole_record(operator: Person, documents: None, ending: str) -> None:
    answer = operator.get(f"/console/processing-record{ending}")

    assert answer.status_code == 200
    assert answer.data.startswith(b"%PDF") if ending else "As controller, Article 30(1)" in answer.text


@pytest.mark.parametrize("ending", ["", ".pdf"])
def test_members_have_their_own_part(viewer: Person, documents: None, ending: str) -> None:
    answer = viewer.get(f"/documents/processing-record{ending}")

    assert answer.status_code == 200
    assert answer.data.startswith(b"%PDF") if ending else "As processor, Article 30(2)" in answer.text


def audit_form(**changes: Any) -> dict[str, Any]:
    day = (utc_now() + timedelta(days=20)).date().isoformat()
    facts = {
        "once": str(uuid4()),
        "kind": "audit",
        "cause": "yearly",
        "starts_on": day,
        "ends_on": day,
        "scope": "Backups & <b>restores</b>",
        "auditor": "Anna Auditor, Audit GmbH",
        "is_bound": "y",
    }
    return {**facts, **changes}


def test_an_audit_goes_from_request_to_findings(owner: Person, operator: Person) -> None:
    booked = owner.post("/documents/audits", **audit_form())
    assert booked.status_code == 303
    path = booked.headers["Location"]
    assert "Under review" in owner.get(path).text
    assert "Backups &amp; &lt;b&gt;" in operator.get("/console" + path.removeprefix("/documents")).text
    console = "/console" + path.removeprefix("/documents")

    day = (utc_now() + timedelta(days=21)).date().isoformat()
    confirmed = operator.post(f"{console}/confirm", starts_on=day, ends_on=day, words="Come at nine.")
    assert confirmed.status_code == 303
    assert "Come at nine." in owner.get(path).text
    assert operator.post(f"{console}/complete", words="Two small faults.").status_code == 303

    page = owner.get(path).text
    assert "Completed" in page
    assert "Two small faults." in page
    assert operator.post(f"{console}/decline", words="Too late.").status_code == 409


@pytest.mark.parametrize(
    "bad",
    [
        {"scope": ""},
        {"auditor": ""},
        {"is_bound": ""},
        {"starts_on": "2020-01-01"},
        {"starts_on": "soon"},
        {"ends_on": "2020-01-01"},
        {"kind": "visit"},
        {"once": "x"},
    ],
    ids=lambda bad: str(*bad),
)
def test_a_booking_that_says_too_little_is_refused(owner: Person, bad: dict[str, str]) -> None:
    answer = owner.post("/documents/audits", **audit_form(**bad))

    assert answer.status_code == 422
    assert "No audits yet" in owner.get("/documents/audits").text


def test_the_second_regular_audit_of_a_year_is_refused_with_the_reason(owner: Person) -> None:
    owner.post("/documents/audits", **audit_form())

    answer = owner.post("/documents/audits", **audit_form())

    assert answer.status_code == 409
    assert "already booked" in answer.text


def test_a_double_click_books_once(owner: Person) -> None:
    form = audit_form()

    first, second = owner.post("/documents/audits", **form), owner.post("/documents/audits", **form)

    assert first.headers["Location"] == second.headers["Location"]


def test_a_teammate_without_the_role_sees_audits_and_books_none(owner: Person, viewer: Person) -> None:
    path = owner.post("/documents/audits", **audit_form()).headers["Location"]

    assert viewer.get(path).status_code == 200
    assert viewer.post("/documents/audits", **audit_form()).status_code == 403
    assert viewer.post(f"{path}/cancel").status_code == 403


def test_a_stranger_gets_404(owner: Person, stranger: Person) -> None:
    path = owner.post("/documents/audits", **audit_form()).headers["Location"]

    assert stranger.get(path).status_code == 404
    assert stranger.post(f"{path}/cancel").status_code == 404


def test_a_customer_cancels_once(owner: Person) -> None:
    path = owner.post("/documents/audits", **audit_form()).headers["Location"]

    assert owner.post(f"{path}/cancel").status_code == 303
    assert owner.post(f"{path}/cancel").status_code == 409


@pytest.mark.parametrize("step", ["confirm", "decline", "complete"])
def test_an_operator_says_something_at_each_step(owner: Person, operator: Person, step: str) -> None:
    path = owner.post("/documents/audits", **audit_form()).headers["Location"].removeprefix("/documents")

    assert operator.post(f"/console{path}/{step}", words="").status_code == 422


def test_an_audit_stands_on_the_first_page_until_it_is_answered(owner: Person, operator: Person) -> None:
    path = owner.post("/documents/audits", **audit_form()).headers["Location"].removeprefix("/documents")
    link = f'href="/console{path}"'
    assert link in operator.get("/console").text

    operator.post(f"/console{path}/decline", words="We are closed that week.")

    assert link not in operator.get("/console").text
