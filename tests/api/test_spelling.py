"""One normal form of models and operations: in rules and filters alike."""

from typing import Any

import pytest
from flask import Flask

from api.policies.spelling import normalized
from tests.api.test_policies_stored import keep_version
from tests.cast import Caller, Member


@pytest.mark.parametrize(
    ("condition", "rewritten"),
    [
        ('model == "GPT-4o"', 'MODEL == "gpt-4o"'),
        ("'Fine-Tuning' != operation", "'fine_tuning' != OPERATION"),
        ('(model) in ["A", \'B\'] && department == "HR"', '(MODEL) in ["a", \'b\'] && department == "HR"'),
        ('!(operation.startsWith("Fine-"))||is_external_model', '!(OPERATION.startsWith("fine_"))||is_external_model'),
        ('operation == "\\x43hat" // operation == "Chat"', 'OPERATION == "chat" // operation == "Chat"'),
        ('model == r"A&&B" || model == """C"""', 'MODEL == "a&&b" || MODEL == "c"'),
        ("size(model) > 5u", "size(MODEL) > 5u"),
        ('department == "model"', 'department == "model"'),
        ("model == application", "model == application"),
        ("model == operation", "model == operation"),
        ('model == operation || "Chat" == operation', 'model == operation || "chat" == OPERATION'),
        ('model_region == "EU"', 'model_region == "EU"'),
        ('model == "unfinished', 'model == "unfinished'),
    ],
)
def test_only_comparisons_of_models_and_operations_take_the_normal_form(condition: str, rewritten: str) -> None:
    assert normalized(condition) == rewritten


@pytest.mark.parametrize(
    ("condition", "asked"),
    [
        ('model == "gpt-4o"', {"model": "GPT-4o"}),
        ('model == "GPT-4o"', {"model": "gpt-4o"}),
        ('model in ["Own", "GPT-4o"]', {"model": "gpt-4O"}),
        ('model.startsWith("GPT")', {"model": "gpt-4o"}),
        ('operation == "Chat"', {"operation": "chat"}),
        ('operation == "fine-tuning"', {"operation": "fine_tuning"}),
        ('operation == "fine_tuning"', {"operation": "Fine-Tuning"}),
        ('operation in ["Fine-Tuning"]', {"operation": "fine_tuning"}),
        ('"Fine-Tuning".startsWith(operation)', {"operation": "fine_tuning"}),
    ],
)
@pytest.mark.parametrize("part", ["all", "any"])
def test_a_rule_holds_however_model_and_operation_are_spelled(
    as_ada: Caller, condition: str, asked: dict[str, str], part: str
) -> None:
    rule = {"code": "mine", "when": {part: [condition]}, "message": "m"}

    assert as_ada.patch("/v1/policies/rules", {"value": [rule]}).status_code == 200
    assert as_ada.check(**asked).json["reason"] == "mine"
    assert as_ada.check(model="another", operation="moderation").json["reason"] == "ok"


def test_another_facts_texts_stay_as_they_are_where_normal_form_is_off(as_ada: Caller) -> None:
    as_ada.patch("/v1/policies/compare_in_normal_form", {"value": False})
    rule = {"code": "mine", "when": {"all": ['model == "GPT-4o" && department == "HR"']}, "message": "m"}
    as_ada.patch("/v1/policies/rules", {"value": [rule]})

    assert as_ada.check(metadata={"department": "HR"}).json["reason"] == "mine"
    assert as_ada.check(metadata={"department": "hr"}).json["reason"] == "ok"


def test_a_model_with_another_providers_prefix_is_another_model(as_ada: Caller) -> None:
    as_ada.patch("/v1/policies/allowed_models", {"value": ["gpt-4o"]})

    assert as_ada.check(model="another/gpt-4o").json["reason"] == "model_not_allowed"


