"""The truth map of policies of all kinds says what the evaluator says, and its findings hold."""

from collections.abc import Iterator
from itertools import product
from random import Random
from typing import Any
from uuid import UUID

import msgspec
import pytest

from api.policies.compiling import compile_policy
from api.policies.document import PolicyDocument
from api.policies.evaluator import evaluate
from api.policies.presets import PRESETS
from api.policies.rules import OnMissing, Rule, RuleEffect, When
from api.policies.truth_map.axes import axes_of
from api.policies.truth_map.lines import Line
from api.policies.truth_map.maps import VARIES, TruthMap, mapped_policy, truth_map_of
from api.policies.truth_map.table import MOST_CELLS, MOST_VARIED, request_of
from api.policies.truth_map.values import fractions, grouped, whole_numbers
from api.policies.validation import with_values
from api.vocabulary import FactType
from tests.api import conditions

POLICIES = 60


def rule(code: str, *conditions: str, **changes: Any) -> Rule:
    options = {"message": "It holds.", "on_missing": OnMissing.SKIP, **changes}
    return Rule(code=code, when=When(all=conditions), **options)


def policies() -> Iterator[PolicyDocument]:
    """Presets, and rules and settings made at random."""
    for preset in PRESETS:
        yield with_values(PolicyDocument(), preset.values_over(PolicyDocument()), path_of=str)
    random = Random(20_261_129)
    for _ in range(POLICIES):
        yield conditions.document(random)


def requests_of(found: TruthMap, line: Line) -> Iterator[dict[str, Any]]:
    """Every value of every cell of a line."""
    fixed = {fact: one.value for fact, one in found.table.fixed.items()}
    values = []
    for axis, choice in zip(found.table.axes, line.choices, strict=True):
        places = range(len(axis.values)) if choice is None else choice
        values.append([(axis.fact, value) for place in places for value in axis.values[place].values])
    for chosen in product(*values):
        yield {**fixed, **dict(chosen)}


def test_each_line_is_what_the_evaluator_says_of_each_of_its_values() -> None:
    looked_at = 0
    for number, document in enumerate(policies()):
        with_trials = number % 2 == 1
        policy = mapped_policy(document, with_trials=with_trials)
        found = truth_map_of(document, with_trials=with_trials)

        assert sum(line.verdict.cells for line in found.lines) == len(found.table.cells) <= MOST_CELLS
        assert len(found.table.axes) <= MOST_VARIED
        for line in found.lines:
            for values in requests_of(found, line):
                outcome = evaluate(policy, request_of(values))
                verdict = line.verdict
                assert (outcome.allowed, outcome.reason) == (verdict.allowed, verdict.reason), (document, values)
                assert verdict.lowest <= outcome.risk_score <= verdict.highest, (document, values)
                assert verdict.is_silent is not bool(outcome.reasons), (document, values)
                looked_at += 1

    assert looked_at > 20 * POLICIES


def test_every_cell_is_in_exactly_one_line() -> None:
    for document in policies():
        found = truth_map_of(document)
        covered = [
            places
            for line in found.lines
            for places in product(
                *(
                    range(len(axis.values)) if choice is None else choice
                    for axis, choice in zip(found.table.axes, line.choices, strict=True)
                )
            )
        ]

        assert sorted(covered) == sorted(cell.places for cell in found.table.cells)


def test_without_a_rule_that_never_decides_nothing_on_the_map_changes() -> None:
    seen = 0
    for document in policies():
        found = truth_map_of(document)
        policy = mapped_policy(document, with_trials=False)
        for never in found.findings.never_decide:
            rest = tuple(one for one in policy.document.rules if one.code != never.code)
            without = compile_policy(UUID(int=0), 0, msgspec.structs.replace(policy.document, rules=rest))
            fixed = {fact: one.value for fact, one in found.table.fixed.items()}
            for cell in found.table.cells:
                chosen = {
                    axis.fact: axis.values[at].value for axis, at in zip(found.table.axes, cell.places, strict=True)
                }
                assert evaluate(without, request_of({**fixed, **chosen})).allowed is cell.outcome.allowed
                seen += 1

    assert seen > MOST_CELLS


def test_a_rule_that_another_always_goes_before_is_found() -> None:
    document = PolicyDocument(rules=(rule("hr_data", "contains_personal_data", "department == 'hr'"),))

    found = truth_map_of(document).findings

    assert [(one.code, one.blocked_by) for one in found.never_decide] == [("hr_data", ("contains_personal_data",))]
    assert found.is_complete
    open_policies = msgspec.structs.replace(document, block_personal_data=False)
    assert truth_map_of(open_policies).findings.never_decide == ()


