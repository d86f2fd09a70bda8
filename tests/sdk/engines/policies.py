"""Policies of all kinds, from a source of chance: rules over every type of fact, in every state, all switches."""

from collections.abc import Callable, Mapping
from random import Random
from typing import Any

from api.model_catalogue.derivation import OnContradiction
from api.model_catalogue.entries import CatalogueVersion, OwnModel
from api.policies.document import KNOWN_OPERATIONS, PolicyDocument
from api.policies.required_facts import IfMissing, RequiredFact
from api.policies.rules import OnError, OnMissing, Rule, RuleEffect, RuleState, When
from api.vocabulary import BUILT_IN, FactType, variable_of

MODELS: tuple[str, ...] = (
    "gpt-4o",
    "GPT-4o-mini",
    "gpt-4o-2024-08-06",
    "own-llm",
    "mistral/mistral-large",
    "meta-llama/llama-3.1-70b",
)
MODELS += ("eu.anthropic.claude-3-5-sonnet", "openai/gpt-4o", "bedrock/us.meta.llama3-1", "ft:gpt-4o:acme", "claude")
MODELS += ("text-embedding-3-large", "azure/gpt-4o", "phi-3.5-mini", "nowhere/gpt-4o", "gemini-2.0-flash@20260101")
MODELS += ("openai/whisper", "nvidia/nemotron-4", "qwen/qwen2.5-coder", "groq/meta-llama/llama-3.3")
OPERATIONS = ("chat", "embeddings", "Fine-Tuning", "fine_tuning", "scoring", "chat_completion", "execute_tool")
TEXTS = ("hr", "HR", "Legal", "eu", "eu-central-1", "us", "openai", "azure", "internal", "public", "a", "b2", "zz")
KINDS = ("email", "IBAN", "health", "EMAIL-ADDRESS", "names")
NUMBERS = (0, 1, 2, 10, 4999, 5000, 10_000, 0.5, 1.25, -1, 2**53 - 1)
CUSTOM: Mapping[str, FactType] = {
    "cost_center": FactType.TOKEN,
    "team.lead_id": FactType.TOKEN,
    "callback_phone": FactType.TOKEN,
    "labels": FactType.TOKENS,
    "score": FactType.NUMBER,
    "order_number": FactType.INTEGER,
    "is_urgent": FactType.BOOLEAN,
    "temperature": FactType.INTEGER,
    "dataset_record_count": FactType.BOOLEAN,
}
BEYOND_TREES = ("dataset_record_count == 0x10", "score + 1.0 > 2.0", 'department == "\\u0068r"')


def policies(chance: Random) -> PolicyDocument:
    return _shares(chance) if chance.random() < 0.01 else _mixed(chance)


def _shares(chance: Random) -> PolicyDocument:
    """So many that one in a hundred is many."""
    rules = (
        Rule(
            code=f"share_{number}",
            when=When(all=("contains_personal_data",)),
            message="A share.",
            effect=RuleEffect.ADD_RISK,
            points=0,
            on_missing=chance.choice(list(OnMissing)),
            state=RuleState.PERCENT,
            percent=chance.randint(1, 99),
        )
        for number in range(300)
    )
    return PolicyDocument(rules=tuple(rules))


def _mixed(chance: Random) -> PolicyDocument:
    custom = {name: kind for name, kind in CUSTOM.items() if chance.random() < (0.7 if name not in BUILT_IN else 0.1)}
    facts = {name: fact.type for name, fact in BUILT_IN.items()} | custom
    return PolicyDocument(
        block_personal_data=chance.random() < 0.3,
        block_external_models=chance.random() < 0.2,
        count_points_when_off=chance.random() < 0.4,
        max_risk_score=chance.choice((30, 50, 70, 100, 100)),
        points_personal_data=chance.choice((0, 20, 70)),
        points_external_model=chance.choice((0, 20, 50)),
        points_large_dataset=chance.choice((0, 30)),
        points_unknown_operation=chance.choice((0, 20)),
        large_dataset_records=chance.choice((1, 5000, 10_000)),
        known_operations=chance.choice((KNOWN_OPERATIONS, ("chat",), ("embeddings", "fine-tuning"), ())),
        allowed_models=_some(chance, ("gpt-4o*", "own-llm", "Claude*", "mistral/mistral-large", "GPT-4O-MINI"), 0.2),
        denied_operations=_some(chance, ("fine-tuning", "execute_tool"), 0.2),
        compare_in_normal_form=chance.random() < 0.7,
        model_catalogue=CatalogueVersion.NOVEMBER_2026 if chance.random() < 0.6 else CatalogueVersion.OFF,
        on_contradiction=chance.choice(list(OnContradiction)),
        own_models=_some(chance, _OWN_MODELS, 0.5),
        required_facts=tuple(_required(chance, facts) for _ in range(chance.choice((0, 0, 0, 1, 3)))),
        custom_facts=custom,
        rules=tuple(_rule(chance, facts, number) for number in range(chance.choice((0, 1, 3, 8, 20)))),
    )


