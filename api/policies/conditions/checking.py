"""Whether a condition may be kept: in the profile, over facts that exist, and able to match. Imports no database."""

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

import msgspec

from api.content.pii_kinds import KINDS, is_kind
from api.policies.compiled_rules import CompiledCondition, ConditionRefused, compile_condition, context_of
from api.policies.conditions.hints import bare, whereabouts
from api.policies.conditions.syntax import Name, NotPlain, nodes_of, parsed
from api.policies.conditions.typing import Mistake, Typing
from api.policies.document import PolicyDocument, facts_of, texts_of
from api.policies.spelling import has_open_end, normalized, pii_kinds_named
from api.vocabulary import Fact, FactType, variable_of
from core.spelling import nearest

_FUNCTIONS = frozenset(
    {"_&&_", "_||_", "!_", "_==_", "_!=_", "_<_", "_<=_", "_>_", "_>=_", "@in"}
    | {"size", "startsWith", "endsWith", "contains"}
)
_NEVER_MATCHES = re.compile(
    r"""\boperation\s*(?:[=!]=\s*|in\s*\[[^\]]*)(?:'[^']*[A-Z][^']*'|"[^"]*[A-Z][^"]*")"""
    r"""|(?:'[^']*[A-Z][^']*'|"[^"]*[A-Z][^"]*")\s*[=!]=\s*operation\b"""
    r"""|\boperation\.(?:startsWith|endsWith|contains)\(\s*(?:'[^']*[A-Z]|"[^"]*[A-Z])"""
)
_OPEN_END = "A * is a wildcard only where one fact is compared with ==, != or in, such as model in ['gpt-4o*']."
_OPEN_END_SWITCH = (
    "A * is a wildcard only if “Ignore case and allow wildcards” (compare_in_normal_form) is on. Turn it on, or use "
    "startsWith."
)
_WORDS = {
    "@not_strictly_false": "macros",
    "matches": "regular expressions",
    "_?_:_": "conditional expressions",
}

_EXAMPLES: Mapping[FactType, Any] = {
    FactType.BOOLEAN: True,
    FactType.INTEGER: 1,
    FactType.NUMBER: 0.5,
    FactType.TOKEN: "example",
    FactType.TOKENS: ["example"],
}
_ALWAYS = (
    Fact("model", FactType.TOKEN, "The model."),
    Fact("operation", FactType.TOKEN, "The operation."),
)
_CONSTANTS = {"True": "true", "False": "false", "TRUE": "true", "FALSE": "false"}
_NOTHING = frozenset({"None", "nil", "undefined", "NULL"})
_NULL = re.compile(r"\bnull\b")
_WITHOUT = "Nothing equals a fact that is not sent; on_missing says what happens then."


class Ground(msgspec.Struct, frozen=True):
    """What conditions of a policy may name."""

    facts: Mapping[str, Fact]
    """By their variables; without those that share one."""
    examples: Mapping[str, Any]
    """A value of the right type for every variable."""
    texts: frozenset[str] | None
    """As for `normalized`."""


def ground_of(document: PolicyDocument) -> Ground:
    facts = [*facts_of(document).values(), *_ALWAYS]
    counts = Counter(variable_of(fact.name) for fact in facts)
    return Ground(
        facts={name: fact for fact in facts if counts[name := variable_of(fact.name)] == 1},
        examples={variable_of(fact.name): fact.choices[0] if fact.choices else _EXAMPLES[fact.type] for fact in facts},
        texts=texts_of(document),
    )


def check_condition(condition: str, ground: Ground) -> None:
    """Raises ConditionRefused unless it is in the profile, yields a truth value and can match."""
    compiled = compile_condition(condition)
    _need_lower_case(condition)
    null = _NULL.search(bare(condition))
    if null is not None:
        raise ConditionRefused(f"At {whereabouts(condition, null.start())}: null can't be used. {_WITHOUT}")
    for kind in pii_kinds_named(condition):
        _refuse_unknown_kind(kind)
    for function in compiled.program.functions():
        if function not in _FUNCTIONS:
            raise ConditionRefused(f"{_WORDS.get(function, function.strip('_'))} can't be used in a condition.")
    for variable in sorted(compiled.variables):
        if variable not in ground.examples:
            raise _unknown(condition, variable, ground)
    if has_open_end(normalized(condition, ground.texts)):
        raise ConditionRefused(_OPEN_END if ground.texts is not None else _OPEN_END_SWITCH)
    _need_sound(condition, ground)
    _need_truth(compiled, ground)


def _need_lower_case(condition: str) -> None:
    if _NEVER_MATCHES.search(normalized(condition)):
        raise ConditionRefused(
            "Operations are compared in lower case, so this never matches. Write the operation in lower case."
        )


def _unknown(condition: str, variable: str, ground: Ground) -> ConditionRefused:
    found = re.search(rf"\b{re.escape(variable)}\b", bare(condition))
    at = f"At {whereabouts(condition, found.start())}: unknown fact" if found else "Unknown fact"
    if variable in _NOTHING:
        return ConditionRefused(f"{at} {variable}. {_WITHOUT}")
    near = _CONSTANTS.get(variable) or nearest(variable, ground.examples)
    if near is None and bare(condition) == condition:
        return ConditionRefused(f'{at} {variable}. Write texts in quotes, such as "{variable}".')
    return ConditionRefused(f"{at} {variable}.{f' Did you mean {near}?' if near else ''}", near)


def _need_sound(condition: str, ground: Ground) -> None:
    try:
        tree = parsed(condition)
    except NotPlain:
        return
    if any(isinstance(node, Name) and node.text not in ground.facts for node in nodes_of(tree)):
        return  # two facts share a variable, which the engine settles
    lowered = (ground.texts or frozenset()) | {"model", "operation"}
    try:
        Typing(condition, ground.facts, lowered, may_end_open=ground.texts is not None).need_sound(tree)
    except Mistake as mistake:
        raise ConditionRefused(str(mistake)) from mistake


def _need_truth(compiled: CompiledCondition, ground: Ground) -> None:
    """Of what is not plain."""
    try:
        result = compiled.program.execute(context_of(dict(ground.examples)))
    except Exception as error:
        raise ConditionRefused(f"The types do not match: {type(error).__name__}.") from error
    if not isinstance(result, bool):
        raise ConditionRefused("The condition must be true or false.")


def _refuse_unknown_kind(kind: str) -> None:
    if is_kind(kind):
        return
    near = nearest(kind, KINDS)
    hint = f" Did you mean {near}?" if near else ""
    raise ConditionRefused(
        f"Unknown kind of personal data “{kind}” in pii_types, so this never matches.{hint} For your own kinds,"
        " declare a fact of type tokens under custom_facts and compare that.",
        near,
    )