def test_a_rule_that_can_never_match_is_found() -> None:
    never = truth_map_of(PolicyDocument(rules=(rule("none", "department == 'hr'", "department == 'it'"),))).findings

    assert [(one.code, one.blocked_by) for one in never.never_decide] == [("none", ())]


def test_two_rules_that_leave_no_way_are_found_with_where() -> None:
    document = PolicyDocument(
        rules=(
            rule("eu_only", "model_region != 'eu'", on_missing=OnMissing.BLOCK),
            rule("hr_not_in_eu", "model_region == 'eu'", "department == 'hr'"),
            rule("big", "dataset_record_count > 10", effect=RuleEffect.ADD_RISK),
        )
    )

    [found] = truth_map_of(document).findings.contradictions

    assert (found.first, found.second, found.fact) == ("eu_only", "hr_not_in_eu", "model_region")
    assert found.situation == (("department", "hr"),)
    for region in (None, "eu", "us-east-1"):
        stated = request_of({"model_region": region, "department": "hr"})
        assert not evaluate(mapped_policy(document, with_trials=False), stated).allowed


def test_a_setting_can_contradict_a_rule() -> None:
    document = PolicyDocument(allowed_models=("gpt-4o",), rules=(rule("no_gpt", "model == 'gpt-4o'"),))

    [found] = truth_map_of(document).findings.contradictions

    assert {found.first, found.second} == {"allowed_models", "no_gpt"}
    assert found.fact == "model"


def test_policies_under_which_nothing_matters_have_one_cell() -> None:
    document = PolicyDocument(block_personal_data=False, points_large_dataset=0, points_unknown_operation=0)

    found = truth_map_of(document)

    assert (len(found.table.cells), found.silent, found.blocked) == (1, 1, 0)


def test_one_who_chooses_sees_the_facts_chosen_and_is_told_what_has_no_room() -> None:
    facts = [f"fact_{number}" for number in range(9)]
    document = PolicyDocument(
        custom_facts=dict.fromkeys(facts, FactType.BOOLEAN), rules=tuple(rule(f"r_{one}", one) for one in facts)
    )

    chosen = truth_map_of(document, chosen={"fact_8": VARIES, "fact_0": "2"})
    crowded = truth_map_of(document, chosen=dict.fromkeys(facts, VARIES))

    assert "fact_8" in chosen.varied
    assert chosen.table.fixed["fact_0"].label == "true"
    assert len(crowded.varied) + len(crowded.did_not_fit) == len(facts)
    assert len(crowded.table.cells) <= MOST_CELLS


@pytest.mark.parametrize("nonsense", ["-1", "99", "²", "true", "9" * 5_000])
def test_a_choice_that_no_fact_has_is_passed_over(nonsense: str) -> None:
    document = PolicyDocument(rules=(rule("hr", "department == 'hr'"),))

    found = truth_map_of(document, chosen={"department": nonsense, "nobody_s": VARIES})

    assert found.table.fixed["department"].label in {"not sent", "any other value"}


def test_a_policy_of_a_thousand_rules_is_mapped_within_bounds_and_says_so() -> None:
    rules = tuple(rule(f"r_{number}", f"department == 'd{number}'", "is_external_model") for number in range(1_000))

    found = truth_map_of(PolicyDocument(rules=rules))

    assert not found.findings.is_complete
    [department] = [axis for axis in found.axes if axis.fact == "department"]
    assert department.left_out > 0


def test_values_that_no_rule_tells_apart_stand_together() -> None:
    document = PolicyDocument(rules=(rule("hr", "department in ['hr', 'legal']"),))

    [axis] = [one for one in axes_of(mapped_policy(document, with_trials=False)) if one.fact == "department"]

    assert [one.label for one in axis.values] == ["not sent", "hr, legal", "any other value"]


@pytest.mark.parametrize(
    ("bounds", "limit", "labels"),
    [
        ([10], 10, ["up to 9", "10 or more"]),
        ([10, 20], 10, ["up to 9", "10 or more"]),
        ([0], 1, ["0", "1 or more"]),
        ([], 1, ["any number"]),
    ],
)
def test_ranges_of_whole_numbers_are_named_by_their_ends(bounds: list[float], limit: int, labels: list[str]) -> None:
    assert [one.label for one in grouped(whole_numbers(bounds), lambda value: value >= limit)] == labels


def test_ranges_of_fractions_are_named_by_their_ends() -> None:
    def label(*tests: Any) -> list[str]:
        return [one.label for one in grouped(fractions([0.25, 1]), lambda value: tuple(test(value) for test in tests))]

    assert label(lambda value: value > 0.25) == ["up to 0.25", "more than 0.25"]
    assert label(lambda value: value >= 0.25, lambda value: value < 1) == [
        "less than 0.25",
        "0.25 or more, less than 1",
        "1 or more",
    ]
    assert label(lambda value: value == 1) == ["less than 1", "1", "more than 1"]
