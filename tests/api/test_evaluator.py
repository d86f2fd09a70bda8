"""Deciding is a pure function; its laws hold for every policy and request."""

from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.policies.compiling import compile_policy
from api.policies.document import KNOWN_OPERATIONS, PolicyDocument
from api.policies.evaluator import CheckFacts, CompiledPolicy, evaluate
from api.policies.rules import OnMissing, Rule, RuleEffect, When
from api.vocabulary import BUILT_IN, FactType

NOBODY = UUID(int=0)
points = st.integers(0, 100)
tokens = st.sampled_from(["gpt-4o", "own-model", "chat", "juggle", "hr", "sales"])
BOOLEANS = [fact.name for fact in BUILT_IN.values() if fact.type is FactType.BOOLEAN]

documents = st.builds(
    PolicyDocument,
    block_personal_data=st.booleans(),
    block_external_models=st.booleans(),
    count_points_when_off=st.booleans(),
    max_risk_score=st.integers(1, 100),
    points_personal_data=points,
    points_external_model=points,
    points_large_dataset=points,
    points_unknown_operation=points,
    large_dataset_records=st.integers(1, 10**6),
    allowed_models=st.lists(tokens, max_size=2).map(tuple),
    denied_operations=st.lists(tokens, max_size=2).map(tuple),
)
facts = st.builds(
    CheckFacts,
    model=tokens,
    operation=tokens,
    metadata=st.fixed_dictionaries(
        {},
        optional={
            **{name: st.booleans() for name in BOOLEANS},
            "dataset_record_count": st.integers(0, 10**7),
            "department": tokens,
        },
    ),
)


def compiled(document: PolicyDocument) -> CompiledPolicy:
    return compile_policy(NOBODY, 1, document)


@given(documents, facts)
def test_the_score_is_the_capped_sum_and_the_reason_the_weightiest_cause(
    document: PolicyDocument, asked: CheckFacts
) -> None:
    outcome = evaluate(compiled(document), asked)

    assert outcome.risk_score == min(100, sum(cause.points for cause in outcome.reasons))
    blocks = any(cause.blocks for cause in outcome.reasons)
    is_over = bool(outcome.reasons) and outcome.risk_score >= document.max_risk_score
    assert outcome.allowed is not (blocks or is_over)
    if outcome.allowed:
        assert outcome.reason == "ok"
    else:
        heaviest = [cause for cause in outcome.reasons if cause.blocks] or outcome.reasons
        assert outcome.reason == max(heaviest, key=lambda cause: cause.points).code


@given(documents, facts)
def test_the_same_version_and_request_always_decide_the_same(document: PolicyDocument, asked: CheckFacts) -> None:
    stored = msgspec.convert(msgspec.json.decode(msgspec.json.encode(document)), PolicyDocument)

    assert evaluate(compiled(document), asked) == evaluate(compiled(stored), asked)


@given(documents, facts, st.sampled_from(["contains_personal_data", "is_external_model", "is_large_dataset"]))
def test_admitting_to_a_risk_never_helps(document: PolicyDocument, asked: CheckFacts, risk: str) -> None:
    admitted = msgspec.structs.replace(asked, metadata={**asked.metadata, risk: True})
    denied = msgspec.structs.replace(asked, metadata={**asked.metadata, risk: False})

    assert evaluate(compiled(document), admitted).risk_score >= evaluate(compiled(document), denied).risk_score
    assert evaluate(compiled(document), admitted).allowed <= evaluate(compiled(document), denied).allowed


def test_blocked_at_the_threshold_and_not_below() -> None:
    asked = CheckFacts("gpt-4o", "chat", {"is_external_model": True})

    assert not evaluate(compiled(PolicyDocument(count_points_when_off=True)), asked).allowed
    assert evaluate(compiled(PolicyDocument(count_points_when_off=True, max_risk_score=51)), asked).allowed


@pytest.mark.parametrize(
    ("switch", "fact"),
    [("block_personal_data", "contains_personal_data"), ("block_external_models", "is_external_model")],
)
@given(document=documents, asked=facts)
def test_a_switch_that_is_off_decides_as_if_the_fact_were_not_stated(
    document: PolicyDocument, asked: CheckFacts, switch: str, fact: str
) -> None:
    policy = compiled(msgspec.structs.replace(document, count_points_when_off=False, **{switch: False}))
    stated, silent = ({**asked.metadata, fact: truth} for truth in (True, False))

    assert evaluate(policy, msgspec.structs.replace(asked, metadata=stated)) == evaluate(
        policy, msgspec.structs.replace(asked, metadata=silent)
    )


def test_an_external_model_alone_blocks_at_50_once_it_is_switched_on() -> None:
    asked = CheckFacts("gpt-4o", "chat", {"is_external_model": True})

    outcome = evaluate(compiled(PolicyDocument(block_external_models=True)), asked)

    assert (outcome.allowed, outcome.risk_score, outcome.reason) == (False, 50, "external_model_detected")
    assert "turn off block_external_models" in outcome.reasons[0].fix


