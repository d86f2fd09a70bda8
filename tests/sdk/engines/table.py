"""`python -m tests.sdk.engines.table`: the table of cases that both SDKs are held against.

Each case is a bundle's policies with requests, and what the engine of the client for Python makes of them, which is the
service's own. The TypeScript SDK's own tests read the same file. A test compares it with what it would be now.
"""

import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import msgspec

from api.model_catalogue.derivation import OnContradiction
from api.model_catalogue.entries import CatalogueVersion, OwnModel
from api.policies.document import PolicyDocument
from api.policies.required_facts import IfMissing, RequiredFact
from api.policies.rules import OnMissing, Rule, RuleEffect, RuleState, When
from api.vocabulary import FactType
from tests.databases import ROOT
from tests.sdk.engines.judging import PythonEngine, bundle_of

TABLE = ROOT / "sdk" / "typescript" / "test" / "decisions.json"
_KEY_ID = UUID(int=7)
_LEFT_OUT = ("facts", "aliases")
"""Of a bundle: nobody reads them who has this version."""

Case = tuple[str, PolicyDocument, tuple[dict[str, Any], ...]]


def cases() -> list[dict[str, Any]]:
    return [_case(*one) for one in (*_switches(), *_rules(), *_catalogue(), *_reading())]


def _case(name: str, document: PolicyDocument, asked: tuple[dict[str, Any], ...]) -> dict[str, Any]:
    bundle = bundle_of(document, _KEY_ID)
    engine = PythonEngine(bundle)
    texts = [json.dumps(_request(**one), separators=(",", ":"), ensure_ascii=False) for one in asked]
    defaults = msgspec.to_builtins(PolicyDocument())
    policies = {name: value for name, value in bundle["policies"].items() if value != defaults[name]}
    return {
        "name": name,
        "bundle": {**bundle, "policies": policies} | {part: {} for part in _LEFT_OUT},
        "requests": [{"text": text, "expect": engine.judge(text)} for text in texts],
    }


def _request(model: Any = "gpt-4o", operation: Any = "chat", more: Any = None, **metadata: Any) -> dict[str, Any]:
    """Double underscores stand for dots."""
    named = {name.replace("__", "."): value for name, value in metadata.items()}
    return {"model": model, "operation": operation, "metadata": named} | (more or {})


def _rule(code: str, *conditions: str, **options: Any) -> Rule:
    when = options.pop("when", None) or When(all=conditions)
    return Rule(code=code, when=when, message=f"Rule {code}.", **{"on_missing": OnMissing.SKIP, **options})


def _switches() -> Iterator[Case]:
    personal, external = {"contains_personal_data": True}, {"is_external_model": True}
    large = {"dataset_record_count": 10_000}
    yield "defaults", PolicyDocument(), ({}, personal, external, large, {**personal, **external, **large})
    counted = PolicyDocument(block_personal_data=False, count_points_when_off=True, points_personal_data=40)
    yield "points without hard block", counted, (personal, {**personal, **large}, external)
    yield "hard blocks", PolicyDocument(block_external_models=True, max_risk_score=100), (external, personal)
    lists = PolicyDocument(allowed_models=("gpt-4o*", "Own-LLM"), denied_operations=("fine-tuning",))
    yield (
        "lists",
        lists,
        (
            {"model": "GPT-4O-mini"},
            {"model": "own-llm"},
            {"model": "other/gpt-4o"},
            {"operation": "Fine_Tuning"},
            {"operation": "chat_completion"},
            {"operation": "scoring"},
        ),
    )
    required = (
        RequiredFact("department", IfMissing.BLOCK, operations=("chat",), applications=("CRM",)),
        RequiredFact("purpose", IfMissing.ADD_RISK, points=30),
        RequiredFact("data_region", IfMissing.REPORT),
    )
    yield (
        "required facts",
        PolicyDocument(required_facts=required),
        ({}, {"application": "crm"}, {"application": "CRM", "department": "hr", "purpose": "a", "data_region": "eu"}),
    )