@pytest.mark.parametrize("query", ["model=gpt-4O", "model=GPT-4o", "operation=Fine-Tuning", "operation=fine_tuning"])
@pytest.mark.parametrize("operation", ["fine-tuning", "fine_tuning"])
def test_the_log_is_filtered_by_either_spelling(as_ada: Caller, query: str, operation: str) -> None:
    made = as_ada.check(model="Gpt-4o", operation=operation).json["decision_id"]
    as_ada.check(model="another", operation="chat")

    [found] = as_ada.get(f"/v1/decisions?{query}").json["decisions"]

    assert found["decision_id"] == made


@pytest.mark.parametrize(
    ("condition", "stated"),
    [
        ('"iban" in pii_types', ["IBAN"]),
        ('"EMAIL_ADDRESS" in pii_types', ["email-address"]),
        ('"email address".contains("x") || "dateOfBirth" in pii_types', ["date_of_birth"]),
        ('pii_types == ["Health"]', ["health"]),
    ],
)
def test_a_rule_holds_however_a_kind_of_personal_data_is_spelled(
    as_ada: Caller, condition: str, stated: list[str]
) -> None:
    rule = {"code": "mine", "when": {"all": [condition]}, "message": "m", "on_missing": "skip"}

    assert as_ada.patch("/v1/policies/rules", {"value": [rule]}).status_code == 200
    assert as_ada.check(metadata={"pii_types": stated}).json["reason"] == "mine"
    assert as_ada.check(metadata={"pii_types": ["gender"]}).json["reason"] == "ok"


def test_a_rule_that_lacks_the_kinds_of_personal_data_says_which_fact_to_state(as_ada: Caller) -> None:
    rule = {"code": "mine", "when": {"all": ['"iban" in pii_types']}, "message": "m"}
    as_ada.patch("/v1/policies/rules", {"value": [rule]})

    [cause] = as_ada.check(metadata={}).json["reasons"]

    assert cause["fix"] == "Send pii_types."


@pytest.mark.parametrize(
    ("condition", "advice"),
    [
        ('"employee_badge" in pii_types', "Unknown kind of personal data “employee_badge”"),
        ('"emial" in pii_types', "Did you mean email?"),
        ('department == "HR" && pii_types == ["iban", "shoe_size"]', "shoe_size"),
        ('"locker number" in pii_types', "custom_facts"),
    ],
)
def test_a_rule_over_a_kind_that_no_check_can_state_is_refused(as_ada: Caller, condition: str, advice: str) -> None:
    rule = {"code": "mine", "when": {"all": [condition]}, "message": "m"}

    refused = as_ada.patch("/v1/policies/rules", {"value": [rule]})

    assert refused.status_code == 422
    [problem] = refused.json["errors"]
    assert problem["path"] == "value[0].when.all[0]"
    assert advice in problem["detail"]


def test_kinds_of_an_organizations_own_are_a_fact_of_its_own(as_ada: Caller) -> None:
    as_ada.patch("/v1/policies/custom_facts", {"value": {"own_pii_types": "tokens"}})
    rule = {"code": "mine", "when": {"all": ['"employee_badge" in own_pii_types']}, "message": "m"}

    assert as_ada.patch("/v1/policies/rules", {"value": [rule]}).status_code == 200
    assert as_ada.check(metadata={"own_pii_types": ["employee_badge"]}).json["reason"] == "mine"


TEXTS = frozenset({"department", "data_region", "teams"})


@pytest.mark.parametrize(
    ("condition", "rewritten"),
    [
        ('department == "HR"', 'DEPARTMENT == "hr"'),
        ("data_region == department", "DATA_REGION == DEPARTMENT"),
        ("model == department", "MODEL == DEPARTMENT"),
        ('"HR" in teams', '"hr" in TEAMS'),
        ('purpose == "HR"', 'purpose == "HR"'),
        ("operation == department", "operation == department"),
        ('model == "GPT-4o*"', 'MODEL.startsWith("gpt-4o")'),
        ("'Gpt*' != model", "!MODEL.startsWith('gpt')"),
        ('!(department in ["HR*", "IT"])', '!((DEPARTMENT.startsWith("hr") || DEPARTMENT in ["it"]))'),
        ('model in ["A*"] && department in ["b"]', '(MODEL.startsWith("a")) && DEPARTMENT in ["b"]'),
        ('operation == "Fine-*"', 'OPERATION.startsWith("fine_")'),
    ],
)
def test_in_normal_form_all_texts_are_compared_without_case_and_names_may_end_open(
    condition: str, rewritten: str
) -> None:
    assert normalized(condition, TEXTS) == rewritten