def test_a_switch_blocks_whatever_the_points() -> None:
    policy = compiled(PolicyDocument(block_external_models=True, points_external_model=0, max_risk_score=100))

    outcome = evaluate(policy, CheckFacts("gpt-4o", "chat", {"is_external_model": True}))

    assert (outcome.allowed, outcome.risk_score, outcome.reason) == (False, 0, "external_model_detected")


@pytest.mark.parametrize(("records", "is_large"), [(9_999, False), (10_000, True)])
def test_a_dataset_is_large_from_the_set_number_of_records(records: int, is_large: bool) -> None:
    outcome = evaluate(compiled(PolicyDocument()), CheckFacts("m", "chat", {"dataset_record_count": records}))

    assert (outcome.reasons != ()) is is_large


def test_lists_of_models_and_operations_block() -> None:
    policy = compiled(PolicyDocument(allowed_models=("own-model",), denied_operations=("chat",)))

    codes = {cause.code for cause in evaluate(policy, CheckFacts("gpt-4o", "chat", {})).reasons}

    assert codes == {"model_not_allowed", "operation_denied"}
    assert evaluate(policy, CheckFacts("own-model", "embeddings", {})).allowed


def rule(*conditions: str, **options: object) -> Rule:
    return msgspec.convert({"code": "mine", "when": {"all": conditions}, "message": "Not so.", **options}, Rule)


@pytest.mark.parametrize(
    ("metadata", "on_missing", "is_allowed"),
    [
        ({"department": "hr", "is_external_model": False}, OnMissing.BLOCK, False),
        ({"department": "sales", "is_external_model": False}, OnMissing.BLOCK, True),
        ({"department": "hr"}, OnMissing.BLOCK, False),
        ({"department": "hr"}, OnMissing.SKIP, True),
        ({"department": "sales"}, OnMissing.BLOCK, True),
        ({}, OnMissing.BLOCK, False),
    ],
)
def test_a_rule_says_what_a_missing_fact_means(
    metadata: dict[str, bool | str], on_missing: OnMissing, is_allowed: bool
) -> None:
    policy = compiled(
        PolicyDocument(rules=(rule("department == 'hr'", "!is_external_model", on_missing=on_missing.value),))
    )

    assert evaluate(policy, CheckFacts("m", "chat", metadata)).allowed is is_allowed


@pytest.mark.parametrize("is_normal", [False, True])
def test_a_missing_fact_is_named_as_it_is_sent_and_not_as_conditions_spell_it(is_normal: bool) -> None:
    rules = (rule("gen_ai_request_max_tokens > 5 && gen_ai_provider_name == 'openai'", on_missing="block"),)
    policy = compiled(PolicyDocument(rules=rules, compare_in_normal_form=is_normal))

    (cause,) = evaluate(policy, CheckFacts("m", "chat", {})).reasons

    assert cause.fix == "Send gen_ai.provider.name, gen_ai.request.max_tokens."


def test_a_rule_may_add_risk_instead_of_blocking() -> None:
    policy = compiled(PolicyDocument(rules=(rule("model == 'gpt-4o'", effect="add_risk", points=30),)))

    outcome = evaluate(policy, CheckFacts("gpt-4o", "chat", {}))

    assert (outcome.allowed, outcome.risk_score) == (True, 30)
    assert outcome.reasons[0].code == "mine"


def test_a_comment_in_a_condition_hides_nothing_of_the_next() -> None:
    policy = compiled(PolicyDocument(rules=(rule("model == 'm' // always", "operation == 'chat'"),)))

    assert not evaluate(policy, CheckFacts("m", "chat", {})).allowed
    assert evaluate(policy, CheckFacts("m", "embeddings", {})).allowed


truths = st.sampled_from([True, False, None])


@given(st.lists(truths, max_size=3), st.lists(truths, max_size=3), st.lists(truths, max_size=3))
def test_rules_follow_three_valued_logic(
    of_all: list[bool | None], of_any: list[bool | None], of_none: list[bool | None]
) -> None:
    """Kleene: unknown only where the known parts do not settle it."""
    names = [name for name in BOOLEANS if "." not in name]
    given_truths = [*of_all, *of_any, *of_none]
    names = [f"fact_{index}" for index in range(len(given_truths))]
    stated: dict[str, bool] = {n: t for n, t in zip(names, given_truths, strict=True) if t is not None}
    a, b = len(of_all), len(of_all) + len(of_any)
    when = When(all=tuple(names[:a]), any=tuple(names[a:b]), none=tuple(names[b:]))
    document = PolicyDocument(
        custom_facts=dict.fromkeys(names, FactType.BOOLEAN),
        rules=(Rule(code="mine", when=when, message="x", effect=RuleEffect.BLOCK, on_missing=OnMissing.SKIP),),
        known_operations=(*KNOWN_OPERATIONS,),
    )

    is_blocked = not evaluate(compiled(document), CheckFacts("m", "chat", stated)).allowed

    is_true = all(of_all) and (not of_any or True in of_any) and all(truth is False for truth in of_none)
    assert is_blocked is (is_true and None not in of_all)
