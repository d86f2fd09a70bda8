"""How each rule, and each of its conditions, comes out for one request. Imports no database."""

from collections.abc import Iterator
from typing import Any

import msgspec

from api.policies.compiled_rules import CompiledRule, context_of
from api.policies.compiling import programs_of
from api.policies.coverage import truth_of
from api.policies.evaluator import CheckFacts, CompiledPolicy, completed
from api.policies.rules import Rule

MOST_RULES = 100
_PARTS = ("all", "any", "none")


class ExplainedCondition(msgspec.Struct, frozen=True):
    """`truth` is None where a fact is missing that it needs."""

    part: str
    text: str
    truth: bool | None


class ExplainedRule(msgspec.Struct, frozen=True):
    rule: Rule
    truth: bool | None
    conditions: tuple[ExplainedCondition, ...]


def explained(policy: CompiledPolicy, request: CheckFacts) -> list[ExplainedRule]:
    """Of the first rules, whatever their state."""
    rules = programs_of(msgspec.structs.replace(policy.document, rules=policy.document.rules[:MOST_RULES]))
    facts = completed(policy, request)
    variables = rules.variables_of(facts.model, facts.operation, facts.metadata)
    context, stated = context_of(variables), frozenset(variables)
    return [
        ExplainedRule(one.rule, truth_of(one, context, stated), tuple(_conditions(one, context, stated)))
        for one in rules.rules
    ]


def _conditions(compiled: CompiledRule, context: Any, stated: frozenset[str]) -> Iterator[ExplainedCondition]:
    for part in _PARTS:
        for text, condition in zip(getattr(compiled.rule.when, part), getattr(compiled, part), strict=True):
            yield ExplainedCondition(part, text, truth_of(condition, context, stated))
