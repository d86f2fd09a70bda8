"""What policies must fulfil to be kept: types and bounds, names that cannot be confused, rules that compile."""

from collections.abc import Callable, Mapping
from itertools import islice
from typing import Any
from uuid import UUID

import msgspec

from api.checks.content import is_content
from api.policies.bounds import faults_of_size
from api.policies.document import PolicyDocument, field_type
from api.policies.evaluator import compile_policy
from api.policies.rules import ConditionRefused, Rule, check_condition, example_context
from api.policies.vocabulary import ALIASES, BUILT_IN, REQUEST_ALIASES, FactType, variable_of
from api.strict_json import MAX_NAMED
from core.errors import FieldProblem, InvalidRequest, fault_of
from core.names import NOTHING_TO_SEE, typable

PathOf = Callable[[str], str]
"""How a refusal names a policy: by its own key, or by the field of a request that carries its value."""

_EXAMPLES: Mapping[FactType, Any] = {
    FactType.BOOLEAN: True,
    FactType.INTEGER: 1,
    FactType.NUMBER: 0.5,
    FactType.TOKEN: "example",
    FactType.TOKENS: ["example"],
}


def with_values(document: PolicyDocument, values: Mapping[str, Any], *, path_of: PathOf) -> PolicyDocument:
    """The document with these policies set, checked as a whole. Raises InvalidRequest naming each one at fault."""
    typed, problems = {}, []
    for key, value in values.items():
        try:
            typed[key] = _tidy(msgspec.convert(value, field_type(key)))
        except msgspec.ValidationError as error:
            problems.append(fault_of(error, within=path_of(key)))
    if problems:
        raise InvalidRequest(errors=tuple(problems))
    changed = msgspec.structs.replace(document, **typed)
    if changed != document:
        _check(changed, path_of)
    return changed


def _check(document: PolicyDocument, path_of: PathOf) -> None:
    rules_path = path_of("rules")
    too_large = tuple(islice(faults_of_size(document.rules, rules_path), MAX_NAMED))
    if too_large:
        raise InvalidRequest(errors=too_large)
    problems = _faults_of_names(document.custom_facts, path_of("custom_facts"))
    examples = _example_facts(document)
    for index, rule in enumerate(document.rules):
        problems += _faults_of_rule(rule, f"{rules_path}[{index}]", examples)
    if len({rule.code for rule in document.rules}) < len(document.rules):
        problems.append(FieldProblem(rules_path, "code_taken", "Give every rule a code of its own."))
    if problems:
        raise InvalidRequest(errors=tuple(problems))
    try:
        compile_policy(UUID(int=0), 0, document)
    except ConditionRefused as refused:
        raise InvalidRequest(errors=(FieldProblem(rules_path, "condition_refused", str(refused)),)) from refused


def _faults_of_names(custom_facts: Mapping[str, FactType], path: str) -> list[FieldProblem]:
    """Two facts whose names differ only in dots and underscores would be one variable in a condition."""
    taken = {variable_of(name) for name in (*BUILT_IN, *ALIASES, "model", "operation") if name not in REQUEST_ALIASES}
    problems = []
    for name, kind in custom_facts.items():
        if variable_of(name) in taken:
            problems.append(
                FieldProblem(f"{path}.{name}", "name_taken", "A fact of this name, or nearly, exists already.")
            )
        if is_content(name, 0 if kind in {FactType.INTEGER, FactType.NUMBER} else ""):
            detail = "This name is one for content, which is never accepted; choose another."
            problems.append(FieldProblem(f"{path}.{name}", "content_refused", detail))
        taken.add(variable_of(name))
    return problems


def _tidy(value: Any) -> Any:
    """Rules with sentences that can be read: what cannot be seen is dropped."""
    if not (isinstance(value, tuple) and value and isinstance(value[0], Rule)):
        return value
    return tuple(
        msgspec.structs.replace(rule, message=typable(rule.message, otherwise=""), fix=typable(rule.fix, otherwise=""))
        for rule in value
    )


def _faults_of_rule(rule: Rule, path: str, examples: Mapping[str, Any]) -> list[FieldProblem]:
    if not rule.message:
        return [FieldProblem(f"{path}.message", "nothing_to_see", NOTHING_TO_SEE)]
    if not rule.when.conditions:
        return [FieldProblem(f"{path}.when", "no_condition", "Give at least one condition.")]
    problems = []
    for part in ("all", "any", "none"):
        for index, condition in enumerate(getattr(rule.when, part)):
            try:
                check_condition(condition, examples=examples)
            except ConditionRefused as refused:
                problems.append(FieldProblem(f"{path}.when.{part}[{index}]", "condition_refused", str(refused)))
    return problems


def _example_facts(document: PolicyDocument) -> dict[str, Any]:
    built_in = {name: fact.choices[0] if fact.choices else _EXAMPLES[fact.type] for name, fact in BUILT_IN.items()}
    custom = {name: _EXAMPLES[kind] for name, kind in document.custom_facts.items()}
    return example_context({**built_in, **custom, "model": "example", "operation": "chat"})
