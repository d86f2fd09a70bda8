"""The file of policies that was pushed last, and where the policies in force differ from it."""

from typing import Any

import pytest
from flask import Flask

from api.keys.scopes import Scope
from api.keys.token import KeyEnvironment
from tests.api.test_policy_drafts_api import caller_with
from tests.cast import Caller, Member

PATH = "/v1/policy/file"
RULE = {"code": "hr", "when": {"all": ["department == 'hr'"]}, "message": "m", "on_missing": "skip"}


def differences(caller: Caller) -> dict[str, Any]:
    return {one["policy"]: (one["file"], one["in_force"]) for one in caller.get(PATH).json["differences"]}


def test_what_the_portal_changed_since_is_told(as_ada: Caller) -> None:
    as_ada.patch("/v1/policies/max_risk_score", {"value": 40})
    pushed = as_ada.send("PUT", PATH, {"policies": {"max_risk_score": 40, "rules": []}})
    assert (pushed.status_code, pushed.json["differences"], pushed.json["pushed_at_version"]) == (200, [], 2)

    as_ada.patch("/v1/policies/max_risk_score", {"value": 60})
    as_ada.patch("/v1/policies/block_personal_data", {"value": False})

    assert differences(as_ada) == {"max_risk_score": (40, 60)}
    as_ada.patch("/v1/policies/max_risk_score", {"value": 40})
    assert differences(as_ada) == {}


def test_what_a_file_leaves_to_defaults_does_not_differ(as_ada: Caller) -> None:
    written_out = {**RULE, "effect": "block", "points": 50, "fix": "", "state": "enforced", "percent": 10}
    as_ada.patch("/v1/policies/rules", {"value": [written_out]})

    as_ada.send("PUT", PATH, {"policies": {"rules": [RULE]}})

    assert differences(as_ada) == {}


def test_a_file_that_is_pushed_twice_is_kept_once_and_changes_nothing_in_force(as_ada: Caller) -> None:
    for score in (40, 40, 45):
        assert as_ada.send("PUT", PATH, {"policies": {"max_risk_score": score}}).status_code == 200

    assert differences(as_ada) == {"max_risk_score": (45, 50)}
    assert as_ada.get("/v1/policies").json["version"] == 1


@pytest.mark.parametrize(
    ("policies", "path"),
    [
        ({"max_risk_score": 0}, "policies.max_risk_score"),
        ({"no_such": 1}, "policies.no_such"),
        ({"rules": [{**RULE, "when": {"all": ["departmnt == 'hr'"]}}]}, "policies.rules[0].when.all[0]"),
    ],
)
def test_a_file_that_is_not_valid_is_refused_and_the_one_before_stays(
    as_ada: Caller, policies: dict[str, Any], path: str
) -> None:
    as_ada.send("PUT", PATH, {"policies": {"max_risk_score": 40}})

    refused = as_ada.send("PUT", PATH, {"policies": policies})

    assert (refused.status_code, refused.json["errors"][0]["path"]) == (422, path)
    assert list(differences(as_ada)) == ["max_risk_score"]


def test_a_files_tests_run_on_its_policies_and_nothing_is_kept(as_ada: Caller) -> None:
    request = {"model": "gpt-4o", "operation": "chat", "metadata": {"department": "hr"}}
    tests = [{"name": "HR", "request": request, "expect": {"allowed": False, "reason": "hr"}}]

    passing = as_ada.post(f"{PATH}/tests", {"policies": {"rules": [RULE], "tests": tests}}).json
    failing = as_ada.post(f"{PATH}/tests", {"policies": {"tests": tests}}).json
    refused = as_ada.post(f"{PATH}/tests", {"policies": {"max_risk_score": 0}})

    assert (passing["passed"], passing["failed"], failing["failed"]) == (1, 0, 1)
    assert refused.json["errors"][0]["path"] == "policies.max_risk_score"
    assert as_ada.get("/v1/policies").json["version"] == 1


def test_without_a_file_there_is_no_drift(as_ada: Caller, as_cleo: Caller) -> None:
    as_cleo.send("PUT", PATH, {"policies": {"max_risk_score": 40}})

    assert as_ada.get(PATH).status_code == 404


def test_a_test_key_and_one_without_the_scope_push_nothing(app: Flask, ada: Member, as_ada: Caller) -> None:
    of_tests = caller_with(app, ada, Scope.POLICIES_DRAFT, environment=KeyEnvironment.TEST)
    reading = caller_with(app, ada, Scope.POLICIES_READ)
    body = {"policies": {"max_risk_score": 40}}

    assert [one.send("PUT", PATH, body).status_code for one in (of_tests, reading)] == [403, 403]
    assert as_ada.get(PATH).status_code == 404
