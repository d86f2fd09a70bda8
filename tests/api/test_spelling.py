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
