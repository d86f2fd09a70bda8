"""Rules as one generated function say what the CEL engine says, whatever the rule and the request."""

import os
from random import Random
from uuid import UUID

import msgspec
import pytest

from api.policies import generated
from api.policies.compiled_rules import compile_rule
from api.policies.compiling import compile_policy
from api.policies.conditions.translation import translated
from api.policies.document import PolicyDocument
from api.policies.evaluator import CheckFacts, CompiledPolicy, evaluate
from api.policies.rules import Rule, When
from api.policies.trees import FACT, Beyond, Kind
from api.vocabulary import FactType
from tests.api import conditions

NOBODY = UUID(int=0)
POLICIES = int(os.environ.get("GENERATED_POLICIES", "50"))
"""5,000 are a million times that a rule is judged in both ways, which takes some minutes."""
REQUESTS, RULES = 20, 10


def by_the_engine(policy: CompiledPolicy) -> CompiledPolicy:
    everything = dict.fromkeys(range(len(policy.enforced.rules)), generated.ASK)
    enforced = msgspec.structs.replace(policy.enforced, judge=lambda *_: everything)
    return msgspec.structs.replace(policy, enforced=enforced)


def test_the_function_and_the_engine_agree_on_rules_and_requests_of_all_kinds() -> None:
    random = Random(20_261_128)
    outcomes = set()
    for _ in range(POLICIES):
        policy = compile_policy(NOBODY, 1, conditions.policy(random, rules=RULES))
        slow = by_the_engine(policy)
        for _ in range(REQUESTS):
            request = conditions.request(random)
            outcome = evaluate(policy, request)
            assert outcome == evaluate(slow, request), (policy.document, request)
            outcomes.add(len(outcome.reasons))

    assert len(outcomes) > RULES // 2


def test_plain_conditions_are_not_left_to_the_engine() -> None:
    random = Random(1)
    policies = [compile_policy(NOBODY, 1, conditions.policy(random, rules=RULES)) for _ in range(20)]
    full = {"department": "a"}
    asked = [policy.enforced.judge("gpt-4o", "chat", full) for policy in policies]
    left = sum(truth is generated.ASK for found in asked for truth in found.values())

    assert left < 0.7 * 20 * RULES
    assert left > 0


@pytest.mark.parametrize(
    "condition",
    [
        "department == data_region == 'a'",
        "department > 1",
        "is_external_model < true",
        "pii_types == ['a']",
        "department == 'ä'",
        r"department == 'a\n'",
        "department == r'a'",
        "department == b'a'",
        "dataset_record_count == 1u",
        "dataset_record_count == 0x10",
        "dataset_record_count == 9007199254740993",
        "dataset_record_count == 1e3",
        "-dataset_record_count == 1",
        "!!is_external_model",
        "department",
        "department.startsWith(1)",
        "department.matches('a')",
        "1 in [1, 2]",
        "size(dataset_record_count) == 1",
        "department == 'a' 'b'",
        "nowhere == 'a'",
        "department == 'a')",
        "(department == 'a'",
        "department in ['a'",
        "department == 'a' ? true : false",
        "",
    ],
)
def test_what_is_not_plain_is_left_to_the_engine(condition: str) -> None:
    kinds = {
        "department": Kind.TEXT,
        "data_region": Kind.TEXT,
        "is_external_model": Kind.BOOLEAN,
        "dataset_record_count": Kind.INTEGER,
        "pii_types": Kind.TEXTS,
    }
    with pytest.raises(Beyond):
        translated(condition, {name: (kind, (FACT, name)) for name, kind in kinds.items()})


def test_a_fact_that_could_be_two_is_left_to_the_engine() -> None:
    document = PolicyDocument(
        custom_facts={"cost.center": FactType.TOKEN, "cost_center": FactType.INTEGER},
        rules=(Rule(code="one", when=When(all=("cost_center == 'a'",)), message="It holds."),),
    )
    policy = compile_policy(NOBODY, 1, document)

    assert policy.enforced.judge("gpt-4o", "chat", {"cost.center": "a"}) == {0: generated.ASK}


def test_a_fact_of_another_type_than_declared_is_left_to_the_engine() -> None:
    rules = (Rule(code="one", when=When(all=("dataset_record_count > 5",)), message="It holds."),)
    policy = compile_policy(NOBODY, 1, PolicyDocument(rules=rules))

    assert policy.enforced.judge("gpt-4o", "chat", {"dataset_record_count": True}) == {0: generated.ASK}
    assert evaluate(policy, CheckFacts("gpt-4o", "chat", {"dataset_record_count": True})).reason == "one"
    assert policy.enforced.judge("gpt-4o", "chat", {"dataset_record_count": 6}) == {0: True}
    assert policy.enforced.judge("gpt-4o", "chat", {"dataset_record_count": 5}) == {}


def test_a_long_row_of_alternatives_is_translated() -> None:
    rule = Rule(code="one", when=When(all=("||".join(["urgent"] * 60),)), message="It holds.")
    policy = compile_policy(NOBODY, 1, PolicyDocument(custom_facts={"urgent": FactType.BOOLEAN}, rules=(rule,)))

    assert policy.enforced.judge("gpt-4o", "chat", {"urgent": True}) == {0: True}
    assert compile_rule(rule).variables == {"urgent"}
