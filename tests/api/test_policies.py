"""Policies: reading, changing, versions and their author, custom facts and rules."""

from typing import Any

import cel
import pytest
from flask import Flask
from sqlalchemy import text

from api.keys.token import KeyEnvironment
from api.policies import services
from api.policies.compiled_rules import compile_rule
from api.policies.document import POLICY_KEYS, PolicyDocument
from api.policies.models import PolicyVersion
from api.policies.rules import Rule, When
from core.clock import utc_now
from core.db import acting_as_system, db, transaction
from tests.cast import Caller, Member, another_key

BLOCK_HR = {
    "code": "no_hr",
    "when": {"all": ["department == 'hr'", "is_external_model"]},
    "message": "HR data stays inside.",
    "fix": "Use the internal model.",
}


def test_every_policy_is_listed_with_its_default(as_ada: Caller) -> None:
    listed = as_ada.get("/v1/policies").json

    assert listed["version"] == 1
    assert [policy["key"] for policy in listed["policies"]] == list(POLICY_KEYS)
    values = {policy["key"]: policy["value"] for policy in listed["policies"]}
    assert values["block_personal_data"] is True
    assert values["block_external_models"] is False
    assert values["count_points_when_off"] is False
    assert values["max_risk_score"] == 50
    points = [
        values[f"points_{name}"] for name in ("personal_data", "external_model", "large_dataset", "unknown_operation")
    ]
    assert points == [70, 50, 30, 20]


def test_a_change_makes_a_new_version_that_the_next_check_uses(as_ada: Caller) -> None:
    unusual = {"operation": "juggle", "metadata": {"is_large_dataset": True}}
    before = as_ada.check(**unusual).json

    changed = as_ada.patch("/v1/policies/max_risk_score", {"value": 60})

    after = as_ada.check(**unusual).json
    assert (changed.json["version"], changed.json["policy"]["value"]) == (2, 60)
    assert (before["allowed"], before["policy_version"]) == (False, 1)
    assert (after["allowed"], after["policy_version"]) == (True, 2)


@pytest.mark.parametrize(
    ("switch", "fact", "score"),
    [("block_personal_data", "contains_personal_data", 70), ("block_external_models", "is_external_model", 50)],
)
def test_a_switch_alone_says_whether_its_cause_blocks(as_ada: Caller, switch: str, fact: str, score: int) -> None:
    as_ada.patch(f"/v1/policies/{switch}", {"value": True})
    on = as_ada.check(metadata={fact: True}).json

    as_ada.patch(f"/v1/policies/{switch}", {"value": False})
    off = as_ada.check(metadata={fact: True}).json

    assert (on["allowed"], on["risk_score"]) == (False, score)
    assert (off["allowed"], off["risk_score"], off["reason"]) == (True, 0, "ok")


def test_a_change_is_on_the_audit_trail_with_its_author(app: Flask, as_ada: Caller, ada: Member) -> None:
    as_ada.patch("/v1/policies/block_external_models", {"value": True})

    with app.app_context(), acting_as_system():
        event = db.session.execute(text("SELECT * FROM audit_event WHERE action = 'policy.changed'")).one()
    assert (event.actor_kind, event.actor_id, event.subject_id) == ("api_key", ada.key_id, "block_external_models")
    assert (event.before, event.after) == (
        {"version": 1, "block_external_models": False},
        {"version": 2, "block_external_models": True},
    )


def test_the_same_value_again_makes_no_version(as_ada: Caller) -> None:
    assert as_ada.patch("/v1/policies/max_risk_score", {"value": 50}).json["version"] == 1


def test_two_changes_on_the_same_version_get_one_winner(as_ada: Caller) -> None:
    first = as_ada.patch("/v1/policies/max_risk_score", {"value": 60, "expected_version": 1})
    second = as_ada.patch("/v1/policies/max_risk_score", {"value": 70, "expected_version": 1})

    assert first.status_code == 200
    assert (second.status_code, second.json["code"]) == (409, "policy_changed")


