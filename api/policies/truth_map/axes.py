"""The facts that matter to a policy, each with the values that a map tells apart. Imports no database."""

import re
from collections.abc import Callable, Hashable, Mapping, Sequence
from string import ascii_lowercase, digits
from typing import Any

import msgspec

from api.content.pii_kinds import KINDS
from api.policies.evaluator import CompiledPolicy
from api.policies.generated import judge_of
from api.policies.required_facts import APPLICATION
from api.policies.trees import RuleTrees
from api.policies.truth_map.mentions import MODEL, OPERATION, Mention, mentions_of
from api.policies.truth_map.values import NOT_SENT, AxisValue, Candidate, fractions, grouped, named, whole_numbers
from api.vocabulary import (
    CONTAINS_PERSONAL_DATA,
    DATASET_RECORD_COUNT,
    IS_EXTERNAL_MODEL,
    IS_LARGE_DATASET,
    MAX_TOKEN_LENGTH,
    MAX_TOKENS,
    MODEL_NAME,
    OPERATION_NAME,
    PII_TYPES,
    TOKEN,
    Fact,
    FactType,
    normal_model,
    normal_operation,
)

MOST_FACTS = 40
"""Of those that matter, so many are looked at."""
MOST_VALUES = 12
MOST_CANDIDATES = 400
_SWITCHED = frozenset({CONTAINS_PERSONAL_DATA, IS_EXTERNAL_MODEL, IS_LARGE_DATASET})
_SHAPES = {MODEL: re.compile(MODEL_NAME, re.ASCII), OPERATION: re.compile(OPERATION_NAME, re.ASCII)}
_TOKEN = re.compile(TOKEN, re.ASCII)
_OTHER = "another-value"
_ANOTHER_MODEL, _ANOTHER_OPERATION = "another-model", "another_operation"
_OF_THE_CATALOGUE = "gpt-4o"
Alike = Callable[[Any], Hashable]


class Axis(msgspec.Struct, frozen=True):
    fact: str
    values: tuple[AxisValue, ...]
    weight: int
    left_out: int
    """Values for which there was no room."""


def axes_of(policy: CompiledPolicy) -> list[Axis]:
    """Of the facts that matter, those first on which most depends."""
    mentions = mentions_of(policy)
    ranked = sorted(mentions, key=lambda fact: (-mentions[fact].weight, fact))
    return [_axis(policy, fact, mentions[fact]) for fact in ranked[:MOST_FACTS]]


def count_of_facts(policy: CompiledPolicy) -> int:
    """All that matter."""
    return len(mentions_of(policy))


def _axis(policy: CompiledPolicy, fact: str, mention: Mention) -> Axis:
    candidates = _candidates(policy, fact, mention)[:MOST_CANDIDATES]
    values = grouped(candidates, _likeness(policy, fact, mention))
    if fact not in {MODEL, OPERATION}:
        values = _with_not_sent(policy, fact, values, mention)
    return Axis(fact, tuple(values[:MOST_VALUES]), mention.weight, max(0, len(values) - MOST_VALUES))


def _with_not_sent(policy: CompiledPolicy, fact: str, values: list[AxisValue], mention: Mention) -> list[AxisValue]:
    """Where no rule asks about it and nothing requires it, a value that meets no setting comes out like none."""
    if not mention.is_missed:
        for place, one in enumerate(values):
            met = _of_settings(policy, fact, one.value)
            if met is False or (isinstance(met, tuple) and not any(met)):
                alike = AxisValue(f"{one.label} or {NOT_SENT}", (None, *one.values))
                return [alike, *values[:place], *values[place + 1 :]]
    return [AxisValue(NOT_SENT, (None,)), *values]


def _candidates(policy: CompiledPolicy, fact: str, mention: Mention) -> list[Candidate]:
    if fact == OPERATION:
        return _operations(policy, mention)
    if fact == MODEL:
        return _models(policy, mention)
    kept = policy.facts[fact]
    numbers = [one for one in mention.literals if isinstance(one, int | float) and not isinstance(one, bool)]
    match kept.type:
        case FactType.BOOLEAN:
            return [named(False), named(True)]
        case FactType.INTEGER:
            bounds = [policy.document.large_dataset_records] if fact == DATASET_RECORD_COUNT else []
            return whole_numbers([*bounds, *numbers])
        case FactType.NUMBER:
            return fractions(numbers)
    return _texts(kept, mention)


def _texts(fact: Fact, mention: Mention) -> list[Candidate]:
    if fact.choices:
        return list(map(named, fact.choices))
    texts = [one for one in dict.fromkeys(mention.literals) if isinstance(one, str) and _TOKEN.fullmatch(one)]
    if fact.type is FactType.TOKENS:
        return _lists(fact, texts, mention)
    others = [Candidate("z" * length, f"{length} characters") for length in _lengths(mention) if length > 0]
    rest = "any other value" if texts or others else "any value"
    return [*map(named, texts), *others, Candidate(_unlike(_OTHER, texts), rest)]


