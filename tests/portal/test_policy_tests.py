"""Tests that are kept with the policies: run on every edit, and nothing is published while one fails."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest
from flask import Flask

from api.decisions.impact import services as impacts
from api.decisions.impact.analysis import Analysis
from api.policies.compiling import compile_policy
from api.policies.coverage import CoverageCounter, coverage_by_tests
from api.policies.document import PolicyDocument
from api.policies.evaluator import CheckFacts
from api.policies.presets import PRESETS
from api.policies.rules import OnMissing, Rule, RuleState, When
from api.policies.testing import MOST_S, difference_of, run_tests
from api.policies.validation import with_values
from core.audit import SYSTEM
from core.clock import utc_now
from core.db import acting_for, transaction
from core.errors import InvalidRequest
from tests.cast import Caller, Member
from tests.impact_steps import step
from tests.people import Person
from tests.portal.test_policies import RULE, current, form_of
from tests.portal.test_policy_drafts import PERSONAL, create, draft_at

TEST = {
    "name": "Personal data is blocked",
    "model": "gpt-4o",
    "operation": "chat",
    "metadata": '{"contains_personal_data": true}',
    "allowed": "false",
    "reason": "contains_personal_data",
    "risk_score": "",
}
AS_DATA: dict[str, Any] = {
    "name": "Personal data is blocked",
    "request": {"model": "gpt-4o", "operation": "chat", "metadata": PERSONAL},
    "expect": {"allowed": False},
}
ON_HR = Rule(
    code="hr",
    when=When(all=('department == "hr"', "is_high_risk_system")),
    message="m",
    on_missing=OnMissing.SKIP,
    state=RuleState.PERCENT,
    percent=1,
)


def document_with(*tests: dict[str, Any], rules: tuple[Rule, ...] = ()) -> PolicyDocument:
    return with_values(PolicyDocument(rules=rules), {"tests": list(tests)}, path_of=str)


def test_what_a_rule_in_shadow_keeps_from_a_test_is_said() -> None:
    rule = msgspec.structs.replace(ON_HR, state=RuleState.SHADOW, percent=None)
    request = {"model": "gpt-4o", "operation": "chat", "metadata": {"department": "hr", "is_high_risk_system": True}}
    test = {"name": "HR is blocked", "request": request, "expect": {"allowed": False, "reason": "hr"}}

    (result,) = run_tests(document_with(test, rules=(rule,)))

    assert not result.has_passed
    assert difference_of(result).endswith("In shadow, so without effect: hr.")


def test_a_failing_test_keeps_a_draft_from_being_published(app: Flask, ada: Member, developer: Person) -> None:
    path = create(developer)
    assert developer.post(f"{path}/tests", **TEST, version="1").status_code == 303
    assert "The only test passes." in developer.get(path).text
    developer.post(f"{path}/settings", **form_of(app, ada, block_personal_data=None, version="2"))

    page = developer.get(path).text
    refused = developer.post(f"{path}/publish", version="3")

    assert "Expected blocked, reason contains_personal_data; the decision is allowed" in page
    assert "Publish</button>" not in page
    assert (refused.status_code, current(app, ada)[0]) == (409, 1)
    assert "1 of 1 tests fail: “Personal data is blocked”." in refused.text
    assert (
        developer.post(f"{path}/tests/0", **{**TEST, "allowed": "true", "reason": ""}, version="3").status_code == 303
    )
    assert developer.post(f"{path}/publish", version="4").status_code == 303
    assert current(app, ada)[1].tests[0].expect.allowed


def test_every_way_into_force_runs_the_tests(app: Flask, ada: Member, as_ada: Caller, developer: Person) -> None:
    assert as_ada.patch("/v1/policies/tests", {"value": [AS_DATA]}).status_code == 200

    by_key = as_ada.patch("/v1/policies/block_personal_data", {"value": False})
    by_form = developer.post("/policies", **form_of(app, ada, block_personal_data=None, version="2"))

    assert (by_key.status_code, by_key.json["code"]) == (409, "policy_tests_failed")
    assert by_key.json["errors"][0]["path"] == "tests[0]"
    assert by_form.status_code == 409
    assert "Personal data is blocked" in by_form.text
    assert current(app, ada)[0] == 2


def test_the_api_runs_tests_of_a_draft_and_others(as_ada: Caller, as_cleo: Caller) -> None:
    draft = as_ada.post("/v1/policy/drafts", {"name": "x", "policies": {"tests": [AS_DATA]}}).json
    address = f"/v1/policy/drafts/{draft['id']}/tests"

    own = as_ada.post(address, {}).json
    other = as_ada.post(address, {"tests": [{**AS_DATA, "expect": {"allowed": True}}]}).json
    refused = as_ada.post(address, {"tests": [{**AS_DATA, "request": {"model": "m", "operation": "two words"}}]})

    assert (own["passed"], own["failed"]) == (1, 0)
    assert (other["passed"], other["failed"], other["tests"][0]["reason"]) == (0, 1, "contains_personal_data")
    assert (refused.status_code, refused.json["errors"][0]["path"]) == (422, "tests[0].request.operation")
    assert as_cleo.post(address, {}).status_code == 404


def test_a_test_holds_no_content(as_ada: Caller) -> None:
    leak = {**AS_DATA, "request": {**AS_DATA["request"], "metadata": {"prompt": "the whole text of a prompt"}}}

    refused = as_ada.post("/v1/policy/drafts", {"name": "x", "policies": {"tests": [leak]}})

    assert refused.status_code in {400, 422}
    assert "whole text" not in refused.text


def test_a_decision_becomes_a_test(app: Flask, ada: Member, as_ada: Caller, developer: Person) -> None:
    decision_id = as_ada.check(metadata=PERSONAL).json["decision_id"]
    assert "Create test from this decision" in developer.get(f"/decisions/{decision_id}").text
    address = f"/policies/tests/of-decision/{decision_id}"
    assert "chat with gpt-4o is blocked" in developer.get(address).text

    made = developer.post(address, name="HR is blocked", draft="new")

    path = made.headers["Location"].partition("#")[0]
    test = draft_at(app, ada, path).document.tests[0]
    assert (test.name, test.request.metadata) == ("HR is blocked", PERSONAL)
    assert (test.expect.allowed, test.expect.reason, test.expect.risk_score) == (False, "contains_personal_data", 70)
    again = developer.post(address, name="HR is blocked", draft=path.rpartition("/")[2])
    assert again.status_code == 422
    assert "Each test needs a unique name." in again.text
    assert developer.post(address, name="x", draft=str(UUID(int=1))).status_code == 422


def test_bad_input_is_told_at_its_field_and_a_stale_form_changes_nothing(
    app: Flask, ada: Member, developer: Person
) -> None:
    path = create(developer)
    for field, value in (("metadata", "no json"), ("metadata", '{"nonsense": 1}'), ("operation", "a b"), ("name", "")):
        answer = developer.post(f"{path}/tests", **{**TEST, field: value}, version="1")
        assert answer.status_code == 422
        assert f'id="{field}-error"' in answer.text, field
    developer.post(f"{path}/tests", **TEST, version="1")

    assert developer.post(f"{path}/tests", **{**TEST, "name": "Other"}, version="1").status_code == 422
    assert developer.post(f"{path}/tests/0/remove", version="1").status_code == 409
    assert developer.get(f"{path}/tests/1").status_code == 404
    assert len(draft_at(app, ada, path).document.tests) == 1
    assert developer.post(f"{path}/tests/0/remove", version="2").status_code == 303
    assert draft_at(app, ada, path).document.tests == ()


def test_time_is_bounded_and_what_did_not_run_did_not_pass() -> None:
    document = document_with(AS_DATA, {**AS_DATA, "name": "Second"})
    moments = iter([0.0, 0.0, MOST_S])

    first, second = run_tests(document, clock=lambda: next(moments))

    assert first.has_passed
    assert not second.has_passed
    assert second.fault


def test_a_percentage_is_tested_as_if_enforced() -> None:
    hr = {"model": "m", "operation": "chat", "metadata": {"department": "hr", "is_high_risk_system": True}}
    document = document_with({"name": "x", "request": hr, "expect": {"allowed": False, "reason": "hr"}}, rules=(ON_HR,))

    assert run_tests(document)[0].has_passed


def test_names_are_unique() -> None:
    with pytest.raises(InvalidRequest):
        document_with(AS_DATA, AS_DATA)


def test_coverage_knows_what_was_seen_both_ways() -> None:
    hr = {"model": "m", "operation": "chat", "metadata": {"department": "hr", "is_high_risk_system": False}}
    document = document_with({"name": "x", "request": hr, "expect": {"allowed": True}}, rules=(ON_HR,))

    seen = coverage_by_tests(document)["hr"]
    assert (seen.whole.true, seen.whole.false) == (False, True)
    assert [(one.true, one.false) for one in seen.conditions] == [(True, False), (False, True)]

    counter = CoverageCounter(compile_policy(UUID(int=0), 1, document), known={"hr": seen})
    counter.look_at(CheckFacts("m", "chat", {"department": "it", "is_high_risk_system": True}))
    counter.look_at(CheckFacts("m", "chat", {"department": "hr", "is_high_risk_system": True}))
    assert counter.coverage["hr"].is_done
    assert counter.is_done


def test_a_rule_that_neither_tests_nor_traffic_made_true_is_untested(
    app: Flask, ada: Member, as_ada: Caller, developer: Person
) -> None:
    as_ada.check(metadata={"department": "hr"})
    path = create(developer)
    developer.post(f"{path}/rules", **{**RULE, "all": 'department == "it"'}, version="1")
    assert "untested" in developer.get(path).text
    analyze(app, ada, path)
    assert "untested" in developer.get(path).text

    developer.post(f"{path}/rules/hr_review", **RULE, version="2")
    analyze(app, ada, path)

    page = developer.get(path).text
    assert "matched in decisions" in page
    assert "never false" in page


def analyze(app: Flask, member: Member, path: str) -> None:
    draft = draft_at(app, member, path)
    now = utc_now() + timedelta(seconds=1)
    with app.app_context(), acting_for(member.organization_id), transaction():
        impact = impacts.request(member.organization_id, draft, days=1, by=SYSTEM, now=now)
        step(Analysis(member.organization_id, impact.id), now=now)


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.name)
def test_a_preset_passes_its_tests_and_they_show_each_of_its_rules(preset: Any) -> None:
    before = PolicyDocument()

    document = with_values(before, preset.values_over(before), path_of=str)

    assert preset.tests
    assert [result.test.name for result in run_tests(document) if not result.has_passed] == []
    assert [code for code, seen in coverage_by_tests(document).items() if not seen.whole.is_both] == []
