"""The checks say what is so: in each case the API would give the same answer."""

import pytest
from flask import Flask

from api.runtime import Runtime
from core.accounts import Organization, OrganizationStatus
from core.db import acting_as_system, db, transaction
from tests.cast import Caller, Member, another_key
from tests.people import Person
from tests.portal.status_scene import open_incident

CHECKS = ("page", "key", "limit", "blocked", "log")


@pytest.mark.parametrize("check", CHECKS)
def test_each_check_opens_for_every_member(viewer: Person, check: str) -> None:
    assert viewer.get(f"/help/checks/{check}").status_code == 200


def test_an_open_incident_is_named(app: Flask, owner: Person) -> None:
    incident_id = open_incident(app, title="Checks are answered late")

    page = owner.get("/help/checks/page").text

    assert "There is an open incident: Checks are answered late." in page
    assert f"/status/incidents/{incident_id}" in page


def test_a_working_key_is_found_to_work(ada: Member, as_ada: Caller, owner: Person) -> None:
    page = owner.post("/help/checks/key", key=str(ada.key_id)).text

    assert as_ada.check().status_code == 200
    assert "The API accepts this key." in page


def test_a_revoked_key_is_found_to_be_revoked(app: Flask, ada: Member, owner: Person) -> None:
    other = another_key(app, ada)
    as_ada = Caller(app.test_client(), other.secret)
    as_ada.post(f"/v1/keys/{other.shown_key_id}/revoke", {"reason": "lost"})

    page = owner.post("/help/checks/key", key=str(other.key_id)).text

    assert as_ada.check().json["code"] == "revoked_api_key"
    assert "The API rejects this key with status 401: “This API key was revoked”" in page


def test_a_suspension_is_named(app: Flask, ada: Member, owner: Person) -> None:
    with app.app_context(), acting_as_system(), transaction():
        organization = db.session.get_one(Organization, ada.organization_id)
        organization.status = OrganizationStatus.SUSPENDED.value

    assert "This organization is suspended" in owner.post("/help/checks/key", key=str(ada.key_id)).text


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("{key}", "must start with the word Bearer"),
        ('Bearer "{key}"', "There are extra characters around the key"),
        ("Bearer {key}x", "The key is not valid"),
        ("Bearer sk-something", "The header contains no API key"),
        ("Authorization: Bearer {key}", "The format of the key is correct"),
    ],
)
def test_the_header_is_looked_at(ada: Member, owner: Person, header: str, words: str) -> None:
    page = owner.post("/help/checks/key", header=header.format(key=ada.secret)).text

    assert words in page
    assert ada.secret not in page


def test_another_organizations_key_is_not_looked_at(cleo: Member, owner: Person) -> None:
    page = owner.post("/help/checks/key", key=str(cleo.key_id)).text

    assert "The API accepts this key" not in page


def test_of_another_organizations_key_nothing_is_told(app: Flask, cleo: Member, owner: Person) -> None:
    page = owner.post("/help/checks/key", header=f"Bearer {cleo.secret}").text

    assert "The API accepts this key" not in page
    assert "belongs to another organization" in page


def test_the_fullest_minute_stands_beside_the_limit(app: Flask, ada: Member, owner: Person) -> None:
    slow = another_key(app, ada, name="Slow", rate_limit=3)
    for _ in range(3):
        Caller(app.test_client(), slow.secret).check()

    assert "Slow: 3 of 3 requests in its peak minute" in owner.get("/help/checks/limit").text


def test_a_limit_that_was_reached_is_said_to_be_where_not_every_request_was_decided(
    app: Flask, room: Runtime, ada: Member, owner: Person
) -> None:
    full = another_key(app, ada, name="Full", rate_limit=3)
    software = Caller(app.test_client(), full.secret)
    sent = [software.check().status_code, software.check(prompt="Write").status_code, software.check().status_code]
    beyond = software.check().status_code
    room.requests.flush()

    assert (sent, beyond) == ([200, 400, 200], 429)
    assert "Full: 2 of 3 requests in its peak minute" in (page := owner.get("/help/checks/limit").text)
    assert "1 request rejected that day (429)." in page
    assert "1 request was rejected that day (429)." in owner.get("/dashboard/figures?environment=live").text


def test_what_blocked_is_counted_and_a_decision_explained(as_ada: Caller, owner: Person, stranger: Person) -> None:
    decision_id = as_ada.check(metadata={"contains_personal_data": True}).json["decision_id"]

    page = owner.post("/help/checks/blocked", decision=decision_id).text
    refused = stranger.post("/help/checks/blocked", decision=decision_id)

    assert "This decision has a risk score of 70. Reason: Personal data." in page
    assert "Blocked in the last seven days, live: 1. Reason: " in page
    assert (refused.status_code, "Decision not found" in refused.text) == (422, True)


def test_the_log_says_what_there_is_and_how_long_it_stays(as_ada: Caller, owner: Person) -> None:
    before = owner.get("/help/checks/log").text
    as_ada.check()

    assert "There are no live decisions." in before
    assert "The latest live decision was made on" in owner.get("/help/checks/log").text
    assert "Decisions older than 90 days are deleted" in before
