"""What the documents cannot show is refused before anything is signed, and never lost."""

import pytest
from flask import Flask

from tests.legal_docs.test_letters import FOREIGN
from tests.people import Person
from tests.portal.test_documents import SIGNED, acceptances, shown

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
@pytest.mark.parametrize("field", ["legal_name", "address", "contact_name", "second_contact_name"])
def test_the_details_for_the_cover_are_refused_at_the_form(owner: Person, field: str, name: str) -> None:
    page = owner.post("/organization/details", **DETAILS | {field: name})

    assert (page.status_code, "Latin, Greek or Cyrillic" in page.text) == (422, True)


@pytest.mark.usefixtures("documents")
@pytest.mark.parametrize(("field", "name"), [("name", "山田太郎"), ("title", "مدير"), ("name", "דוד")])
def test_whoever_signs_is_told_before_anything_is_signed(app: Flask, owner: Person, field: str, name: str) -> None:
    assert owner.post("/organization/details", **DETAILS).status_code == 303

    page = owner.post("/legal/accept", **SIGNED | {field: name}, **shown(owner.get("/legal/accept").text))

    assert (page.status_code, "Latin, Greek or Cyrillic" in page.text) == (422, True)
    assert acceptances(app) == []
