"""What would make a blocked operation pass: choices alone, the fewest, and each of them seen to pass."""

from random import Random
from typing import Any
from uuid import UUID

import pytest

from api.model_catalogue.entries import LATEST, OwnModel
from api.policies.compiling import compile_policy
from api.policies.document import PolicyDocument
from api.policies.evaluator import CheckFacts, CompiledPolicy, evaluate
from api.policies.fixes import MOST_EVALUATIONS, changed, fixes_of
from api.policies.rules import OnMissing, Rule, When
from tests.cast import Caller

OF_THE_DATA = {"contains_personal_data", "pii_types", "data_classification", "data_region", "department", "purpose"}


RULES = (
    "is_human_reviewed == false",
    'model_region != "eu"',
    "gen_ai_request_max_tokens > 4000",
    'department == "hr" && is_external_model',
    "dataset_record_count >= 500",
    'data_classification == "restricted" && !(model_region in ["eu", "ch"])',
    "contains_personal_data && !is_human_reviewed",
)


def stated_by(random: Random) -> dict[str, Any]:
    return {
        "is_human_reviewed": random.random() < 0.5,
        "model_region": random.choice(("us", "eu")),
        "gen_ai.request.max_tokens": random.choice((10, 9_000)),
        "department": random.choice(("hr", "it")),
        "is_external_model": random.random() < 0.5,
        "dataset_record_count": random.choice((1, 900)),
        "data_classification": random.choice(("public", "restricted")),
        "contains_personal_data": random.random() < 0.2,
    }


def policy_of(*rules: str, **values: Any) -> CompiledPolicy:
    made = tuple(
        Rule(code=f"r{index}", when=When(all=(text,)), message="m", on_missing=OnMissing.SKIP)
        for index, text in enumerate(rules)
    )
    return compile_policy(UUID(int=0), 1, PolicyDocument(rules=made, **values))


@pytest.mark.parametrize(
    ("policy", "model", "stated", "changes"),
    [
        (policy_of('department == "hr" && is_human_reviewed == false'), "m", {"department": "hr"}, []),
        (
            policy_of("is_human_reviewed == false"),
            "m",
            {"is_human_reviewed": False},
            [{"is_human_reviewed": True}],
        ),
        (policy_of(block_external_models=True), "m", {"is_external_model": True}, [{"is_external_model": False}]),
        (
            policy_of('model_region != "eu"'),
            "m",
            {"model_region": "us", "data_region": "ch"},
            [{"model_region": "eu"}],
        ),
        (
            policy_of(points_large_dataset=60),
            "m",
            {"is_large_dataset": True, "dataset_record_count": 20_000},
            [{"dataset_record_count": 9_999, "is_large_dataset": False}],
        ),
        (
            policy_of("gen_ai_request_max_tokens > 4000"),
            "m",
            {"gen_ai.request.max_tokens": 9_000},
            [{"gen_ai.request.max_tokens": 4_000}, {"gen_ai.request.max_tokens": 3_999}],
        ),
        (policy_of(allowed_models=("own", "GPT-4o", "x*")), "m", {}, [{"model": "own"}, {"model": "GPT-4o"}]),
        (
            policy_of(
                block_external_models=True,
                model_catalogue=LATEST,
                own_models=(OwnModel("own-1", is_external=False), OwnModel("gate/x", is_external=True)),
            ),
            "gpt-4o",
            {"is_external_model": True},
            [{"model": "own-1", "is_external_model": False}],
        ),
        (
            policy_of("is_human_reviewed == false", "gen_ai_request_max_tokens > 10"),
            "m",
            {"is_human_reviewed": False, "gen_ai.request.max_tokens": 50},
            [
                {"is_human_reviewed": True, "gen_ai.request.max_tokens": 10},
                {"is_human_reviewed": True, "gen_ai.request.max_tokens": 9},
            ],
        ),
        (policy_of(), "m", {"contains_personal_data": True}, []),
        (policy_of(), "m", {}, []),
    ],
)
def test_the_fewest_choices_are_proposed(
    policy: CompiledPolicy, model: str, stated: dict[str, Any], changes: list[dict[str, Any]]
) -> None:
    found = fixes_of(policy, CheckFacts(model, "chat", stated))

    assert [fix.changes for fix in found.fixes] == changes
    assert found.is_exhaustive


def test_every_proposal_passes_and_none_is_about_the_data() -> None:
    random, proposals = Random(16), 0
    for _ in range(30):
        policy = policy_of(*random.sample(RULES, 3), allowed_models=random.choice(((), ("own", "gpt-4o"))))
        for _ in range(5):
            request = CheckFacts(random.choice(("m", "gpt-4o")), "chat", stated_by(random))
            found = fixes_of(policy, request)
            assert found.evaluations <= MOST_EVALUATIONS
            for fix in found.fixes:
                outcome = evaluate(policy, changed(request, fix.changes))
                assert (outcome.allowed, outcome.risk_score) == (True, fix.risk_score)
                assert not OF_THE_DATA & fix.changes.keys()
                proposals += 1
    assert proposals > 20


def test_a_policy_of_very_many_models_costs_a_bounded_search() -> None:
    rules = tuple(f"gen_ai_request_max_tokens > {number}" for number in range(1_000, 1_010))
    policy = policy_of(*rules, 'department == "hr"', allowed_models=tuple(f"m-{number}" for number in range(400)))

    found = fixes_of(policy, CheckFacts("x", "chat", {"department": "hr", "gen_ai.request.max_tokens": 5_000}))

    assert (found.evaluations, found.is_exhaustive, found.fixes) == (MOST_EVALUATIONS, False, ())


def test_fixes_come_where_they_are_asked_for(as_ada: Caller) -> None:
    as_ada.patch("/v1/policies/block_external_models", {"value": True})
    question = {"model": "m", "operation": "chat", "metadata": {"is_external_model": True}}

    plain, asked = (as_ada.post(f"/v1/check{query}", question).json for query in ("", "?include=fixes"))

    assert "would_pass" not in plain
    [fix] = asked["would_pass"]["fixes"]
    assert fix == {
        "changes": {"is_external_model": False},
        "advice": "Use a model that runs in your own systems.",
        "risk_score": 0,
    }
    allowed = as_ada.post("/v1/check?include=fixes", {**question, "metadata": {}}).json
    assert (allowed["allowed"], allowed["would_pass"]["fixes"]) == (True, [])


def test_a_batch_has_no_fixes(as_ada: Caller) -> None:
    answer = as_ada.post("/v1/checks?include=fixes", {"checks": [{"model": "m", "operation": "chat"}]})

    assert (answer.status_code, answer.json["errors"][0]["path"]) == (422, "include")