def _rules() -> Iterator[Case]:
    texts = (
        _rule("equal", 'department == "HR"'),
        _rule("begins", 'application == "crm*"', effect=RuleEffect.ADD_RISK, points=20),
        _rule("listed", 'data_region in ["EU", "us-*"]', effect=RuleEffect.ADD_RISK, points=10),
        _rule("ordered", 'purpose < "b" && purpose >= "A"', effect=RuleEffect.ADD_RISK, points=5),
        _rule("sized", 'size(user_role) > 3 || user_role.contains("x")', effect=RuleEffect.ADD_RISK, points=1),
    )
    asked = (
        {
            "department": "hr",
            "application": "CRM-2",
            "data_region": "us-east-1",
            "purpose": "Audit",
            "user_role": "admin",
        },
        {"department": "HR", "application": "x-crm", "data_region": "EU", "purpose": "b", "user_role": "ax"},
        {"department": "hr2", "purpose": "Z", "user_role": "abc"},
    )
    yield "texts without regard to case", PolicyDocument(rules=texts), asked
    with_case = tuple(msgspec.structs.replace(one, when=_bare(one.when)) for one in texts)
    yield "texts as sent", PolicyDocument(rules=with_case, compare_in_normal_form=False), asked
    kinds = (_rule("kind", '"email_address" in pii_types'), _rule("many", "size(pii_types) > 2"))
    yield (
        "lists and normal forms",
        PolicyDocument(rules=kinds),
        (
            {"pii_types": ["EMAIL-ADDRESS"]},
            {"pii_types": ["iban", "name", "dob"]},
            {"pii_types": []},
            {"pii_types": ["emial"]},
        ),
    )
    numbers = (
        _rule("whole", "dataset_record_count > 4999 && dataset_record_count != 999999999999999"),
        _rule("broken", "gen_ai_request_temperature >= 0.3", effect=RuleEffect.ADD_RISK, points=7),
        _rule("negative", "score < -0.5 || score == 2", effect=RuleEffect.ADD_RISK, points=3),
    )
    yield (
        "numbers",
        PolicyDocument(rules=numbers, custom_facts={"score": FactType.NUMBER}),
        (
            {"dataset_record_count": 5000, "gen_ai__request__temperature": 0.3, "score": -0.6},
            {"dataset_record_count": 999999999999999, "gen_ai__request__temperature": 0.30000000000000004, "score": 2},
            {"dataset_record_count": 9007199254740992, "score": -0.5},
            {"dataset_record_count": 0.5, "score": 1e300},
            {"dataset_record_count": 1e21, "score": "2"},
        ),
    )
    missing = (
        _rule("blocks", 'department == "hr"', on_missing=OnMissing.BLOCK, fix="Say the department."),
        _rule("settled", when=When(all=("is_human_reviewed",), any=('purpose == "a"', "contains_personal_data"))),
        _rule("excluded", when=When(none=("is_high_risk_system",)), on_missing=OnMissing.BLOCK),
        _rule("always", when=When(), effect=RuleEffect.ADD_RISK, points=1),
    )
    yield (
        "facts that are missing",
        PolicyDocument(rules=missing, block_personal_data=False),
        (
            {},
            {"department": "it", "is_high_risk_system": True},
            {"is_human_reviewed": True, "contains_personal_data": True},
            {"is_human_reviewed": True, "purpose": "b", "contains_personal_data": False},
        ),
    )
    states = tuple(
        _rule(f"{state.value}_{percent}", "is_high_risk_system", state=state, percent=percent, points=1)
        for state in RuleState
        for percent in (1, 25, 50, 75, 99)
    )
    in_part = tuple(msgspec.structs.replace(one, effect=RuleEffect.ADD_RISK) for one in states)
    yield "states", PolicyDocument(rules=in_part), ({"is_high_risk_system": True}, {})
    yield "for the service", PolicyDocument(rules=(_rule("engine", "dataset_record_count == 0x10"),)), ({},)


def _bare(when: When) -> When:
    return When(all=tuple(one.replace("*", "") for one in when.all))


