"""What a caller may choose to do otherwise, with the values that a policy suggests. Imports no database."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from api.model_catalogue.derivation import DERIVED_FACTS
from api.policies.evaluator import CheckFacts, CompiledPolicy
from api.vocabulary import (
    DATASET_RECORD_COUNT,
    IS_EXTERNAL_MODEL,
    IS_LARGE_DATASET,
    MODEL_REGION,
    FactType,
    normal_model,
    variable_of,
)

MOST_MODELS = 30
MOST_VALUES = 10
_REVIEW, _AUTOMATED = "is_human_reviewed", "is_automated_decision"
_SIZES = (
    DATASET_RECORD_COUNT,
    "gen_ai.request.max_tokens",
    "gen_ai.request.choice.count",
    "gen_ai.usage.input_tokens",
    "gen_ai.usage.output_tokens",
    "message_count",
    "tool_count",
)
_TEXTS = re.compile(r"\"([^\"\\\n*]+)\"|'([^'\\\n*]+)'")
_NUMBERS = re.compile(r"(?<![\w.])\d{1,15}(?![\w.])")


class Choice(msgspec.Struct, frozen=True):
    """One thing done otherwise. Two of the same thing (`of`) exclude each other."""

    of: str
    changes: Mapping[str, Any]
    advice: str


def choices_of(policy: CompiledPolicy, request: CheckFacts) -> tuple[Choice, ...]:
    """The least trouble first."""
    return (*_review(request), *_sizes(policy, request), *_regions(policy, request), *_models(policy, request))


def _review(request: CheckFacts) -> Iterator[Choice]:
    changes = {} if request.metadata.get(_REVIEW) is True else {_REVIEW: True}
    if request.metadata.get(_AUTOMATED) is True:
        changes[_AUTOMATED] = False
    if changes:
        yield Choice("review", changes, "Let a person review the result before it is used.")


def _sizes(policy: CompiledPolicy, request: CheckFacts) -> Iterator[Choice]:
    stated = request.metadata
    limit = policy.document.large_dataset_records
    for fact in _SIZES:
        bounds = sorted(_numbers_beside(policy, fact) | ({limit} if fact == DATASET_RECORD_COUNT else set()))
        now = stated.get(fact)
        for value in sorted({one for bound in bounds for one in (bound, bound - 1)}, reverse=True)[:MOST_VALUES]:
            if value > 0 and isinstance(now, int) and value < now:
                also = {IS_LARGE_DATASET: False} if fact == DATASET_RECORD_COUNT and value < limit else {}
                also = also if stated.get(IS_LARGE_DATASET) is True else {}
                yield Choice(fact, {fact: value, **also}, f"Keep {fact} at {value} or below.")
    if stated.get(IS_LARGE_DATASET) is True and DATASET_RECORD_COUNT not in stated and limit > 1:
        changes = {IS_LARGE_DATASET: False, DATASET_RECORD_COUNT: limit - 1}
        yield Choice(DATASET_RECORD_COUNT, changes, f"Send fewer than {limit} records at once.")


def _regions(policy: CompiledPolicy, request: CheckFacts) -> Iterator[Choice]:
    """Those that rules name, and where the data is; not where the model's name says where it runs."""
    if policy.completion is not None and MODEL_REGION in policy.completion.known(request.model).facts:
        return
    data_region = request.metadata.get("data_region")
    named = [*([data_region] if isinstance(data_region, str) else []), *sorted(_texts_beside(policy, MODEL_REGION))]
    for region in list(dict.fromkeys(named))[:MOST_VALUES]:
        if region != request.metadata.get(MODEL_REGION):
            yield Choice("model", {MODEL_REGION: region}, f"Run the model in {region}.")


def _models(policy: CompiledPolicy, request: CheckFacts) -> Iterator[Choice]:
    """Models that the policies name; and any of one's own, where it is not known otherwise of the one in use."""
    document = policy.document
    own = [one.model for one in sorted(document.own_models, key=lambda one: one.is_external is not False)]
    names = [name for name in (*own, *document.allowed_models) if not name.endswith("*")]
    for name in list(dict.fromkeys(names))[:MOST_MODELS]:
        if normal_model(name) != normal_model(request.model):
            yield Choice("model", {"model": name, **_facts_of_model(policy, request, name)}, f"Use the model {name}.")
    known = policy.completion.known(request.model).facts if policy.completion else {}
    if request.metadata.get(IS_EXTERNAL_MODEL) is True and not known.get(IS_EXTERNAL_MODEL):
        yield Choice("model", {IS_EXTERNAL_MODEL: False}, "Use a model that runs in your own systems.")


def _facts_of_model(policy: CompiledPolicy, request: CheckFacts, model: str) -> dict[str, Any]:
    """What would have to be sent of another model instead of what was sent of this one."""
    known = policy.completion.known(model).facts if policy.completion else {}
    return {
        fact: known[fact]
        for fact in DERIVED_FACTS
        if fact in known and fact in request.metadata and request.metadata[fact] != known[fact]
    }


def _conditions_with(policy: CompiledPolicy, fact: str) -> Iterator[str]:
    word = re.compile(rf"\b{variable_of(fact)}\b")
    for rule in policy.document.rules:
        yield from (condition for condition in rule.when.conditions if word.search(condition))


def _texts_beside(policy: CompiledPolicy, fact: str) -> set[str]:
    if policy.facts[fact].type is not FactType.TOKEN:
        return set()
    conditions = _conditions_with(policy, fact)
    return {found[1] or found[2] for condition in conditions for found in _TEXTS.finditer(condition)}


def _numbers_beside(policy: CompiledPolicy, fact: str) -> set[int]:
    return {int(one) for condition in _conditions_with(policy, fact) for one in _NUMBERS.findall(condition)}
