"""A condition that cannot be kept is refused with its place, the cause and what to write instead."""

import pytest

from api.policies.compiled_rules import ConditionRefused
from api.policies.conditions.checking import Ground, check_condition, ground_of
from api.policies.document import PolicyDocument
from api.policies.presets import PRESETS
from api.vocabulary import FactType
from tests.cast import Caller

POLICY = PolicyDocument(custom_facts={"tier": FactType.TOKEN, "score": FactType.NUMBER, "teams": FactType.TOKENS})
GROUND = ground_of(POLICY)
AS_SENT = ground_of(PolicyDocument(compare_in_normal_form=False))


def refusal(condition: str, ground: Ground = GROUND) -> str:
    with pytest.raises(ConditionRefused) as refused:
        check_condition(condition, ground)
    return str(refused.value)


@pytest.mark.parametrize(
    ("condition", "character", "advice"),
    [
        ('department = "hr"', 12, "Did you mean ==?"),
        ('department === "hr"', 12, "Did you mean ==?"),
        ("dataset_record_count <> 3", 22, "Did you mean !=?"),
        ("dataset_record_count => 3", 22, "Did you mean >=?"),
        ("is_external_model and is_large_dataset", 19, "Did you mean &&?"),
        ("is_external_model OR is_large_dataset", 19, "Did you mean ||?"),
        ("is_external_model & is_large_dataset", 19, "Did you mean &&?"),
        ("not is_external_model", 1, "Did you mean !?"),
        ('department not in ["hr"]', 12, "Did you mean !(… in […])?"),
        ('department is "hr"', 12, "Did you mean ==?"),
        ('department like "h"', 12, 'Did you mean .contains("…")?'),
        ("department == “hr”", 15, "Use straight quotes"),
        ('department == "a = b', 15, "This text has no closing quote."),
        ('department in ["a"', 15, "Nothing closes this [."),
        ("is_external_model)", 18, "Nothing opens this )."),
        ('department == "hr" &&', 20, "Nothing follows this."),
        ("dataset_record_count > 10k", 24, "Write numbers as digits"),
        ("is_external_model @", 19, "This does not belong in a condition."),
    ],
)
def test_a_condition_that_does_not_parse_says_where_and_what_was_meant(
    condition: str, character: int, advice: str
) -> None:
    said = refusal(condition)

    assert said.startswith(f"The condition is not valid at character {character}. ")
    assert advice in said


@pytest.mark.parametrize(
    ("condition", "character", "advice"),
    [
        ("department > 5", 12, 'department is text and can\'t be compared with >. Use ==, such as department == "5".'),
        ("department != 5", 12, 'department is text. Write it in quotes: department != "5".'),
        ("5 == tier", 3, 'tier is text. Write it in quotes: tier == "5".'),
        ('contains_personal_data == "yes"', 24, "Write contains_personal_data or !contains_personal_data."),
        ('dataset_record_count > "5"', 22, "Write it without quotes, such as dataset_record_count > 5."),
        ('dataset_record_count in [1, "2"]', 29, "Write it without quotes"),
        ("dataset_record_count == department", 22, "is a number and department is text"),
        ('pii_types == "email"', 11, 'pii_types is a list. Write "email" in pii_types.'),
        ('teams.contains("a")', 1, 'teams is a list. Write "a" in teams.'),
        ('teams in ["a"]', 10, 'teams is a list itself. Write "a" in teams.'),
        ('"hr" in department', 9, 'department is text, not a list. Write department == "hr".'),
        ('department in "hr"', 15, 'in needs a list. Write department in ["hr"].'),
        ("department in []", 15, "The list is empty"),
        ("is_external_model && !department", 23, "department is text. A condition must be true or false."),
        ("size(is_external_model) > 1", 6, "has no size"),
        ('score.startsWith("1")', 1, "score is a number, and startsWith compares texts."),
        ("is_external_model > false", 19, "has no order"),
        ("contains_personal_data == True", 27, "Did you mean true?"),
        ("department == hr", 15, 'Write texts in quotes, such as "hr".'),
        ('departmnt == "hr"', 1, "unknown fact departmnt. Did you mean department?"),
        ("department != null", 15, "on_missing says what happens then"),
    ],
)
def test_a_comparison_of_wrong_types_is_refused_with_the_fix(condition: str, character: int, advice: str) -> None:
    said = refusal(condition)

    assert said.startswith(f"At character {character}: ")
    assert advice in said


@pytest.mark.parametrize(
    ("condition", "advice"),
    [
        ('data_classification == "secret"', "It can be public, internal, confidential, restricted."),
        ('data_classification in ["public", "intern"]', 'Did you mean "internal"?'),
        ('data_classification == "zzz*"', 'is never "zzz*"'),
        ('data_classification.startsWith("pubs")', 'is never "pubs"'),
        ('department == "Human Resources"', 'such as "Human-Resources"'),
        ('department.contains(" ")', "has no spaces or special characters"),
        ('model == "gpt 4o"', 'such as "gpt-4o"'),
        ('tier == ""', "tier is never empty"),
        ("dataset_record_count < 0", "so this never matches"),
        ("-1 == dataset_record_count", "so this never matches"),
        ("dataset_record_count != 1.5", "so this always matches"),
        ('"a b" in teams', "has no spaces or special characters"),
    ],
)
def test_a_comparison_that_can_never_match_is_refused(condition: str, advice: str) -> None:
    assert advice in refusal(condition)


@pytest.mark.parametrize(
    "condition",
    [
        'data_classification == "PUBLIC"',
        'data_classification == "conf*"',
        'data_classification.endsWith("al")',
        'model in ["gpt-4o*", "openai/gpt-4o@2024"]',
        "dataset_record_count >= 0",
        "score < -1 && score != 0.5",
        'size(teams) > 1 || "a" in teams || teams == ["a"]',
        "data_region == model_region",
        '!(operation == "Chat") // as people write it',
        r'department == "\x61"',
    ],
)
def test_what_can_match_is_kept(condition: str) -> None:
    check_condition(condition, GROUND)


def test_case_counts_where_names_are_compared_as_sent() -> None:
    assert 'Did you mean "public"?' in refusal('data_classification == "Public"', AS_SENT)


def test_the_place_is_told_by_lines_where_there_are_several() -> None:
    assert "at line 2, character 15." in refusal('is_external_model &&\n   department = "hr"')


def test_every_preset_has_conditions_that_can_match() -> None:
    for preset in PRESETS:
        for condition in (text for rule in preset.rules for text in rule.when.conditions):
            check_condition(condition, ground_of(PolicyDocument()))


def test_the_api_names_the_path_and_the_nearest_name(as_ada: Caller) -> None:
    rule = {"code": "no_hr", "message": "No.", "when": {"any": ["is_large_dataset", "is_externl_model"]}}

    answer = as_ada.patch("/v1/policies/rules", {"value": [rule]})

    assert answer.status_code == 422
    assert answer.json["errors"] == [
        {
            "path": "value[0].when.any[1]",
            "code": "condition_refused",
            "detail": "At character 1: unknown fact is_externl_model. Did you mean is_external_model?",
            "suggestion": "is_external_model",
        }
    ]
