"""Rules as programs of the CEL engine. Conditions are in a narrow profile, joined by all, any or none.

Narrow on purpose, so that every condition ends at once and cannot fail in silence: no macros, no regular expressions,
no arithmetic; variables only from the vocabulary. A condition over a fact that the request does not state is unknown,
and the rule says what then (`on_missing`). Imports no database.
"""

from functools import lru_cache
from typing import Any

import msgspec

from api.policies.conditions.hints import not_valid
from api.policies.engine import cel
from api.policies.rules import Rule, When
from api.policies.spelling import normalized
from api.policies.trees import joined_truth


class ConditionRefused(ValueError):
    """Says what is wrong with a condition and how to put it right."""

    def __init__(self, detail: str, suggestion: str | None = None) -> None:
        super().__init__(detail)
        self.suggestion = suggestion


class CompiledCondition(msgspec.Struct, frozen=True):
    text: str
    program: Any
    variables: frozenset[str]

    def truth(self, context: Any, stated: frozenset[str]) -> bool | None:
        """True, false, or None where the request does not state a fact that it needs."""
        if not self.variables <= stated:
            return None
        return self.program.execute(context) is True


class CompiledRule(msgspec.Struct, frozen=True):
    """`whole` is the rule as one program, for requests that state every fact it needs; the parts are for the others."""

    rule: Rule
    whole: CompiledCondition
    all: tuple[CompiledCondition, ...]
    any: tuple[CompiledCondition, ...]
    none: tuple[CompiledCondition, ...]

    @property
    def variables(self) -> frozenset[str]:
        """Every variable that its conditions name."""
        return self.whole.variables

    def truth(self, context: Any, stated: frozenset[str]) -> bool | None:
        """Kleene's three-valued conjunction of the three parts."""
        truth = self.whole.truth(context, stated)
        return self._truth_of_parts(context, stated) if truth is None else truth

    def _truth_of_parts(self, context: Any, stated: frozenset[str]) -> bool | None:
        return joined_truth(
            [condition.truth(context, stated) for condition in self.all],
            [condition.truth(context, stated) for condition in self.any],
            [condition.truth(context, stated) for condition in self.none],
        )


def context_of(variables: dict[str, Any]) -> Any:
    return cel.Context(variables)


@lru_cache(maxsize=2048)
def compile_rule(rule: Rule, texts: frozenset[str] | None = None) -> CompiledRule:
    """`texts` as for `normalized`. Raises ConditionRefused for a condition that does not parse."""
    parts = (rule.when.all, rule.when.any, rule.when.none)
    when = When(*(tuple(normalized(condition, texts) for condition in part) for part in parts))
    return CompiledRule(
        rule=rule,
        all=tuple(map(compile_condition, when.all)),
        any=tuple(map(compile_condition, when.any)),
        none=tuple(map(compile_condition, when.none)),
        whole=compile_condition(_whole(when)),
    )


def _whole(when: When) -> str:
    """The three parts as one condition. Each ends its line, so that a comment in it cannot reach further."""
    parts = [f"({condition}\n)" for condition in when.all]
    if when.any:
        parts.append("(" + " || ".join(f"({condition}\n)" for condition in when.any) + ")")
    parts += [f"!({condition}\n)" for condition in when.none]
    return " && ".join(parts) or "true"


def compile_condition(condition: str) -> CompiledCondition:
    try:
        program = cel.compile(condition)
    except ValueError as error:
        raise ConditionRefused(not_valid(condition, str(error))) from error
    return CompiledCondition(text=condition, program=program, variables=frozenset(program.variables()))
