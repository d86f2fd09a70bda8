"""What policies must fulfil to be kept: types and bounds, names that cannot be confused, rules that compile."""

from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from typing import Any

import msgspec

from api.content.refusal import is_content
from api.model_catalogue.entries import OwnModel
from api.policies.bounds import faults_of_size
from api.policies.compiled_rules import ConditionRefused, compile_rule
from api.policies.conditions.checking import Ground, check_condition, ground_of
from api.policies.document import PolicyDocument, facts_of, field_type, texts_of
from api.policies.facts import read_question
from api.policies.fail_modes import OnUnreachable
from api.policies.policy_tests import MAX_TEST_CHARACTERS
from api.policies.rules import Rule
from api.strict_json import MAX_NAMED
from api.vocabulary import ALIASES, BUILT_IN, REQUEST_ALIASES, FactType, normal_model, normal_operation, variable_of
from core.errors import FieldProblem, InvalidRequest, fault_of
from core.names import NOTHING_TO_SEE, typable
from core.spelling import nearest

PathOf = Callable[[str], str]
"""How a refusal names a policy: by its own key, or by the field of a request that carries its value."""

_ON_MISSING = "Choose what happens if a fact that the conditions need is not sent: block or skip."


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
        _check(changed, document, lambda key: path_of(key) if key in values else key)
    return changed


def need_on_missing(document: PolicyDocument, values: Mapping[str, Any], *, path_of: PathOf) -> None:
    """Raises InvalidRequest for a rule that leaves open what a missing fact does, unless the document has it so."""
    kept, rules = frozenset(document.rules), values.get("rules")
    if not isinstance(rules, list):
        return
    problems = []
    for index, rule in enumerate(rules):
        if isinstance(rule, dict) and "on_missing" not in rule and not _is_kept(rule, kept):
            problems.append(FieldProblem(f"{path_of('rules')}[{index}].on_missing", "missing", _ON_MISSING))
    if problems:
        raise InvalidRequest(errors=tuple(problems[:MAX_NAMED]))


def _is_kept(rule: Mapping[str, Any], kept: frozenset[Rule]) -> bool:
    try:
        return msgspec.convert(rule, Rule) in kept
    except msgspec.ValidationError:
        return True  # it is refused for what is wrong with it


def _check(document: PolicyDocument, before: PolicyDocument, path_of: PathOf) -> None:
    path = path_of("rules")
    if document.rules != before.rules:
        too_large = tuple(islice(faults_of_size(document.rules, path), MAX_NAMED))
        if too_large:
            raise InvalidRequest(errors=too_large)
    problems = _faults_of_names(document.custom_facts, before.custom_facts, path_of("custom_facts"))
    problems += _faults_of_rules(document, before, path)
    problems += _faults_of_required(document, path_of("required_facts"))
    problems += _faults_of_fail_modes(document.on_unreachable, path_of("on_unreachable"))
    problems += _faults_of_models(document.own_models, path_of("own_models"))
    problems += _faults_of_tests(document, path_of("tests"))
    if len({rule.code for rule in document.rules}) < len(document.rules):
        problems.append(FieldProblem(path, "code_taken", "Each rule needs a unique code."))
    if problems:
        raise InvalidRequest(errors=tuple(problems))


def _faults_of_rules(document: PolicyDocument, before: PolicyDocument, path: str) -> list[FieldProblem]:
    """What was in force stays allowed, as long as it works; where it does not, the fault names the rule."""
    ground, kept = ground_of(document), frozenset(before.rules)
    has_same_facts = document.custom_facts == before.custom_facts and ground.texts == texts_of(before)
    problems = []
    for index, rule in enumerate(document.rules):
        place = f"{path}[{index}]"
        found = [] if rule in kept and has_same_facts else _faults_of_rule(rule, place, ground)
        found = found or _faults_of_compiling(rule, place, ground.texts)
        if rule in kept:
            found = [
                FieldProblem(fault.path, fault.code, f"Rule {rule.code}: {fault.detail} Change this rule or remove it.")
                for fault in found
            ]
        problems += found
    return problems


def _faults_of_compiling(rule: Rule, path: str, texts: frozenset[str] | None) -> list[FieldProblem]:
    try:
        compile_rule(rule, texts)
    except ConditionRefused as refused:
        return [FieldProblem(f"{path}.when", "condition_refused", str(refused))]
    return []


