"""Facts that follow from the model's name: derived where the caller says nothing, and noted where it says otherwise."""

from typing import Any
from uuid import UUID

import pytest

from api.model_catalogue.derivation import Completion, OnContradiction
from api.model_catalogue.entries import LATEST, CatalogueVersion, OwnModel, catalogue_of
from api.policies.compiling import compile_policy
from api.policies.document import PolicyDocument
from api.policies.evaluator import CheckFacts, evaluate
from api.vocabulary import FactType, normal_model
from tests.cast import Caller

EXTERNAL, PROVIDER, FAMILY, REGION = "is_external_model", "gen_ai.provider.name", "model_family", "model_region"


def completion(*own: OwnModel, on_contradiction: OnContradiction = OnContradiction.CALLER) -> Completion:
    return Completion(LATEST, own, on_contradiction)


@pytest.mark.parametrize("version", [one for one in CatalogueVersion if one])
def test_every_version_of_the_catalogue_is_well_formed(version: CatalogueVersion) -> None:
    catalogue = catalogue_of(version)

    names = [model.name for model in catalogue.models]
    assert (catalogue.version, len(names)) == (version, len(set(names)))
    assert all(name == normal_model(name) for name in names)
    aliases = [alias for name, one in catalogue.providers.items() for alias in {name, *one.aliases}]
    assert len(aliases) == len(set(aliases))
    assert {host for model in catalogue.models for host in model.hosts} <= catalogue.providers.keys()
    closed = {model.provider for model in catalogue.models if not model.open_weights}
    assert closed <= catalogue.providers.keys()


@pytest.mark.parametrize(
    ("model", "facts"),
    [
        ("GPT-4o-2024-08-06", {EXTERNAL: True, PROVIDER: "openai", FAMILY: "gpt-4o"}),
        ("azure/gpt-4o", {EXTERNAL: True, PROVIDER: "azure.ai.openai", FAMILY: "gpt-4o"}),
        ("ft:gpt-4o-mini:acme::x", {EXTERNAL: True, PROVIDER: "openai", FAMILY: "gpt-4o-mini"}),
        ("claude-3-5-sonnet@20240620", {EXTERNAL: True, PROVIDER: "anthropic", FAMILY: "claude-3-5-sonnet"}),
        (
            "eu.anthropic.claude-sonnet-4-5-20250929-v1:0",
            {EXTERNAL: True, PROVIDER: "aws.bedrock", FAMILY: "claude-sonnet-4-5", REGION: "eu"},
        ),
        ("openrouter/anthropic/claude-3-haiku", {EXTERNAL: True, PROVIDER: "openrouter", FAMILY: "claude-3-haiku"}),
        ("mistral/large", {EXTERNAL: True, PROVIDER: "mistral_ai"}),
        ("groq/llama-3.3-70b-versatile", {EXTERNAL: True, PROVIDER: "groq", FAMILY: "llama-3.3"}),
        ("meta-llama/Llama-3.1-70B", {FAMILY: "llama-3.1"}),
        ("openai/gpt-oss-20b", {FAMILY: "gpt-oss"}),
        ("other/gpt-4o", {}),
        ("gpt-4omega", {}),
        ("own-model", {}),
    ],
)
def test_a_models_name_says_what_it_says_and_no_more(model: str, facts: dict[str, Any]) -> None:
    assert completion().complete(model, {})[1].facts == facts


def test_no_entry_of_ours_says_that_a_model_is_internal() -> None:
    found = [completion().known(model.name).facts.get(EXTERNAL) for model in catalogue_of(LATEST).models]

    assert set(found) == {True, None}


def test_an_own_entry_goes_before_the_catalogue_which_says_the_rest() -> None:
    own = (OwnModel("gpt-4o*", is_external=False, region="eu"), OwnModel("gpt-4o-mini", provider="Acme"))

    def facts_of(model: str) -> dict[str, Any]:
        return completion(*own).complete(model, {})[1].facts

    assert facts_of("GPT-4o") == {EXTERNAL: False, PROVIDER: "openai", FAMILY: "gpt-4o", REGION: "eu"}
    assert facts_of("gpt-4o-mini") == {EXTERNAL: True, PROVIDER: "Acme", FAMILY: "gpt-4o-mini"}


@pytest.mark.parametrize(
    ("model", "stated", "contradicted"),
    [
        ("gpt-4o", {EXTERNAL: False}, [EXTERNAL]),
        ("gpt-4o", {EXTERNAL: True, PROVIDER: "azure", FAMILY: "GPT-4o"}, []),
        ("gpt-4o", {PROVIDER: "aws.bedrock"}, [PROVIDER]),
        ("gpt-4o", {PROVIDER: "our-gateway"}, []),
        ("azure/gpt-4o", {PROVIDER: "openai"}, []),
        ("gpt-4o", {FAMILY: "gpt-3"}, [FAMILY]),
        ("eu.amazon.nova-pro-v1:0", {REGION: "eu-central-1"}, []),
        ("eu.amazon.nova-pro-v1:0", {REGION: "us-east-1"}, [REGION]),
        ("apac.amazon.nova-pro-v1:0", {REGION: "ap-southeast-2"}, []),
        ("llama-3.1-8b", {EXTERNAL: False, PROVIDER: "acme"}, []),
    ],
)
def test_what_a_caller_says_otherwise_is_noted(model: str, stated: dict[str, Any], contradicted: list[str]) -> None:
    decided, derivation = completion().complete(model, stated)

    assert [one.fact for one in derivation.contradictions] == contradicted
    assert stated.items() <= decided.items()