@pytest.mark.parametrize(
    ("key", "value", "path"),
    [
        ("max_risk_score", 0, "value"),
        ("max_risk_score", 101, "value"),
        ("max_risk_score", "50", "value"),
        ("block_personal_data", "false", "value"),
        ("block_personal_data", None, "value"),
        ("points_personal_data", -1, "value"),
        ("allowed_models", ["two words"], "value[0]"),
        ("custom_facts", {"contains_pii": "boolean"}, "value.contains_pii"),
        ("custom_facts", {"user_prompt": "token"}, "value.user_prompt"),
        ("custom_facts", {"tier": "essay"}, "value"),
        ("rules", [{**BLOCK_HR, "when": {}}], "value[0].when"),
        ("rules", [{**BLOCK_HR, "when": {"any": ["departmnt == 'hr'"]}}], "value[0].when.any[0]"),
        ("rules", [BLOCK_HR, BLOCK_HR], "value"),
        ("rules", [{**BLOCK_HR, "message": "a\nb"}], "value[0].message"),
        ("rules", [{**BLOCK_HR, "when": {"all": ["(" * 95 + "is_external_model" + ")" * 95]}}], "value[0].when.all[0]"),
        ("custom_facts", {"is.external.model": "boolean"}, "value.is.external.model"),
        ("custom_facts", {"a.b": "token", "a_b": "token"}, "value.a_b"),
        ("large_dataset_records", 10**30, "value"),
        ("rules", [{**BLOCK_HR, "effect": "explode"}], "value[0].effect"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_by_path(as_ada: Caller, key: str, value: Any, path: str) -> None:
    answer = as_ada.patch(f"/v1/policies/{key}", {"value": value})

    assert (answer.status_code, answer.json["code"]) == (422, "invalid_request")
    assert answer.json["errors"][0]["path"] == path
    assert as_ada.get("/v1/policies").json["version"] == 1


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ("department ==", "is not valid"),
        ("[1, 2].all(x, x > 0)", "macros"),
        ("department.matches('h.*')", "regular expressions"),
        ("is_external_model ? true : false", "conditional expressions"),
        ("dataset_record_count + 1 > 2", "can't be used"),
        ("department", "true or false"),
        ("dataset_record_count - 1 == department", "can't be used"),
    ],
)
def test_a_condition_outside_the_profile_is_refused(as_ada: Caller, condition: str, words: str) -> None:
    answer = as_ada.patch("/v1/policies/rules", {"value": [{**BLOCK_HR, "when": {"all": [condition]}}]})

    assert answer.status_code == 422
    assert words in answer.json["errors"][0]["detail"]


def test_an_unknown_policy_is_not_found_with_the_list_of_those_there_are(as_ada: Caller) -> None:
    answer = as_ada.patch("/v1/policies/nonsense", {"value": 1})

    assert answer.status_code == 404
    assert "block_personal_data" in answer.json["detail"]


def test_a_rule_of_ones_own_decides_and_explains(as_ada: Caller) -> None:
    as_ada.patch("/v1/policies/rules", {"value": [BLOCK_HR]})
    as_ada.patch("/v1/policies/max_risk_score", {"value": 100})

    blocked = as_ada.check(metadata={"department": "hr", "is_external_model": True}).json
    allowed = as_ada.check(metadata={"department": "sales", "is_external_model": True}).json

    assert (blocked["allowed"], blocked["reason"]) == (False, "no_hr")
    assert blocked["reasons"][0]["fix"] == "Use the internal model."
    assert allowed["allowed"] is True


def test_a_custom_fact_is_accepted_by_its_type(as_ada: Caller) -> None:
    as_ada.patch("/v1/policies/custom_facts", {"value": {"customer_tier": "token"}})

    assert as_ada.check(metadata={"customer_tier": "gold"}).status_code == 200
    assert as_ada.check(metadata={"customer_tier": 3}).status_code == 422


def test_a_stranger_s_change_is_the_stranger_s_alone(as_ada: Caller, as_cleo: Caller) -> None:
    as_cleo.patch("/v1/policies/max_risk_score", {"value": 99})

    assert as_ada.get("/v1/policies").json["version"] == 1


def test_seeding_again_changes_nothing(app: Flask, as_ada: Caller) -> None:
    as_ada.patch("/v1/policies/max_risk_score", {"value": 60})

    with app.app_context(), acting_as_system(), transaction():
        assert services.seed(now=utc_now()) == 0
    assert as_ada.get("/v1/policies").json["version"] == 2


def test_a_stored_document_of_an_older_shape_gets_the_defaults_of_what_is_new() -> None:
    assert services.read_document({"max_risk_score": 60, "count_points_when_off": False}) == PolicyDocument(
        max_risk_score=60, compare_in_normal_form=False
    )


def test_a_quantity_of_content_may_be_a_custom_fact(as_ada: Caller) -> None:
    as_ada.patch("/v1/policies/custom_facts", {"value": {"prompt_length": "integer"}})

    assert as_ada.check(metadata={"prompt_length": 12}).status_code == 200
    assert as_ada.check(metadata={"prompt_length": "tell me"}).status_code == 400


def test_a_test_key_changes_no_policy(app: Flask, ada: Member) -> None:
    tester = Caller(app.test_client(), another_key(app, ada, environment=KeyEnvironment.TEST).secret)

    assert tester.patch("/v1/policies/max_risk_score", {"value": 99}).json["code"] == "wrong_environment"
    assert tester.get("/v1/policies").json["version"] == 1


def test_a_stored_policy_that_cannot_be_compiled_allows_nothing_and_can_be_repaired(
    app: Flask, as_ada: Caller, ada: Member
) -> None:
    broken = {"rules": [{**BLOCK_HR, "when": {"all": ["not a condition ("]}}]}
    with app.app_context(), acting_as_system(), transaction():
        db.session.add(
            PolicyVersion(
                organization_id=ada.organization_id,
                version=2,
                document=broken,
                created_at=utc_now(),
                created_by_kind="system",
            )
        )

    assert as_ada.check().status_code == 503
    repaired = as_ada.patch("/v1/policies/rules", {"value": []})
    assert repaired.status_code == 200, repaired.text
    assert as_ada.check().status_code == 200


def conditions_rule(*conditions: str) -> dict[str, Any]:
    return {"code": "big", "when": {"all": list(conditions)}, "message": "m"}


LONG_LIST = "gen_ai_usage_input_tokens in [" + ",".join("1" * 150) + "]"
DEEP = "(" * 13 + "true" + ")" * 13
WIDE = "model in [" + ", ".join(f"'model-{n}'" for n in range(30)) + "]"


@pytest.mark.parametrize(
    ("rules", "path"),
    [
        ([conditions_rule(LONG_LIST)], "value[0].when.all[0]"),
        ([conditions_rule(DEEP)], "value[0].when.all[0]"),
        ([conditions_rule("model in " + "[" * 13 + "]" * 13)], "value[0].when.all[0]"),
        ([{**conditions_rule(*[WIDE] * 10), "when": {"all": [WIDE] * 10, "any": [WIDE] * 10}}], "value[0].when"),
        ([{**conditions_rule(*[WIDE] * 7), "code": f"big_{n}"} for n in range(40)], "value"),
    ],
)
def test_rules_that_cost_much_to_compile_are_refused_before_they_are_compiled(
    as_ada: Caller, monkeypatch: pytest.MonkeyPatch, rules: list[dict[str, Any]], path: str
) -> None:
    def no_compilation(_: str) -> None:
        raise AssertionError

    monkeypatch.setattr(cel, "compile", no_compilation)

    answer = as_ada.patch("/v1/policies/rules", {"value": rules})

    assert answer.status_code == 422
    assert (answer.json["errors"][0]["path"], answer.json["errors"][0]["code"]) == (path, "too_large")


def test_brackets_and_commas_in_a_text_or_a_comment_are_no_lists(as_ada: Caller) -> None:
    condition = f"size('{'(,' * 120}') > size(model) // {'[' * 20}"

    assert as_ada.patch("/v1/policies/rules", {"value": [conditions_rule(condition)]}).status_code == 200


def test_a_rule_is_compiled_once(monkeypatch: pytest.MonkeyPatch) -> None:
    rule = Rule(code="once", when=When(all=('model == "compiled-once"',)), message="m")
    compile_rule(rule)
    monkeypatch.setattr(cel, "compile", None)

    assert compile_rule(rule) is compile_rule(Rule(code="once", when=When(all=rule.when.all), message="m"))


@pytest.mark.parametrize("operation", ["fine-tuning", "Fine_Tuning", "FINE-TUNING", "fine_tuning"])
@pytest.mark.parametrize("denied", ["fine_tuning", "fine-tuning"])
def test_a_denied_operation_is_denied_however_it_is_spelled(as_ada: Caller, operation: str, denied: str) -> None:
    as_ada.patch("/v1/policies/denied_operations", {"value": [denied]})

    assert as_ada.check(operation=operation).json["reason"] == "operation_denied"


@pytest.mark.parametrize("model", ["gpt-4o", "GPT-4o"])
def test_an_allowed_model_is_allowed_in_any_case(as_ada: Caller, model: str) -> None:
    as_ada.patch("/v1/policies/allowed_models", {"value": ["GPT-4o"]})

    assert as_ada.check(model=model).json["allowed"] is True


@pytest.mark.parametrize(
    "condition",
    ['(operation == "Chat") == is_external_model', '(department == "HR") == (operation in ["chat", "Chat"])'],
)
def test_a_condition_that_can_never_match_is_refused(as_ada: Caller, condition: str) -> None:
    answer = as_ada.patch("/v1/policies/rules", {"value": [conditions_rule(condition)]})

    assert answer.status_code == 422
    assert "lower case" in answer.json["errors"][0]["detail"]


def test_the_log_is_filtered_by_an_operation_as_it_was_sent(as_ada: Caller) -> None:
    made = as_ada.check(operation="Chat").json["decision_id"]

    found = as_ada.get("/v1/decisions?operation=Chat").json["decisions"]

    assert [one["decision_id"] for one in found] == [made]
