"""What the documents cannot show is refused before anything is signed, and never lost."""

import re

import msgspec
import pytest
from flask import Flask
from sqlalchemy import text

from core.db import acting_as_system, db, transaction
from core.errors import InvalidRequest
from core.settings import Settings
from legal_docs.acceptances.cover import OF_THE_CUSTOMER
from legal_docs.documents.drafts import SOURCES
from legal_docs.documents.kinds import Kind
from legal_docs.documents.provider import trial_provider
from tests.legal_docs.test_letters import FOREIGN
from tests.people import Browser, Person, link_in, mails_to
from tests.portal.test_documents import SIGNED, acceptances, publish_next, shown

DETAILS = {
    "legal_name": "Ada and Co Ltd",
    "registration_number": "12345",
    "address": "1 Example Street",
    "country": "DE",
    "contact_name": "Ada",
    "contact_email": "ada@people.example",
    "use_case": "Summaries.",
    "expected_checks": "up to 10,000",
}


@pytest.mark.parametrize("name", FOREIGN)
@pytest.mark.parametrize(
    "field", ["legal_name", "registration_number", "address", "contact_name", "second_contact_name", "use_case"]
)
def test_the_details_for_the_cover_are_refused_at_the_form(owner: Person, field: str, name: str) -> None:
    page = owner.post("/organization/details", **DETAILS | {field: name})

    is_said = "Latin, Greek or Cyrillic" in page.text or "invisible or text-direction characters" in page.text
    assert (page.status_code, is_said) == (422, True)


@pytest.mark.usefixtures("documents")
@pytest.mark.parametrize(("field", "name"), [("name", "山田太郎"), ("title", "مدير"), ("name", "דוד")])
def test_whoever_signs_is_told_before_anything_is_signed(app: Flask, owner: Person, field: str, name: str) -> None:
    assert owner.post("/organization/details", **DETAILS).status_code == 303

    page = owner.post("/legal/accept", **SIGNED | {field: name}, **shown(owner.get("/legal/accept").text))

    assert (page.status_code, "Latin, Greek or Cyrillic" in page.text) == (422, True)
    assert acceptances(app) == []


def test_a_website_in_other_letters_is_refused_at_the_form(owner: Person) -> None:
    page = owner.post("/organization/details", **DETAILS | {"website": "https://株式会社.example"})

    assert (page.status_code, "Latin, Greek or Cyrillic" in page.text) == (422, True)


def test_every_text_of_the_customer_on_the_cover_is_looked_at() -> None:
    named = set(re.findall(r"customer\.(\w+)", (SOURCES / "cover_page.md.j2").read_text()))

    assert named - {"is_high_risk"} == set(OF_THE_CUSTOMER)


def keep_from_before(app: Flask, field: str, value: str) -> None:
    """As if it had been stored before letters were looked at."""
    with app.app_context(), acting_as_system(), transaction():
        db.session.execute(text(f"UPDATE organization_profile SET {field} = :value"), {"value": value})


@pytest.mark.usefixtures("documents")
@pytest.mark.parametrize("field", sorted(set(OF_THE_CUSTOMER) - {"country"}))
def test_what_was_stored_before_is_refused_before_anything_is_signed(app: Flask, owner: Person, field: str) -> None:
    owner.post("/organization/details", **DETAILS)
    keep_from_before(app, field, "日本")

    page = owner.post("/legal/accept", **SIGNED, **shown(owner.get("/legal/accept").text))

    assert page.status_code == 422
    assert f"The {OF_THE_CUSTOMER[field]} in the organization".replace("'", "&#39;") in page.text
    assert acceptances(app) == []


@pytest.mark.usefixtures("documents")
def test_no_link_is_sent_to_a_signer_who_could_not_sign(app: Flask, owner: Person) -> None:
    owner.post("/organization/details", **DETAILS)
    keep_from_before(app, "address", "東京")

    page = owner.post("/legal/accept/delegate", email="legal@people.example")

    assert (page.status_code, "Latin, Greek or Cyrillic" in page.text) == (422, True)
    assert mails_to(app, "legal@people.example") == []


@pytest.mark.usefixtures("documents")
@pytest.mark.parametrize(("field", "name"), [("name", "สมชาย"), ("title", "सुनील"), ("title", "Ada \ue000")])
def test_whoever_signs_by_a_link_is_told_before_anything_is_signed(
    app: Flask, owner: Person, nobody: Browser, field: str, name: str
) -> None:
    owner.post("/organization/details", **DETAILS)
    owner.post("/legal/accept/delegate", email="legal@people.example")
    link = link_in(mails_to(app, "legal@people.example")[0])

    page = nobody.post(link, **SIGNED | {field: name}, **shown(nobody.get(link).text))

    is_said = "Latin, Greek or Cyrillic" in page.text or "invisible or text-direction characters" in page.text
    assert (page.status_code, is_said) == (422, True)
    assert acceptances(app) == []


ENTRY = {
    "kind": "add",
    "name": "Mailer",
    "entity": "Mailer GmbH",
    "address": "1 Example Street",
    "country": "DE",
    "contact": "privacy@mailer.example",
    "purpose": "Sends mail.",
    "data_categories": "Addresses.",
    "location": "Frankfurt",
    "reason": "Mail.",
    "takes_effect_on": "2099-01-01",
    "replaces": "",
}


@pytest.mark.parametrize("field", ["name", "entity", "address", "contact", "purpose", "data_categories", "location"])
def test_a_company_of_the_register_is_refused_at_the_form(operator: Person, field: str) -> None:
    page = operator.post("/console/sub-processors", **ENTRY | {field: "東京"})

    assert (page.status_code, "Latin, Greek or Cyrillic" in page.text) == (422, True)


@pytest.mark.usefixtures("documents")
def test_a_document_is_not_published_with_what_it_cannot_show(app: Flask) -> None:
    provider = msgspec.structs.replace(trial_provider(Settings()), address="東京 1-2-3")

    with pytest.raises(InvalidRequest, match="東京"):
        publish_next(app, Kind.DPA, provider=provider)
