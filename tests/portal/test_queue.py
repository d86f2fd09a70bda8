"""The operators' queue: the oldest first, the next one after each decision, a mail for every outcome."""

from uuid import UUID

import pytest
from flask import Flask

from core.profiles import OrganizationProfile
from portal.console.application_checks import checks_of
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


def test_an_approval_needs_no_words_and_a_refusal_does(
    app: Flask, waiting: list[tuple[Person, UUID]], operator: Person
) -> None:
    first, second, _ = (application_of(app, organization_id) for _, organization_id in waiting)

    assert decide(operator, first, "approve", words="").status_code == 303
    assert "Our note" not in (mails_to(app, waiting[0][0].email)[-1].text or "")
    refused = decide(operator, second, "decline", words="")
    assert refused.status_code == 422
    assert 'href="#words-decline"' in refused.text
    assert refused.text.count('name="decision" class="choice" open') == 1


@pytest.mark.parametrize(
    ("email", "website", "is_fine", "words"),
    [
        ("a@acme.example", "https://www.acme.example/us", True, "matches"),
        ("a@mail.acme.example", "https://acme.example", True, "matches"),
        ("a@acme.example", "https://other.example", False, "differs"),
        ("a@notacme.example", "https://acme.example", False, "differs"),
        ("a@gmail.com", "https://gmail.com", False, "anyone"),
        ("a@acme.example", None, False, "No website"),
    ],
)
def test_the_contacts_domain_is_compared_with_the_website(
    email: str, website: str | None, is_fine: bool, words: str
) -> None:
    profile = OrganizationProfile(contact_email=email, website=website, registration_number="HRB 1", is_high_risk=False)

    first, number, terms, dpa = checks_of(profile, {"terms"})

    assert first.is_fine is is_fine
    assert words in first.words
    assert (number.is_fine, terms.is_fine, dpa.is_fine) == (True, True, False)
