"""Conditions and requests made at random, for what must hold of all of them."""

from random import Random
from typing import Any

import msgspec

from api.model_catalogue.derivation import OnContradiction
from api.model_catalogue.entries import LATEST, OwnModel
from api.policies.document import PolicyDocument
from api.policies.evaluator import CheckFacts
from api.policies.required_facts import IfMissing, RequiredFact
from api.policies.rules import OnError, OnMissing, Rule, RuleEffect, RuleState, When
from api.vocabulary import FactType

CUSTOM = {"cost.center": FactType.TOKEN, "urgent": FactType.BOOLEAN, "score": FactType.NUMBER, "teams": FactType.TOKENS}
_TEXTS = ("model", "operation", "department", "data_region", "gen_ai_provider_name", "cost_center")
_NUMBERS = ("dataset_record_count", "gen_ai_request_temperature", "score")
_BOOLEANS = ("contains_personal_data", "is_external_model", "urgent")
_LISTS = ("pii_types", "teams")
_WORDS = ("a", "chat", "Chat", "fine-tuning", "GPT-4o", "gpt-4o", "email", "E-Mail", "eu", "us-east-1", "", "ä")
_DIGITS = ("0", "1", "2.5", "800", "1000000", "0.1", "1e3", "999999999999999")


def condition(random: Random) -> str:
    """In the profile, and mostly of right types."""
    return _truth(random, depth=random.randrange(3))


def policy(random: Random, *, rules: int) -> PolicyDocument:
    return PolicyDocument(
        compare_in_normal_form=random.random() < 0.5,
        custom_facts=CUSTOM,
        rules=tuple(_rule(random, f"rule_{number}") for number in range(rules)),
    )


def document(random: Random) -> PolicyDocument:
    """With rules in all states, and with settings, required facts and models of all kinds."""

    def may(*values: Any) -> Any:
        return random.choice(values)

    made = policy(random, rules=random.randrange(6))
    rules = tuple(
        msgspec.structs.replace(
            one, effect=may(*RuleEffect), points=may(0, 20, 60), state=may(*RuleState), on_error=may(None, *OnError)
        )
        for one in made.rules
    )
    return msgspec.structs.replace(
        made,
        rules=rules,
        block_personal_data=may(True, False),
        block_external_models=may(True, False),
        count_points_when_off=may(True, False),
        points_large_dataset=may(0, 30, 60),
        points_unknown_operation=may(0, 20),
        allowed_models=may((), (), ("gpt-4o*", "own-1")),
        denied_operations=may((), ("fine_tuning",)),
        model_catalogue=may(made.model_catalogue, LATEST),
        own_models=may((), (OwnModel("own-*", is_external=False),)),
        on_contradiction=may(*OnContradiction),
        required_facts=may((), (RequiredFact("department", may(*IfMissing), 10, ("chat",), may((), ("hr-app",))),)),
    )


def request(random: Random) -> CheckFacts:
    """Some facts are not stated, and now and then one is of another type, as in old rows."""
    stated: dict[str, Any] = {
        "department": random.choice(_WORDS),
        "data_region": random.choice(_WORDS),
        "gen_ai.provider.name": random.choice(_WORDS),
        "cost.center": random.choice(_WORDS),
        "dataset_record_count": random.choice((0, 1, 800, 1_000_000)),
        "gen_ai.request.temperature": random.choice((0, 0.1, 1, 2.5)),
        "score": random.choice((-1, 0.0, 2.5, 1_000.0)),
        "contains_personal_data": random.random() < 0.5,
        "is_external_model": random.random() < 0.5,
        "urgent": random.random() < 0.5,
        "pii_types": tuple(random.sample(("email", "E-Mail", "iban"), random.randrange(3))),
        "teams": tuple(random.sample(("a", "eu", "chat"), random.randrange(3))),
    }
    for name in random.sample(list(stated), random.choice((0, 0, 1, 5))):
        del stated[name]
    if random.random() < 0.05:
        stated[random.choice(list(stated))] = random.choice((True, 1, 2.5, "a", ("a",)))
    return CheckFacts(
        model=random.choice(("gpt-4o", "GPT-4o", "mistral/large")),
        operation=random.choice(("chat", "fine-tuning", "embeddings")),
        metadata=stated,
    )


def _rule(random: Random, code: str) -> Rule:
    def some(most: int) -> tuple[str, ...]:
        return tuple(condition(random) for _ in range(random.randrange(most + 1)))

    when = When(all=some(2), any=some(2), none=some(1))
    return Rule(code=code, when=when, message="It holds.", on_missing=random.choice(tuple(OnMissing)))


def _truth(random: Random, *, depth: int) -> str:
    if depth:
        left, right = _truth(random, depth=depth - 1), _truth(random, depth=depth - 1)
        return random.choice((f"{left} && {right}", f"({left} || {right})", f"!({left})", f"({left}) // {right}\n"))
    return random.choice(
        (
            _compared(random, _text(random), _text(random)),
            _compared(random, _number(random), _number(random)),
            random.choice(_BOOLEANS),
            f"!{random.choice(_BOOLEANS)}",
            f"{random.choice(_BOOLEANS)} {random.choice(('==', '!='))} {random.choice(('true', 'false'))}",
            f"{_text(random)} in [{', '.join(_literal(random) for _ in range(random.randrange(4)))}]",
            f"{_literal(random)} in {random.choice(_LISTS)}",
            f"{random.choice(_TEXTS)}.{random.choice(('startsWith', 'endsWith', 'contains'))}({_text(random)})",
            _compared(random, f"size({random.choice(_LISTS + _TEXTS)})", _number(random)),
            _compared(random, f"{random.choice(_LISTS)}.size()", random.choice(_DIGITS)),
            f"{random.choice(_LISTS)} == [{_literal(random)}]",
        )
    )


def _compared(random: Random, left: str, right: str) -> str:
    return f"{left} {random.choice(('==', '!=', '<', '<=', '>', '>='))} {right}"


def _text(random: Random) -> str:
    return random.choice(_TEXTS) if random.random() < 0.5 else _literal(random)


def _number(random: Random) -> str:
    digits = random.choice(_DIGITS)
    return random.choice((*_NUMBERS, digits, f"-{digits}"))


def _literal(random: Random) -> str:
    quote = random.choice("'\"")
    return f"{quote}{random.choice(_WORDS)}{quote}"
