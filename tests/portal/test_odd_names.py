"""Names that cannot be typed or seen: refused wherever one is given, and no obstacle where one is kept already."""

import pytest
from flask import Flask
from sqlalchemy import select, update

from api.keys.models import ApiKey
from core.accounts import Organization
from core.db import acting_as_system, db, transaction
from core.ids import public_id
from portal.notifications import channels
from tests.cast import Caller, Member
from tests.people import Person

ODD = "\u200b\u3164"
HIDDEN = "Billing\u202e"
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


SIBLINGS = [
    "\u2067Billing\u2069",
    "Bill\ufe0fing",
    "Bill\u034fing",
    "Bill\u115fing",
    "Bill\U000e0001ing",
    "Bill\ufffcing",
]


@pytest.mark.parametrize("name", [ODD, HIDDEN, "a\u2028b", "  ", *SIBLINGS])
def test_the_api_makes_no_key_of_that_name(as_ada: Caller, name: str) -> None:
    answer = as_ada.post("/v1/keys", {"name": name, "environment": "live"})

    assert answer.status_code == 422
    assert answer.json["errors"][0]["path"] == "name"


def test_the_api_keeps_a_key_under_the_normal_form_of_its_name(as_ada: Caller) -> None:
    made = as_ada.post("/v1/keys", {"name": "  two   spaces ", "environment": "live"})

    assert made.json["key"]["name"] == "two spaces"


@pytest.mark.parametrize("sent", [b"a\\ud800", b"\\udfffa", b"\xed\xa0\x80", b"\xff"])
def test_half_a_sign_is_no_name(as_ada: Caller, sent: bytes) -> None:
    answer = as_ada.post("/v1/keys", b'{"name": "' + sent + b'", "environment": "live"}')

    assert answer.status_code in {400, 422}


@pytest.mark.parametrize("name", [ODD, HIDDEN, *SIBLINGS])
def test_no_form_takes_such_a_name(app: Flask, ada: Member, owner: Person, nobody: object, name: str) -> None:
    answers = {
        "key": owner.post("/keys", name=name, environment="test", scopes=["check"]),
        "organization": owner.post("/organization/name", name=name),
        "another organization": owner.post("/organizations", name=name),
        "channel": owner.post(
            "/organization/notifications", kind="mail", name=name, target="a@b.example", events=["api_key.created"]
        ),
        "sign-up": owner.browser.post(
            "/sign-up", name=name, organization_name="X", email="x@y.example", password="plum-harbour-violin-92"
        ),
        **{
            field: owner.post("/organization/details", **DETAILS | {field: name})
            for field in ("legal_name", "address", "contact_name", "registration_number")
        },
    }

    assert {what: answer.status_code for what, answer in answers.items() if answer.status_code != 422} == {}
    with app.app_context(), acting_as_system():
        assert channels.every(ada.organization_id) == []


@pytest.mark.parametrize(("kept", "typed"), [(" edge ", "edge"), ("two  spaces", "two spaces"), (ODD, None)])
def test_a_key_of_an_odd_name_from_before_is_revoked(
    app: Flask, ada: Member, owner: Person, kept: str, typed: str | None
) -> None:
    with app.app_context(), acting_as_system(), transaction():
        db.session.execute(update(ApiKey).where(ApiKey.id == ada.key_id).values(name=kept))
    typed = typed or public_id("key", ada.key_id)

    assert f"Enter: {typed}" in owner.get(f"/keys/{ada.key_id}/revoke").text
    assert owner.post(f"/keys/{ada.key_id}/revoke", typed="something else").status_code == 422
    assert owner.post(f"/keys/{ada.key_id}/revoke", typed=typed).status_code == 303


@pytest.mark.parametrize(("kept", "typed"), [("Ada  and Co ", "Ada and Co"), (ODD, "ada-and-co")])
def test_an_organization_of_an_odd_name_from_before_is_closed(
    app: Flask, ada: Member, owner: Person, kept: str, typed: str
) -> None:
    with app.app_context(), acting_as_system(), transaction():
        db.session.execute(update(Organization).where(Organization.id == ada.organization_id).values(name=kept))

    assert f"Enter: {typed}" in owner.get("/organization/closing").text
    assert owner.post("/organization/closing", typed=typed).status_code == 303
    with app.app_context(), acting_as_system():
        assert db.session.scalar(select(Organization.status)) == "closing"


def test_a_rules_sentences_keep_what_can_be_read(as_ada: Caller) -> None:
    rule = {"code": "long", "when": {"all": ['operation == "chat"']}, "message": "Ask\u202e  HR\u200b."}
    unseen = {**rule, "message": ODD}

    refused = as_ada.patch("/v1/policies/rules", {"value": [unseen]})
    kept = as_ada.patch("/v1/policies/rules", {"value": [rule]})

    assert (refused.status_code, refused.json["errors"][0]["path"]) == (422, "value[0].message")
    assert (kept.status_code, kept.json["policy"]["value"][0]["message"]) == (200, "Ask HR.")
