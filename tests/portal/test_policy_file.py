"""Drift between the policy file and the portal, on its pages."""

from flask import Flask

from api.policies import services as policies
from core.clock import utc_now
from core.db import acting_as_system, transaction
from tests.cast import Caller, Member
from tests.people import Person
from tests.portal.test_policies import form_of


def test_pages_say_where_the_active_policies_differ_from_the_file(
    app: Flask, ada: Member, as_ada: Caller, developer: Person, viewer: Person
) -> None:
    assert "No file yet" in viewer.get("/policies/file").text
    as_ada.send("PUT", "/v1/policy/file", {"policies": {"max_risk_score": 50, "denied_operations": []}})
    assert "matches the file" in viewer.get("/policies/file").text
    assert "differ from the last pushed file" not in viewer.get("/policies").text

    developer.post("/policies", **form_of(app, ada, max_risk_score="60"))

    page = viewer.get("/policies/file").text
    assert "Block at score: changed from 50 to 60." in page
    assert "with Main, when version 1 was active. The file contains 2 policies." in page
    assert "differ from the last pushed file in 1 of 2 policies" in viewer.get("/policies").text
    as_ada.send("PUT", "/v1/policy/file", {"policies": {"on_unreachable": [{"mode": "block"}]}})
    in_force = [{"mode": "allow_and_report", "operations": ["chat"]}]
    as_ada.patch("/v1/policies/on_unreachable", {"value": in_force})
    said = "added “allow and report” for chat; removed “block” for all other operations."
    assert said in viewer.get("/policies/file").text


def test_the_file_goes_with_a_closed_account(app: Flask, ada: Member, as_ada: Caller, viewer: Person) -> None:
    as_ada.send("PUT", "/v1/policy/file", {"policies": {"max_risk_score": 40}})

    with app.app_context(), acting_as_system(), transaction():
        policies.forget(ada.organization_id, now=utc_now())

    assert "No file yet" in viewer.get("/policies/file").text


def test_a_stranger_sees_nothing_of_it(as_ada: Caller, stranger: Person) -> None:
    as_ada.send("PUT", "/v1/policy/file", {"policies": {"max_risk_score": 40}})

    assert "No file yet" in stranger.get("/policies/file").text
