"""Presets: what each does to requests, and how it becomes a draft."""

from typing import Any
from uuid import UUID

import pytest
from flask import Flask

from api.policies.compiling import compile_policy
from api.policies.document import PolicyDocument
from api.policies.evaluator import CheckFacts, evaluate
from api.policies.presets import PRESETS
from api.policies.rules import OnMissing, Rule, When
from api.policies.validation import with_values
from tests.cast import Caller, Member
from tests.people import Person
from tests.portal.test_policy_models import current

OWN = Rule(code="mine", when=When(all=("is_high_risk_system",)), message="m", on_missing=OnMissing.SKIP)


def document_of(name: str, before: PolicyDocument) -> PolicyDocument:
    preset = next(one for one in PRESETS if one.name == name)
    return with_values(before, preset.values_over(before), path_of=str)


@pytest.mark.parametrize(
    ("name", "model", "stated", "reason"),
    [
        ("sensible-start", "gpt-4o", {}, "ok"),
        ("sensible-start", "gpt-4o", {"contains_personal_data": True}, "contains_personal_data"),
        ("no-personal-data-to-external-models", "gpt-4o", {"contains_personal_data": False}, "ok"),
        (
            "no-personal-data-to-external-models",
            "gpt-4o",
            {"contains_personal_data": True, "is_external_model": False},
            "personal_data_to_external_model",
        ),
        (
            "no-personal-data-to-external-models",
            "own",
            {"contains_personal_data": True},
            "personal_data_to_external_model",
        ),
        (
            "no-personal-data-to-external-models",
            "own",
            {"contains_personal_data": True, "is_external_model": False},
            "ok",
        ),
        ("no-personal-data-to-external-models", "own", {"is_external_model": False}, "fact_missing"),
        ("eu-only", "m", {"model_region": "EU-central-1"}, "ok"),
        ("eu-only", "m", {"model_region": "europe"}, "model_outside_the_eu"),
        ("eu-only", "m", {}, "model_outside_the_eu"),
        ("eu-only", "eu.amazon.nova-pro-v1:0", {}, "ok"),
        ("eu-only", "us.amazon.nova-pro-v1:0", {"model_region": "eu"}, "catalogue_contradiction"),
        (
            "eu-ai-act-deployer",
            "m",
            {"is_high_risk_system": True, "is_automated_decision": True, "is_human_reviewed": False},
            "high_risk_needs_review",
        ),
        ("eu-ai-act-deployer", "m", {}, "ok"),
        ("coding-assistants", "gpt-4o", {"data_classification": "restricted"}, "restricted_code_to_external_model"),
        ("coding-assistants", "gpt-4o", {"application": "ide"}, "ok"),
    ],
)
def test_a_preset_does_what_it_says(name: str, model: str, stated: dict[str, Any], reason: str) -> None:
    policy = compile_policy(UUID(int=0), 1, document_of(name, PolicyDocument()))

    assert evaluate(policy, CheckFacts(model, "chat", stated)).reason == reason


@pytest.mark.parametrize("name", [one.name for one in PRESETS])
def test_a_preset_keeps_rules_of_ones_own_and_may_be_repeated(name: str) -> None:
    once = document_of(name, PolicyDocument(rules=(OWN,)))

    assert once.rules[0] == OWN
    assert document_of(name, once) == once


def test_a_preset_becomes_a_draft_and_changes_nothing_yet(
    app: Flask, ada: Member, as_ada: Caller, developer: Person
) -> None:
    as_ada.check(metadata={"contains_personal_data": True})
    page = developer.get("/policies/presets").text
    assert "Rules: added “model_outside_the_eu”." in page
    assert "Required facts: added “contains_personal_data”." in page

    created = developer.post("/policies/presets/eu-only")

    assert created.status_code == 303
    page = developer.get(created.headers["Location"]).text
    assert "EU only" in page
    assert "model_outside_the_eu" in page
    assert current(app, ada)[0] == 1


def test_there_are_no_other_presets(developer: Person) -> None:
    assert developer.post("/policies/presets/nothing").status_code == 404