def _lists(fact: Fact, texts: list[str], mention: Mention) -> list[Candidate]:
    is_of_kinds = fact.name == PII_TYPES
    others = [one for one in (sorted(KINDS) if is_of_kinds else ascii_lowercase) if one not in texts]
    others = others if is_of_kinds else [_unlike(_OTHER, texts), *others]
    several = [named(tuple(texts))] if 1 < len(texts) <= MAX_TOKENS else []
    lengths = [one for one in _lengths(mention) if 1 < one <= min(MAX_TOKENS, len(others))]
    return [
        Candidate((), "empty list"),
        *(Candidate((one,), f"only {one}") for one in texts),
        *several,
        Candidate((others[0],), "only other values"),
        *(Candidate(tuple(others[:length]), f"{length} other values") for length in lengths),
    ]


def _lengths(mention: Mention) -> list[int]:
    """Those with which the length of a text or list is compared, and their neighbors."""
    bounds = {one for one in mention.literals if isinstance(one, int) and not isinstance(one, bool)}
    around = {one + step for one in bounds for step in (-1, 0, 1)}
    return sorted(one for one in around if 0 <= one <= MAX_TOKEN_LENGTH)[:MOST_VALUES]


def _operations(policy: CompiledPolicy, mention: Mention) -> list[Candidate]:
    known = sorted(policy.known_operations)
    texts = [*policy.document.denied_operations, *(one for one in mention.literals if isinstance(one, str))]
    names = _first_of_each(texts, normal_operation, _SHAPES[OPERATION])
    taken = set(map(normal_operation, names))
    label = "other known operations" if names else "known operations"
    rest = [Candidate(one, label) for one in known if one not in taken][:1]
    return [*map(named, names), *rest, Candidate(_unlike(_ANOTHER_OPERATION, [*names, *known]), "unknown operations")]


def _models(policy: CompiledPolicy, mention: Mention) -> list[Candidate]:
    document = policy.document
    texts = [
        *(one.model.removesuffix("*") for one in document.own_models),
        *(one.removesuffix("*") for one in document.allowed_models),
        *(one for one in mention.literals if isinstance(one, str)),
        *([_OF_THE_CATALOGUE] if policy.completion is not None else []),
    ]
    names = _first_of_each(texts, normal_model, _SHAPES[MODEL])
    return [*map(named, names), Candidate(_unlike(_ANOTHER_MODEL, names), "any other model")]


def _first_of_each(texts: Sequence[str], normal: Callable[[str], str], shape: re.Pattern[str]) -> list[str]:
    return list({normal(one): one for one in reversed(texts) if shape.fullmatch(one)}.values())[::-1]


def _unlike(text: str, others: Sequence[str]) -> str:
    """A text that has none of the others in it."""
    tries = (text, *(letter * 8 for letter in ascii_lowercase + digits))
    return next((one for one in tries if not any(other.lower() in one for other in others if other)), text)


def _likeness(policy: CompiledPolicy, fact: str, mention: Mention) -> Alike:
    """What two values must have in common to come out alike whatever else is sent."""
    if mention.is_compared_with_others:
        return lambda value: (type(value), value)
    judge = judge_of([RuleTrees((tree,), (), ()) for tree in mention.atoms], policy.facts)

    def of_rules(value: Any) -> Mapping[int, object]:
        if fact == MODEL:
            return judge(value, "", {})
        return judge("", value, {}) if fact == OPERATION else judge("", "", {fact: value})

    return lambda value: (tuple(sorted(of_rules(value))), _of_settings(policy, fact, value))


def _of_settings(policy: CompiledPolicy, fact: str, value: Any) -> Hashable:
    """Which of the settings a value meets."""
    required = policy.required
    if fact in _SWITCHED:
        return value is True
    if fact == DATASET_RECORD_COUNT:
        return bool(value >= policy.document.large_dataset_records)
    if fact == OPERATION:
        operation = normal_operation(value)
        narrowed = tuple(operation in one.operations for one in required)
        return operation in policy.denied_operations, operation in policy.known_operations, narrowed
    if fact == MODEL:
        model = normal_model(value)
        is_allowed = model in policy.allowed_models or model.startswith(policy.allowed_beginnings)
        known = policy.completion.known(value) if policy.completion is not None else None
        return is_allowed, known and (tuple(sorted(known.facts.items())), known.providers, known.is_own)
    if fact == APPLICATION:
        return tuple(value.lower() in one.applications for one in required)
    return None
