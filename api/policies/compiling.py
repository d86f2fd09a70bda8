"""From a policy document to what decides: the rules as trees where they can be, and by the CEL engine where not.

Imports no database.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from api.policies.compiled_rules import CompiledCondition, CompiledRule, compile_rule, context_of
from api.policies.conditions.translation import translated
from api.policies.document import PolicyDocument, facts_of, texts_of
from api.policies.evaluator import CompiledPolicy, policy_of
from api.policies.generated import SOURCE_OF
from api.policies.normal_forms import (
    NORMAL_MODEL,
    NORMAL_OPERATION,
    NORMAL_PII_TYPES,
    lowered,
    lowered_variable,
    normal_pii_types,
)
from api.policies.rule_set import FAILED, Judged, ReadyRule, RuleSet, Stated, rule_set_of
from api.policies.rules import Rule, RuleState
from api.policies.trees import FACT, KIND_OF, LOWERED, Beyond, Kind, RuleTrees, Source
from api.vocabulary import PII_TYPES, Fact, normal_model, normal_operation, variable_of

_WITH_CASE = frozenset({Kind.TEXT, Kind.TEXTS})
Value = Callable[[str, str, Stated], Any]


def compile_policy(organization_id: UUID, version: int, document: PolicyDocument) -> CompiledPolicy:
    """Raises ConditionRefused."""
    facts, texts = facts_of(document), texts_of(document)
    return policy_of(
        organization_id,
        version,
        document,
        enforced=_rule_set((rule for rule in document.rules if rule.state is RuleState.ENFORCED), facts, texts),
        on_trial=_rule_set((rule for rule in document.rules if rule.is_on_trial), facts, texts),
    )


def rule_set_over(document: PolicyDocument, rules: Iterable[Rule]) -> RuleSet:
    """Of some rules, over the document's facts. Raises ConditionRefused."""
    return _rule_set(rules, facts_of(document), texts_of(document))


def _rule_set(rules: Iterable[Rule], facts: Mapping[str, Fact], texts: frozenset[str] | None) -> RuleSet:
    """`texts` are the variables of facts that are compared in normal form."""
    compiled = tuple(compile_rule(rule, texts) for rule in rules)
    sources, groups = sources_of(facts), _groups(facts)
    ready = [
        ReadyRule(
            one.rule,
            _trees_of(one, sources),
            tuple(sorted(groups[variable] for variable in one.variables if variable in groups)),
        )
        for one in compiled
    ]
    return rule_set_of(ready, facts, RulePrograms(compiled, facts))


class RulePrograms:
    """Rules as programs of the CEL engine: for what their trees leave open, and to look at conditions one by one."""

    def __init__(self, rules: Sequence[CompiledRule], facts: Mapping[str, Fact]) -> None:
        self.rules = rules
        needed = {variable for rule in rules for variable in rule.variables}
        self._values = {name: value for name, value in _values(facts).items() if name in needed}

    def __call__(self, indexes: Sequence[int], model: str, operation: str, stated: Stated) -> dict[int, Judged]:
        variables = self.variables_of(model, operation, stated)
        context, known = context_of(variables), frozenset(variables)
        return {index: _truth_of(self.rules[index], context, known) for index in indexes}

    def variables_of(self, model: str, operation: str, stated: Stated) -> dict[str, Any]:
        """What the conditions need of what the request states."""
        values = {name: value_of(model, operation, stated) for name, value_of in self._values.items()}
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in values.items()
            if value is not None
        }


def programs_of(document: PolicyDocument) -> RulePrograms:
    """All of its rules, whatever their state. Raises ConditionRefused."""
    texts = texts_of(document)
    return RulePrograms([compile_rule(rule, texts) for rule in document.rules], facts_of(document))


def _values(facts: Mapping[str, Fact]) -> dict[str, Value]:
    """How each variable that a condition may name is read from a request; None where it is not stated."""
    values: dict[str, Value] = {
        "model": lambda model, _operation, _stated: model,
        "operation": lambda _model, operation, _stated: operation,
        NORMAL_MODEL: lambda model, _operation, _stated: normal_model(model),
        NORMAL_OPERATION: lambda _model, operation, _stated: normal_operation(operation),
        NORMAL_PII_TYPES: lambda _model, _operation, stated: _kinds(stated),
    }
    for variable, names in _groups(facts).items():
        if variable not in values:
            values[variable] = _reading(names, is_lowered=variable != variable.lower())
    return values


def _reading(names: Sequence[str], *, is_lowered: bool) -> Value:
    def read(_model: str, _operation: str, stated: Stated) -> Any:
        value = next((stated[name] for name in reversed(names) if name in stated), None)
        return lowered(value) if is_lowered else value

    return read


def _kinds(stated: Stated) -> tuple[str, ...] | None:
    kinds = stated.get(PII_TYPES)
    return normal_pii_types(kinds) if isinstance(kinds, tuple) else None


def _groups(facts: Mapping[str, Fact]) -> dict[str, tuple[str, ...]]:
    """The names of facts behind each variable; two names that differ in dots alone share one."""
    groups: dict[str, tuple[str, ...]] = {}
    for name in facts:
        for variable in (variable_of(name), lowered_variable(variable_of(name))):
            groups[variable] = (*groups.get(variable, ()), name)
    return groups


def sources_of(facts: Mapping[str, Fact]) -> dict[str, tuple[Kind, Source]]:
    """What conditions may name where they are trees: nothing that could be two facts."""
    counts = Counter([*map(variable_of, facts), *SOURCE_OF])
    sources = {name: source for name, source in SOURCE_OF.items() if counts[name] == 1}
    for name, fact in facts.items():
        variable, kind = variable_of(name), KIND_OF[fact.type]
        if counts[variable] > 1:
            continue
        sources[variable] = kind, (FACT, name)
        if kind in _WITH_CASE and lowered_variable(variable) not in SOURCE_OF:
            sources[lowered_variable(variable)] = kind, (LOWERED, name)
    return sources


def _trees_of(rule: CompiledRule, sources: Mapping[str, tuple[Kind, Source]]) -> RuleTrees | None:
    def trees(conditions: Sequence[CompiledCondition]) -> tuple[Any, ...]:
        return tuple(translated(condition.text, sources) for condition in conditions)

    try:
        return RuleTrees(trees(rule.all), trees(rule.any), trees(rule.none))
    except Beyond:
        return None


def _truth_of(compiled: CompiledRule, context: Any, known: frozenset[str]) -> Judged:
    """The rule says what a condition that fails does: an error never lets an operation through in silence."""
    try:
        return compiled.truth(context, known)
    except Exception:  # noqa: BLE001  whatever the engine raises
        return FAILED