def _catalogue() -> Iterator[Case]:
    models: tuple[str, ...] = (
        "gpt-4o-2024-08-06",
        "gpt-4o-mini",
        "openai/gpt-4o",
        "nowhere/gpt-4o",
        "meta-llama/llama-3.1-70b",
        "own-1",
    )
    models += (
        "eu.anthropic.claude-3-5-sonnet",
        "bedrock/global.anthropic.claude-3-5",
        "ft:gpt-4o:acme",
        "models/gemini-2.0",
    )
    asked = tuple({"model": model} for model in models)
    contradicting = (
        {"is_external_model": False},
        {"gen_ai__provider__name": "Anthropic"},
        {"gen_ai__provider__name": "azure"},
        {"gen_ai__provider__name": "unheard_of", "model_family": "gpt-4"},
        {"model": "eu.anthropic.claude-3-5-sonnet", "model_region": "us-east-1"},
        {"model": "eu.anthropic.claude-3-5-sonnet", "model_region": "EU-central-1"},
    )
    own = (OwnModel("own-*", is_external=False, provider="own", region="eu"), OwnModel("gpt-4o", is_external=False))
    rules = (
        _rule("family", 'model_family == "gpt-4o"', effect=RuleEffect.ADD_RISK, points=5),
        _rule("outside", 'model_region != "eu"', on_missing=OnMissing.BLOCK),
        _rule("hosted", 'gen_ai_provider_name in ["aws.bedrock", "own"]', effect=RuleEffect.ADD_RISK, points=2),
    )
    for on_contradiction in OnContradiction:
        document = PolicyDocument(
            model_catalogue=CatalogueVersion.NOVEMBER_2026,
            on_contradiction=on_contradiction,
            block_external_models=True,
            rules=rules,
        )
        yield f"model catalogue, {on_contradiction}", document, (*asked, *contradicting)
        mine = msgspec.structs.replace(document, own_models=own)
        yield f"own models, {on_contradiction}", mine, (*asked, *contradicting)


def _reading() -> Iterator[Case]:
    document = PolicyDocument(custom_facts={"cost_center": FactType.TOKEN, "labels": FactType.TOKENS})
    yield "aliases", document, ({"contains_pii": True}, {"max_tokens": 5, "max_output_tokens": 6}, {"n": 1, "top_p": 1})
    yield (
        "requests that are not valid",
        document,
        (
            {"model": None, "operation": "a b", "more": {"metdata": {}, "subject": 5}},
            {"departmnt": "hr", "dataset_record_count": -1, "is_urgent": "yes"},
            {"data_classification": "secret", "labels": ["a", 1], "department": {"a": 1}},
            {"labels": ["a"] * 21, "department": "Zoë", "contains_personal_data": None},
            {"more": {"metadata": []}},
            {"more": {"metadata": {f"fact_{number}": number for number in range(51)}}},
            {"more": {"metadata": {f"fact_{number}": [{"": number}] for number in range(200)}}},
        ),
    )
    yield (
        "content",
        document,
        (
            {
                "user_prompt": "Dear Anna",
                "prompt_length": 3,
                "ＭＥＳＳＡＧＥ": 1,
                "ınput": 1,
                "anſwer": 1,
                "x" * 165: 1,
            },
            {"more": {"metadata": {"labels": [{"deep": {"Input-Text": []}}]}, "body": ""}},
            {
                "purpose": "4111-1111-1111-1111",
                "cost_center": "call_anna_please_she_is_not_there",
                "labels": ["anna-at-web.de"],
            },
            {"dataset_record_count": 4111111111111111, "gen_ai__request__seed": 4111111111111111},
            {
                "department": "Y2FsbCBhbm5hIGF0IG5vb24",
                "server__address": "http://a/b",
                "application_version": "1.2.3-rc1",
            },
            {"model": "sk-proj-Abcdefgh1234567890", "more": {"subject": "anna.example.org"}},
        ),
    )


def written() -> str:
    lines = ",\n".join(json.dumps(case, ensure_ascii=False) for case in cases())
    return f"[\n{lines}\n]\n"


if __name__ == "__main__":
    TABLE.write_text(written())
