"""The operators' queue: the oldest first, the next one after each decision, a mail for every outcome."""

from uuid import UUID

import pytest
from flask import Flask

from portal.customer.applications.states import ApplicationStatus
from tests.people import Person, mails_to
from tests.portal.test_applications import DETAILS, application_of, decide, found
from tests.portal.test_documents import accept_all


def send_application(app: Flask, name: str) -> tuple[Person, UUID]:
    applicant, organization_id = found(app, name)
    applicant.post("/organization/details", **DETAILS)
    accept_all(applicant)
    applicant.post("/application/submit")
    return applicant, organization_id


@pytest.fixture
def waiting(app: Flask, documents: None) -> list[tuple[Person, UUID]]:
    """Three who applied, one after the other."""
    return [send_application(app, name) for name in ("Ann", "Bob", "Cat")]


def test_the_oldest_stands_first_and_each_decision_leads_to_the_next(
    app: Flask, waiting: list[tuple[Person, UUID]], operator: Person
) -> None:
    applications = [application_of(app, organization_id) for _, organization_id in waiting]
    page = operator.get("/console").text
    places = [page.index(str(application.id)) for application in applications]
    assert places == sorted(places)

    after_middle = decide(operator, applications[1], "approve")
    after_first = decide(operator, applications[0], "ask", "Which data?")
    after_last = decide(operator, applications[2], "decline")

    assert after_middle.headers["Location"] == f"/console/applications/{applications[0].id}"
    assert after_first.headers["Location"] == f"/console/applications/{applications[2].id}"
    assert after_last.headers["Location"] == "/console"


@pytest.mark.parametrize(
    ("verb", "mail_name"),
    [
        ("approve", "application_approved"),
        ("decline", "application_declined"),
        ("defer", "application_deferred"),
        ("ask", "application_question"),
    ],
)
def test_every_outcome_comes_by_mail_with_its_words(
    app: Flask, waiting: list[tuple[Person, UUID]], operator: Person, verb: str, mail_name: str
) -> None:
    ann, organization_id = waiting[0]

    decide(operator, application_of(app, organization_id), verb, "Because of the harbour.")

    mail = mails_to(app, ann.email)[-1]
    assert mail.template == mail_name
    assert "Because of the harbour." in (mail.text or "")
    assert "Because of the harbour." in ann.get("/application").text


def test_what_is_withdrawn_waits_no_longer_and_can_be_sent_anew(
    app: Flask, waiting: list[tuple[Person, UUID]], operator: Person
) -> None:
    ann, organization_id = waiting[0]
    read = application_of(app, organization_id)

    assert ann.post("/application/withdraw").status_code == 303
    assert ann.post("/application/withdraw").status_code == 409  # there is nothing left to withdraw

    assert application_of(app, organization_id).status == ApplicationStatus.WITHDRAWN
    assert str(read.id) not in operator.get("/console").text
    assert decide(operator, read, "approve").status_code == 409
    assert "application.withdrawn" in ann.get("/audit-trail").text
    assert ann.post("/application/submit").status_code == 303
    assert application_of(app, organization_id).id != read.id