def _faults_of_names(
    custom_facts: Mapping[str, FactType], before: Mapping[str, FactType], path: str
) -> list[FieldProblem]:
    """Two facts whose names differ only in dots and underscores would be one variable in a condition.

    One that was there before a fact of ours took its name goes on.
    """
    taken = {variable_of(name) for name in (*BUILT_IN, *ALIASES, "model", "operation") if name not in REQUEST_ALIASES}
    problems = []
    for name, kind in custom_facts.items():
        if variable_of(name) in taken and not (name in BUILT_IN and before.get(name) is kind):
            problems.append(
                FieldProblem(f"{path}.{name}", "name_taken", "A fact with this or a very similar name already exists.")
            )
        if is_content(name, 0 if kind in {FactType.INTEGER, FactType.NUMBER} else ""):
            detail = "This name is reserved for content, which is never accepted. Choose another name."
            problems.append(FieldProblem(f"{path}.{name}", "content_refused", detail))
        taken.add(variable_of(name))
    return problems


def _faults_of_required(document: PolicyDocument, path: str) -> list[FieldProblem]:
    facts = facts_of(document)
    problems = []
    for index, one in enumerate(document.required_facts):
        if one.fact not in facts:
            near = nearest(one.fact, facts)
            hint = f" Did you mean {near}?" if near else " Declare it under custom_facts."
            problems.append(FieldProblem(f"{path}[{index}].fact", "unknown_fact", f"Unknown fact.{hint}", near))
        if document.required_facts.index(one) != index:
            problems.append(FieldProblem(f"{path}[{index}]", "repeated", "This is required already."))
    return problems


def _faults_of_fail_modes(declared: Sequence[OnUnreachable], path: str) -> list[FieldProblem]:
    """One mode for each operation, and one for the others."""
    seen: set[str] = set()
    problems = []
    for index, one in enumerate(declared):
        if not one.operations and any(not other.operations for other in declared[:index]):
            detail = "Only one entry can be for all other operations. Name the operations of this one."
            problems.append(FieldProblem(f"{path}[{index}].operations", "repeated", detail))
        for place, name in enumerate(one.operations):
            if normal_operation(name) in seen:
                detail = f"{name} has a mode already. Name each operation once."
                problems.append(FieldProblem(f"{path}[{index}].operations[{place}]", "repeated", detail))
            seen.add(normal_operation(name))
    return problems


def _faults_of_models(own: Sequence[OwnModel], path: str) -> list[FieldProblem]:
    seen: set[str] = set()
    problems = []
    for index, one in enumerate(own):
        if normal_model(one.model) in seen:
            problems.append(FieldProblem(f"{path}[{index}].model", "repeated", "Describe each model once."))
        seen.add(normal_model(one.model))
    return problems


def _faults_of_tests(document: PolicyDocument, path: str) -> list[FieldProblem]:
    """Their requests are read as those of a check, so that no content is kept in them either."""
    if len(msgspec.json.encode(document.tests)) > MAX_TEST_CHARACTERS:
        detail = f"All tests together can have at most {MAX_TEST_CHARACTERS} characters."
        return [FieldProblem(path, "too_large", detail)]
    facts, names = facts_of(document), set[str]()
    problems = []
    for index, test in enumerate(document.tests):
        place = f"{path}[{index}]"
        if not typable(test.name, otherwise=""):
            problems.append(FieldProblem(f"{place}.name", "nothing_to_see", NOTHING_TO_SEE))
        if test.name in names:
            problems.append(FieldProblem(f"{place}.name", "repeated", "Each test needs a unique name."))
        names.add(test.name)
        try:
            read_question(msgspec.to_builtins(test.request), facts)
        except InvalidRequest as refused:
            problems += [msgspec.structs.replace(one, path=f"{place}.request.{one.path}") for one in refused.errors]
    return problems[:MAX_NAMED]


def _tidy(value: Any) -> Any:
    """Rules with sentences that can be read: what cannot be seen is dropped."""
    if not (isinstance(value, tuple) and value and isinstance(value[0], Rule)):
        return value
    return tuple(
        msgspec.structs.replace(rule, message=typable(rule.message, otherwise=""), fix=typable(rule.fix, otherwise=""))
        for rule in value
    )


def _faults_of_rule(rule: Rule, path: str, ground: Ground) -> list[FieldProblem]:
    if not rule.message:
        return [FieldProblem(f"{path}.message", "nothing_to_see", NOTHING_TO_SEE)]
    if not rule.when.conditions:
        return [FieldProblem(f"{path}.when", "no_condition", "Enter at least one condition.")]
    problems = []
    for part in ("all", "any", "none"):
        for index, condition in enumerate(getattr(rule.when, part)):
            try:
                check_condition(condition, ground)
            except ConditionRefused as refused:
                place = f"{path}.when.{part}[{index}]"
                problems.append(FieldProblem(place, "condition_refused", str(refused), refused.suggestion))
    return problems
