"""Some rules of a policy version, compiled together: which of them apply to a request. Imports no database."""

from collections.abc import Iterable, Mapping
from typing import Any, cast

import msgspec

from api import vocabulary
from api.policies.contribution import Contribution
from api.policies.generated import ASK, Judge, Truth, cost_of, judge_of
from api.policies.rules import CompiledRule, OnMissing, Rule, RuleEffect, compile_rule, context_of
from api.policies.spelling import (
    NORMAL_MODEL,
    NORMAL_OPERATION,
    NORMAL_PII_TYPES,
    lowered,
    lowered_variable,
    normal_forms,
    normal_pii_types,
)
from api.vocabulary import Fact, variable_of

Stated = Mapping[str, Any]
"""Typed facts under their canonical names."""

_NAMES = ("model", "operation", NORMAL_MODEL, NORMAL_OPERATION, NORMAL_PII_TYPES)


class RuleSet(msgspec.Struct, frozen=True):
    rules: tuple[CompiledRule, ...]
    variables: Mapping[str, str]
    """How the conditions name the facts they need, by the facts' names."""
    lowered: Mapping[str, str]
    """The same of those that they need in normal form."""
    judge: Judge
    """The rules that were translated, as one function."""
    cost: int
    """How much work a judgment is, in rules."""

    def causes(self, model: str, operation: str, stated: Stated) -> list[Contribution]:
        """Of the rules that apply, in the order of the rules."""
        if not self.rules:
            return []
        found = self.judge(model, operation, stated)
        if not found:
            return []
        known: frozenset[str] | None = None
        causes = []
        for index, truth in sorted(self._settled(found, model, operation, stated).items()):
            compiled = self.rules[index]
            if truth is False or (truth is None and compiled.rule.on_missing is OnMissing.SKIP):
                continue
            if truth is None and known is None:
                known = frozenset(self._variables(model, operation, stated))
            missing = None if truth is not None else self._named(compiled.variables - (known or frozenset()))
            causes.append(_cause(compiled, missing))
        return causes

    def _named(self, variables: frozenset[str]) -> str:
        """As a caller sends them, who knows no variables."""
        names = {variable: name for known in (self.lowered, self.variables) for name, variable in known.items()}
        sent = {names.get(variable, variable).lower() for variable in variables}
        return ", ".join(sorted(sent)) or "facts of the declared types"

    def _settled(
        self, found: Mapping[int, Truth], model: str, operation: str, stated: Stated
    ) -> Mapping[int, bool | None]:
        """The engine says what the translated rules leave open."""
        if ASK not in found.values():
            return cast("Mapping[int, bool | None]", found)
        variables = self._variables(model, operation, stated)
        context, known = context_of(variables), frozenset(variables)
        return {
            index: _truth_of(self.rules[index], context, known) if truth is ASK else truth
            for index, truth in found.items()
        }

    def _variables(self, model: str, operation: str, stated: Stated) -> dict[str, Any]:
        """What the conditions need of what the request states."""
        values = {"model": model, "operation": operation, **normal_forms(model=model, operation=operation), **stated}
        kinds = stated.get(vocabulary.PII_TYPES)
        if isinstance(kinds, tuple):
            values[NORMAL_PII_TYPES] = normal_pii_types(kinds)
        variables = {variable: values[name] for name, variable in self.variables.items() if name in values}
        variables |= {variable: lowered(stated[name]) for name, variable in self.lowered.items() if name in stated}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in variables.items()}


def rule_set_of(rules: Iterable[Rule], facts: Mapping[str, Fact], texts: frozenset[str] | None) -> RuleSet:
    """`texts` are the variables of facts that are compared in normal form. Raises ConditionRefused."""
    compiled = tuple(compile_rule(rule, texts) for rule in rules)
    needed = {variable for rule in compiled for variable in rule.variables}
    judge = judge_of(compiled, facts)
    return RuleSet(
        rules=compiled,
        variables={name: variable_of(name) for name in (*_NAMES, *facts) if variable_of(name) in needed},
        lowered={name: variable for name in facts if (variable := _lowered_variable(name)) in needed},
        judge=judge,
        cost=cost_of(judge, compiled),
    )


def _lowered_variable(name: str) -> str:
    """Empty for what has a normal form of its own."""
    variable = lowered_variable(variable_of(name))
    return "" if variable in _NAMES else variable


def _cause(compiled: CompiledRule, missing: str | None) -> Contribution:
    """`missing` names the facts without which nobody knows whether the rule applies."""
    rule, is_unknown = compiled.rule, missing is not None
    return Contribution(
        code=rule.code,
        policy="rules",
        points=rule.points,
        blocks=is_unknown or rule.effect is RuleEffect.BLOCK,
        message=f"{rule.message} (A fact that this rule needs is missing.)" if is_unknown else rule.message,
        fix=f"Send {missing}." if is_unknown else rule.fix,
    )


def _truth_of(compiled: CompiledRule, context: Any, known: frozenset[str]) -> bool | None:
    """A condition that fails counts as unknown: an error never lets an operation through in silence."""
    try:
        return compiled.truth(context, known)
    except Exception:  # noqa: BLE001  whatever the engine raises
        return None
