"""What operators do: suspend and restore, publish, announce and answer. All of it on the customer's audit log."""

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from core.clock import utc_now
from core.db import acting_as_system, db
from legal_docs.documents.models import LegalVersion
from legal_docs.register.models import SubProcessorChange, SubProcessorResponse
from tests.cast import Caller, Member
from tests.people import Person, mails_to
from tests.portal.test_documents import DETAILS, accept_all, forget

PUBLISH = {
    "kind": "terms",
    "number": "2.0",
    "is_major": "y",
    "summary": "Clearer words.",
    "effective_on": (utc_now() + timedelta(days=40)).date().isoformat(),
    "reviewer": "A. Lawyer",
    "reviewed_on": utc_now().date().isoformat(),
    "review_note": "Fine.",
}
ANNOUNCE = {
    "kind": "add",
    "replaces": "",
    "name": "Mailer",
    "entity": "Mailer GmbH",
    "address": "1 Example Street, Berlin",
    "country": "DE",
    "contact": "privacy@mailer.example",
    "purpose": "Sends our mail.",
    "data_categories": "Names and addresses.",
    "location": "Germany",
    "reason": "Mail reaches people faster.",
    "takes_effect_on": (utc_now() + timedelta(days=40)).date().isoformat(),
}


def test_suspending_blocks_the_keys_and_says_why(
    app: Flask, ada: Member, as_ada: Caller, owner: Person, operator: Person
) -> None:
    path = f"/console/organizations/{ada.organization_id}"
    assert operator.post(f"{path}/suspend", reason="").status_code == 422
    assert operator.post(f"{path}/suspend", reason="Unpaid use.").status_code == 303
    forget(app, ada)

    assert as_ada.check().json["code"] == "organization_suspended"
    assert "Unpaid use." in owner.get("/organization").text
    assert "organization.suspended" in owner.get("/audit-trail").text
    assert [mail.template for mail in mails_to(app, owner.email)] == ["organization_suspended"]
    assert operator.post(f"{path}/suspend", reason="Again.").status_code == 409

    assert operator.post(f"{path}/restore", reason="Settled.").status_code == 303
    forget(app, ada)
    assert as_ada.check().status_code == 200
    assert operator.post(f"{path}/restore", reason="Again.").status_code == 409


def test_closing_does_not_lift_a_suspension(app: Flask, ada: Member, owner: Person, operator: Person) -> None:
    operator.post(f"/console/organizations/{ada.organization_id}/suspend", reason="Unpaid use.")
    owner.post("/organization/closing", typed="Ada-And-Co")
    owner.post("/organization/closing/undo")

    assert "Suspended" in owner.get("/organization").text


def test_operators_find_organizations_by_name_and_member(owner: Person, operator: Person) -> None:
    for words in ("ada", owner.email):
        assert "Ada-And-Co" in operator.get(f"/console/organizations?q={words}").text
    assert "Ada-And-Co" not in operator.get("/console/organizations?q=zzz").text


def test_an_operator_sees_keys_by_id_only(ada: Member, operator: Person) -> None:
    page = operator.get(f"/console/organizations/{ada.organization_id}").text

    assert ada.shown_key_id in page
    assert ada.secret[:13] not in page


def test_the_end_of_a_pilot_can_be_moved(app: Flask, ada: Member, owner: Person, operator: Person) -> None:
    path = f"/console/organizations/{ada.organization_id}/pilot"

    assert operator.post(path, ends_on="2027-06-30").status_code == 303
    assert operator.post(path, ends_on="soon").status_code == 422

    assert "organization.pilot_end_moved" in owner.get("/audit-trail").text


def provider(monkeypatch: pytest.MonkeyPatch, app: Flask) -> None:
    import msgspec

    settings = msgspec.structs.replace(
        app.extensions["settings"],
        provider_name="Provider Ltd",
        provider_address="1 Provider Street",
        provider_registration="No. 1",
        provider_signatory="P. Rovider, director",
        governing_law="Ireland",
        courts="Dublin",
        support_email="support@provider.example",
        legal_email="legal@provider.example",
        privacy_email="privacy@provider.example",
        security_email="security@provider.example",
    )
    monkeypatch.setitem(app.extensions, "settings", settings)


def versions(app: Flask) -> list[str]:
    with app.app_context(), acting_as_system():
        return sorted(db.session.scalars(select(LegalVersion.number).where(LegalVersion.kind == "terms")))


def test_nothing_is_published_while_our_own_details_are_missing(app: Flask, documents: None, operator: Person) -> None:
    answer = operator.post("/console/documents", **PUBLISH)

    assert answer.status_code == 422
    assert "PROVIDER_NAME" in answer.text
    assert versions(app) == ["1.0"]


@pytest.mark.parametrize("missing", ["reviewer", "review_note", "summary", "effective_on"])
def test_a_version_is_published_after_a_recorded_review(
    app: Flask, documents: None, operator: Person, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    provider(monkeypatch, app)
    assert operator.post("/console/documents", **{**PUBLISH, missing: ""}).status_code == 422
    assert versions(app) == ["1.0"]

    assert operator.post("/console/documents", **PUBLISH).status_code == 303
    assert versions(app) == ["1.0", "2.0"]


def test_a_change_of_the_register_is_announced_objected_to_and_answered(
    app: Flask, documents: None, owner: Person, operator: Person
) -> None:
    owner.post("/organization/details", **DETAILS)
    accept_all(owner)
    assert operator.post("/console/sub-processors", **ANNOUNCE).status_code == 303
    with app.app_context(), acting_as_system():
        change_id = db.session.scalars(select(SubProcessorChange.id)).one()
    path = f"/legal/sub-processors/{change_id}/respond"

    assert owner.post(path, kind="object", reason="").status_code == 422
    assert owner.post(path, kind="nonsense").status_code == 422
    assert owner.post(path, kind="object", reason="Too far away.").status_code == 303
    assert "Too far away." in operator.get("/console/sub-processors").text
    assert "Questions and objections about sub-processors" in operator.get("/console").text

    with app.app_context(), acting_as_system():
        response_id = db.session.scalars(select(SubProcessorResponse.id)).one()
    answered = operator.post(f"/console/sub-processors/responses/{response_id}/answer", text="It is in Berlin.")
    assert answered.status_code == 303
    assert "waiting for Ada-And-Co" in operator.get("/console/sub-processors").text
    assert owner.post(path, kind="accept").status_code == 303
    assert "waiting for Ada-And-Co" not in operator.get("/console/sub-processors").text
    withdrawn = operator.post(f"/console/sub-processors/changes/{change_id}/withdraw")
    assert withdrawn.status_code == 303
    assert operator.post(f"/console/sub-processors/changes/{change_id}/withdraw").status_code == 409


def test_a_change_needs_its_notice(operator: Person, documents: None) -> None:
    tomorrow = (utc_now() + timedelta(days=1)).date().isoformat()

    answer: Any = operator.post("/console/sub-processors", **{**ANNOUNCE, "takes_effect_on": tomorrow})

    assert answer.status_code == 422