@pytest.mark.parametrize(
    ("condition", "asked"),
    [
        ('model == "gpt-4o*"', {"model": "GPT-4o-mini"}),
        ('model in ["own", "GPT-4o*"]', {"model": "gpt-4o"}),
        ('department == "HR"', {"metadata": {"department": "hr"}}),
        ('data_region == "eu*"', {"metadata": {"data_region": "EU-central-1"}}),
        ('"Beta" in my_flags', {"metadata": {"my_flags": ["alpha", "BETA"]}}),
        ("data_region != model_region", {"metadata": {"data_region": "EU", "model_region": "us"}}),
    ],
)
def test_a_rule_holds_in_either_case_and_for_a_family(as_ada: Caller, condition: str, asked: dict[str, Any]) -> None:
    rule = {"code": "mine", "when": {"all": [condition]}, "message": "m", "on_missing": "skip"}
    as_ada.patch("/v1/policies/custom_facts", {"value": {"my_flags": "tokens"}})

    assert as_ada.patch("/v1/policies/rules", {"value": [rule]}).status_code == 200
    assert as_ada.check(**asked).json["reason"] == "mine"
    assert as_ada.check(model="other", metadata={"data_region": "Us", "model_region": "uS"}).json["reason"] == "ok"


def test_a_stored_policy_compares_as_it_always_did(app: Flask, as_ada: Caller, ada: Member) -> None:
    rule = {"code": "mine", "when": {"all": ['department == "HR"']}, "message": "m", "on_missing": "skip"}
    keep_version(app, ada, {"rules": [rule]})

    assert as_ada.check(metadata={"department": "hr"}).json["reason"] == "ok"
    assert as_ada.patch("/v1/policies/compare_in_normal_form", {"value": True}).status_code == 200
    assert as_ada.check(metadata={"department": "hr"}).json["reason"] == "mine"


@pytest.mark.parametrize("condition", ['model.startsWith("gpt*")', '"gpt*".contains(model)', 'model < "a*"'])
@pytest.mark.parametrize("is_on", [True, False])
def test_a_star_that_stands_for_nothing_is_refused(as_ada: Caller, condition: str, is_on: bool) -> None:
    as_ada.patch("/v1/policies/compare_in_normal_form", {"value": is_on})
    rule = {"code": "mine", "when": {"all": [condition]}, "message": "m"}

    answer = as_ada.patch("/v1/policies/rules", {"value": [rule]})

    assert answer.status_code == 422
    assert "A * is a wildcard only" in answer.json["errors"][0]["detail"]


def test_a_family_may_be_allowed(as_ada: Caller) -> None:
    assert as_ada.patch("/v1/policies/allowed_models", {"value": ["GPT-4o*", "own"]}).status_code == 200

    allowed = {name: as_ada.check(model=name).json["allowed"] for name in ("gpt-4o-mini", "Own", "own-2", "gpt-4")}

    assert allowed == {"gpt-4o-mini": True, "Own": True, "own-2": False, "gpt-4": False}


@pytest.mark.parametrize("query", ["model=GPT-4*", "department=HR", "application=help*", "department=h*"])
def test_the_log_is_filtered_in_normal_form(as_ada: Caller, query: str) -> None:
    made = as_ada.check(model="gpt-4o", metadata={"department": "Hr", "application": "Helpdesk"}).json["decision_id"]
    as_ada.check(model="another_%", metadata={"department": "it"})

    [found] = as_ada.get(f"/v1/decisions?{query}").json["decisions"]

    assert found["decision_id"] == made
