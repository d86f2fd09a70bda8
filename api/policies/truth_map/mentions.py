"""What the policies say about each fact: how much depends on it, and what it is compared with. Imports no database."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from api.model_catalogue.derivation import DERIVED_FACTS
from api.policies.compiled_rules import CompiledCondition, CompiledRule, compile_rule
from api.policies.compiling import sources_of
from api.policies.conditions.syntax import Call, Joined, Literal, Name, Node, Not, NotPlain, nodes_of, parsed
from api.policies.conditions.translation import tree_of
from api.policies.document import texts_of
from api.policies.evaluator import CompiledPolicy
from api.policies.required_facts import APPLICATION
from api.policies.rules import RuleEffect, RuleState
from api.policies.trees import Beyond, Tree
from api.vocabulary import (
    CONTAINS_PERSONAL_DATA,
    DATASET_RECORD_COUNT,
    IS_EXTERNAL_MODEL,
    IS_LARGE_DATASET,
    variable_of,
)

MODEL, OPERATION = "model", "operation"
HARD, SOFT = 2, 1
"""How much a fact matters to what blocks by itself, and to what adds points."""
_TEXTS = re.compile(r"\"([^\"\\\n]*)\"|'([^'\\\n]*)'")
_NUMBERS = re.compile(r"(?<![\w.])\d{1,15}(?:\.\d{1,15})?(?![\w.])")


class Mention(msgspec.Struct):
    """Of one fact. `literals` are what rules compare it with; of texts and lists, numbers are lengths."""

    weight: int = 0
    literals: list[Any] = []
    atoms: list[Tree] = []
    """Comparisons of this fact alone."""
    is_compared_with_others: bool = False
    """Then no two of its values are known to come out alike."""
    is_missed: bool = False
    """Whether it makes a difference that the fact is not sent at all."""


def mentions_of(policy: CompiledPolicy) -> Mapping[str, Mention]:
    """By the names of the facts; `model` and `operation` among them."""
    found: defaultdict[str, Mention] = defaultdict(Mention)
    for fact, weight in _of_settings(policy):
        found[fact].weight += weight
    for required in policy.document.required_facts:
        found[required.fact].weight += HARD
        found[required.fact].is_missed = True
        for name, narrowed in ((OPERATION, required.operations), (APPLICATION, required.applications)):
            if narrowed:
                found[name].weight += SOFT
                found[name].literals += narrowed
    if policy.completion is not None and found.keys() & set(DERIVED_FACTS):
        found[MODEL].weight += SOFT
        for fact in found.keys() & set(DERIVED_FACTS):
            found[fact].is_missed = found[fact].is_compared_with_others = True
    reader = _Reader(policy, found)
    for rule in policy.document.rules:
        if rule.state is not RuleState.OFF:
            reader.read(compile_rule(rule, texts_of(policy.document)))
    return {name: mention for name, mention in found.items() if mention.weight}


def facts_of_rule(policy: CompiledPolicy, code: str) -> set[str]:
    """Those that its conditions name."""
    names = _names_by_variable(policy)
    rules = (rule for rule in policy.document.rules if rule.code == code)
    compiled = (compile_rule(rule, texts_of(policy.document)) for rule in rules)
    return {names[variable.lower()] for one in compiled for variable in one.variables if variable.lower() in names}


def _of_settings(policy: CompiledPolicy) -> Iterator[tuple[str, int]]:
    document = policy.document
    counts_off = document.count_points_when_off
    if document.block_personal_data or (counts_off and document.points_personal_data):
        yield CONTAINS_PERSONAL_DATA, HARD if document.block_personal_data else SOFT
    if document.block_external_models or (counts_off and document.points_external_model):
        yield IS_EXTERNAL_MODEL, HARD if document.block_external_models else SOFT
    if document.points_large_dataset:
        yield IS_LARGE_DATASET, SOFT
        yield DATASET_RECORD_COUNT, SOFT
    if document.denied_operations:
        yield OPERATION, HARD
    if document.points_unknown_operation:
        yield OPERATION, SOFT
    if document.allowed_models:
        yield MODEL, HARD


def _names_by_variable(policy: CompiledPolicy) -> Mapping[str, str]:
    """Of two facts that share a variable, the one that goes first where both are sent."""
    return {variable_of(name): name for name in (*policy.facts, MODEL, OPERATION)}


class _Reader:
    """Reads conditions in normal form, as they are judged."""

    def __init__(self, policy: CompiledPolicy, found: defaultdict[str, Mention]) -> None:
        self._found = found
        self._names = _names_by_variable(policy)
        self._sources = sources_of(policy.facts)

    def read(self, rule: CompiledRule) -> None:
        weight = HARD if rule.rule.effect is RuleEffect.BLOCK else SOFT
        for name in self._named(rule.variables):
            self._found[name].weight += weight
            self._found[name].is_missed = True
        for condition in (*rule.all, *rule.any, *rule.none):
            try:
                self._read_plain(parsed(condition.text))
            except NotPlain:
                self._read_beyond(condition)

    def _read_plain(self, node: Node) -> None:
        match node:
            case Joined(parts=parts):
                for part in parts:
                    self._read_plain(part)
            case Not(operand=operand):
                self._read_plain(operand)
            case _:
                self._read_atom(node)

    def _read_atom(self, node: Node) -> None:
        nodes = list(nodes_of(node))
        names = self._named({one.text for one in nodes if isinstance(one, Name)})
        literals = [one for one in nodes if isinstance(one, Literal)]
        for name in names:
            mention = self._found[name]
            mention.literals += [_possible(node, one) for one in literals]
            try:
                if len(names) == 1:
                    mention.atoms.append(tree_of(node, self._sources))
            except Beyond:
                mention.is_compared_with_others = True
            mention.is_compared_with_others |= len(names) > 1

    def _read_beyond(self, condition: CompiledCondition) -> None:
        """Of what only the engine understands, whatever stands in it."""
        texts = [found[1] or found[2] or "" for found in _TEXTS.finditer(condition.text)]
        numbers = [float(one) if "." in one else int(one) for one in _NUMBERS.findall(_TEXTS.sub("", condition.text))]
        for name in self._named(condition.variables):
            self._found[name].literals += [*texts, *numbers]
            self._found[name].is_compared_with_others = True

    def _named(self, variables: set[str] | frozenset[str]) -> list[str]:
        return sorted({self._names[one.lower()] for one in variables if one.lower() in self._names})


def _possible(node: Node, literal: Literal) -> Any:
    """A value of which the comparison is true: of an ending, one that could be sent."""
    value = literal.value
    if isinstance(node, Call) and isinstance(value, str) and value and not value[0].isalnum():
        return f"x{value}"
    return value
