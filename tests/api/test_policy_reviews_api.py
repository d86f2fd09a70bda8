"""Review over the API: a key asks for it and sees what came of it, and only a member decides."""

from typing import Any

from flask import Flask

from api.policies.drafts.services import PREFIX
from core.ids import parse_public_id
from core.members import Role
from tests.api.test_policy_drafts_api import DRAFTS, created
from tests.cast import Caller, Member
from tests.people import person
from tests.portal.test_policy_reviews import decide
from tests.portal.test_policy_tests import AS_DATA, analyze


def page_of(draft: Any) -> str:
    return f"/policies/drafts/{parse_public_id(PREFIX, draft['id'])}"


def test_a_key_asks_for_a_review_and_reads_what_came_of_it(app: Flask, ada: Member, as_ada: Caller) -> None:
    draft = created(as_ada, max_risk_score=60)
    address, body = f"{DRAFTS}/{draft['id']}/review", {"expected_revision": draft["revision"]}
    assert as_ada.get(address).status_code == 404
    assert as_ada.post(address, body).json["code"] == "review_needs_impact"
    analyze(app, ada, page_of(draft))

    asked = as_ada.post(address, body)
    again = as_ada.post(address, body)

    assert (asked.status_code, asked.json["status"], asked.json["is_stale"]) == (201, "requested", False)
    assert (again.status_code, again.json["code"]) == (409, "review_requested")
    second = person(app, "Dora", ada.organization_id, Role.DEVELOPER)
    assert "by the API key Main" in second.get(page_of(draft)).text
    assert decide(app, ada, second, page_of(draft)).status_code == 303
    found = as_ada.get(address).json
    assert (found["status"], found["comment"], found["is_stale"]) == ("approved", "Looks right.", False)
    as_ada.send("PUT", f"{DRAFTS}/{draft['id']}", {"expected_revision": 2, "policies": {"max_risk_score": 70}})
    assert as_ada.get(address).json["is_stale"]


def test_a_review_is_not_asked_for_unseen_changes_nor_with_failing_tests(
    app: Flask, ada: Member, as_ada: Caller
) -> None:
    failing = {**AS_DATA, "expect": {"allowed": not AS_DATA["expect"]["allowed"]}}
    draft = created(as_ada, tests=[failing])
    analyze(app, ada, page_of(draft))
    address = f"{DRAFTS}/{draft['id']}/review"

    unseen = as_ada.post(address, {"expected_revision": draft["revision"] - 1})
    untested = as_ada.post(address, {"expected_revision": draft["revision"]})

    assert (unseen.status_code, unseen.json["code"]) == (409, "draft_changed")
    assert (untested.status_code, untested.json["code"]) == (409, "policy_tests_failed")


def test_strangers_and_keys_without_the_scope_ask_for_nothing(
    app: Flask, ada: Member, as_ada: Caller, as_cleo: Caller
) -> None:
    draft = created(as_ada, max_risk_score=60)
    address, body = f"{DRAFTS}/{draft['id']}/review", {"expected_revision": draft["revision"]}

    assert [as_cleo.post(address, body).status_code, as_cleo.get(address).status_code] == [404, 404]
    assert as_ada.send("DELETE", address).status_code == 405
    assert as_ada.post(address, {}).status_code == 422