_OWN_MODELS = (
    OwnModel("own-*", is_external=False, provider="own", family="Own", region="eu"),
    OwnModel("GPT-4o", is_external=False, region="eu"),
    OwnModel("gpt-4*", provider="Azure-OpenAI"),
    OwnModel("own-llm", family="llama"),
)


def _some(chance: Random, choices: tuple[Any, ...], share: float) -> tuple[Any, ...]:
    return tuple(one for one in choices if chance.random() < 0.5) if chance.random() < share else ()


def _required(chance: Random, facts: Mapping[str, FactType]) -> RequiredFact:
    return RequiredFact(
        fact=chance.choice(list(facts)),
        if_missing=chance.choice(list(IfMissing)),
        points=chance.choice((0, 20, 60)),
        operations=chance.choice(((), ("chat",), ("fine-tuning", "embeddings"))),
        applications=chance.choice(((), (), ("HR", "a"))),
    )


def _rule(chance: Random, facts: Mapping[str, FactType], number: int) -> Rule:
    def conditions(most: int) -> tuple[str, ...]:
        return tuple(_condition(chance, facts) for _ in range(chance.randint(0, most)))

    when = When(all=conditions(2), any=conditions(2), none=conditions(1))
    if chance.random() < 0.003:
        when = When(all=(chance.choice(BEYOND_TREES),))
    return Rule(
        code=f"rule_{number}",
        when=when,
        message=chance.choice(("Nein, nicht so.", "Not this — ever.", "A rule.")),
        effect=chance.choices(list(RuleEffect), weights=(1, 4))[0],
        points=chance.choice((0, 1, 5, 10, 30, 100)),
        on_missing=chance.choices(list(OnMissing), weights=(1, 6))[0],
        on_error=chance.choice((None, *OnError)),
        fix=chance.choice(("", "Use another model.")),
        state=chance.choices(list(RuleState), weights=(1, 2, 3, 8))[0],
        percent=chance.choice((1, 10, 50, 90, 99)),
    )


def _condition(chance: Random, facts: Mapping[str, FactType], depth: int = 0) -> str:
    if depth < 2 and chance.random() < 0.3:
        parts = [_condition(chance, facts, depth + 1) for _ in range(2)]
        return chance.choice((f"({parts[0]} && {parts[1]})", f"({parts[0]} || {parts[1]})", f"!({parts[0]})"))
    if chance.random() < 0.2:
        return _of_request(chance)
    kind = chance.choice(list(FactType))
    fact = chance.choice([name for name, one in facts.items() if one is kind])
    others = [name for name, one in facts.items() if one is kind and name != fact] or [fact]
    return _WRITERS[kind](chance, variable_of(fact), variable_of(chance.choice(others)))


def _of_request(chance: Random) -> str:
    model, operation = chance.choice(MODELS), chance.choice(OPERATIONS).lower()
    return chance.choice(
        (
            f'model == "{model}"',
            'model in ["gpt-4o*", "own-llm"]',
            f'model.startsWith("{model[:4]}")',
            f'operation != "{operation}"',
            f'operation in ["{operation}", "chat"]',
            'size(model) > 10 || operation.endsWith("s")',
            f'model < "{model}"',
        )
    )


def _of_truth(chance: Random, fact: str, other: str) -> str:
    return chance.choice((fact, f"!{fact}", f"{fact} == true", f"{fact} != {other}", f"{fact} == false"))


def _of_number(chance: Random, fact: str, other: str) -> str:
    sign = chance.choice(("==", "!=", "<", "<=", ">", ">="))
    literal = chance.choice(NUMBERS)
    written = str(literal) if literal < 10**15 else "999999999999999"
    return chance.choice((f"{fact} {sign} {written}", f"{written} {sign} {fact}", f"{fact} {sign} {other}"))


def _of_text(chance: Random, fact: str, other: str) -> str:
    sign, text = chance.choice(("==", "!=", "<", "<=", ">", ">=")), chance.choice(TEXTS)
    return chance.choice(
        (
            f'{fact} {sign} "{text}"',
            f'{fact} == "{text}*"',
            f'{fact} in ["{text}", "{chance.choice(TEXTS)}", "eu*"]',
            f'{fact}.{chance.choice(("startsWith", "endsWith", "contains"))}("{text}")',
            f"size({fact}) {sign} {chance.randint(0, 12)}",
            f"{fact} {sign} {other}",
            f"{fact} in ['', '{text}']",
        )
    )


def _of_texts(chance: Random, fact: str, other: str) -> str:
    text = chance.choice(KINDS if fact == "pii_types" else TEXTS)
    return chance.choice((f'"{text}" in {fact}', f'!("{text}" in {fact})', f"size({fact}) >= {chance.randint(0, 3)}"))


_WRITERS: Mapping[FactType, Callable[[Random, str, str], str]] = {
    FactType.BOOLEAN: _of_truth,
    FactType.INTEGER: _of_number,
    FactType.NUMBER: _of_number,
    FactType.TOKEN: _of_text,
    FactType.TOKENS: _of_texts,
}