def test_the_catalogue_may_be_believed_before_the_caller() -> None:
    believing = completion(on_contradiction=OnContradiction.CATALOGUE)

    assert believing.complete("gpt-4o", {EXTERNAL: False})[0][EXTERNAL] is True


def test_a_fact_of_ones_own_that_has_the_name_of_a_derived_one_stays_ones_own() -> None:
    document = PolicyDocument(model_catalogue=LATEST, custom_facts={FAMILY: FactType.BOOLEAN})

    outcome = evaluate(compile_policy(UUID(int=0), 1, document), CheckFacts("gpt-4o", "chat", {}))

    assert outcome.derivation is not None
    assert FAMILY not in outcome.derivation.facts


def switch_on(caller: Caller, **more: Any) -> None:
    for key, value in {"model_catalogue": LATEST, "block_external_models": True, **more}.items():
        assert caller.patch(f"/v1/policies/{key}", {"value": value}).status_code == 200


def test_without_the_catalogue_nothing_is_derived_and_nothing_said(as_ada: Caller) -> None:
    as_ada.patch("/v1/policies/block_external_models", {"value": True})

    answer = as_ada.check(metadata={}).json

    assert (answer["allowed"], "derivation" in answer) == (True, False)
    assert as_ada.get(f"/v1/decisions/{answer['decision_id']}").json["derivation"] is None


def test_a_model_that_nobody_called_external_is_blocked_and_the_log_says_why(as_ada: Caller) -> None:
    switch_on(as_ada)

    answer = as_ada.check(metadata={"department": "hr"}).json

    assert (answer["allowed"], answer["reason"]) == (False, "external_model_detected")
    derivation = answer["derivation"]
    assert (derivation["catalogue_version"], derivation["entry"], derivation["facts"][EXTERNAL]) == (
        LATEST,
        "gpt-4o",
        True,
    )
    kept = as_ada.get(f"/v1/decisions/{answer['decision_id']}").json
    assert kept["metadata"] == {"department": "hr"}
    assert {name: kept["derivation"][name] for name in derivation} == derivation


def test_a_retry_under_an_idempotency_key_is_told_the_same(as_ada: Caller) -> None:
    switch_on(as_ada)
    headers = {"Idempotency-Key": "once-7f3a"}
    question = {"model": "gpt-4o", "operation": "chat", "metadata": {EXTERNAL: False}}

    first, again = (as_ada.post("/v1/check", question, headers=headers).json for _ in range(2))

    assert first == again
    assert first["derivation"]["contradictions"]


@pytest.mark.parametrize(
    ("on_contradiction", "reason"),
    [("caller", "ok"), ("catalogue", "external_model_detected"), ("block", "catalogue_contradiction")],
)
def test_a_contradiction_counts_as_the_organization_wants(as_ada: Caller, on_contradiction: str, reason: str) -> None:
    switch_on(as_ada, on_contradiction=on_contradiction)

    answer = as_ada.check(metadata={EXTERNAL: False}).json

    assert answer["reason"] == reason
    assert answer["derivation"]["contradictions"] == [{"fact": EXTERNAL, "stated": False, "known": True}]


def test_a_rule_sees_what_was_derived(as_ada: Caller) -> None:
    rule = {
        "code": "no_openai",
        "when": {"all": ['gen_ai_provider_name == "openai"']},
        "message": "m",
        "fix": "f",
        "on_missing": "skip",
    }
    switch_on(as_ada, block_external_models=False, rules=[rule])

    assert as_ada.check(metadata={}).json["reason"] == "no_openai"
    assert as_ada.check(model="own-model", metadata={}).json["reason"] == "ok"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("model_catalogue", "1999-01"),
        ("on_contradiction", "nobody"),
        ("own_models", [{"model": "two words"}]),
        ("own_models", [{"model": "*"}]),
        ("own_models", [{"model": "a*b"}]),
        ("own_models", [{"model": "own", "colour": "blue"}]),
    ],
)
def test_a_value_that_does_not_fit_is_refused(as_ada: Caller, key: str, value: Any) -> None:
    answer = as_ada.patch(f"/v1/policies/{key}", {"value": value})

    assert answer.status_code == 422
    assert answer.json["errors"][0]["path"].startswith("value")


def test_a_model_is_described_once(as_ada: Caller) -> None:
    answer = as_ada.patch("/v1/policies/own_models", {"value": [{"model": "Own-1"}, {"model": "own-1"}]})

    assert (answer.status_code, answer.json["errors"][0]["code"]) == (422, "repeated")
