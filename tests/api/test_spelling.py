"""One normal form of models and operations: in rules and filters alike."""

import pytest

from api.policies.spelling import normalized
from tests.cast import Caller


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


def test_another_facts_texts_stay_as_they_are(as_ada: Caller) -> None:
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
