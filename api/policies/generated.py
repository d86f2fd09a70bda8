"""The rules of a policy version as one Python function, made once when the version is compiled.

A rule is in it where its conditions are trees (`trees`); of the others, and of all rules where a fact is not of its
declared type, the function says that the CEL engine must be asked. Imports no database and no engine.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import Enum
from typing import Final

from api.policies.normal_forms import NORMAL_MODEL, NORMAL_OPERATION, NORMAL_PII_TYPES, lowered, normal_pii_types
from api.policies.trees import (
    FACT,
    FIELD,
    KIND_OF,
    LOWERED,
    NORMAL,
    Beyond,
    Kind,
    RuleTrees,
    Source,
    Tree,
    code_of,
    joined_truth,
    sources_in,
)
from api.vocabulary import PII_TYPES, Fact, normal_model, normal_operation


class Ask(Enum):
    ENGINE = "engine"


ASK: Final = Ask.ENGINE
Truth = bool | None | Ask
Judge = Callable[[str, str, Mapping[str, object]], Mapping[int, Truth]]
"""Of the model, the operation and the stated facts: which rules hold, are unknown (None) or are the engine's,
by their index. Those that do not hold are left out."""

AN_ENGINES_RULE = 20

_CLASSES = {
    Kind.BOOLEAN: "is bool",
    Kind.INTEGER: "is int",
    Kind.NUMBER: "in numbers",
    Kind.TEXT: "is str",
    Kind.TEXTS: "is tuple",
}
_ALWAYS_STATED: Final[Mapping[Source, str]] = {
    (FIELD, "model"): "model",
    (FIELD, "operation"): "operation",
    (NORMAL, "model"): "normal_model(model)",
    (NORMAL, "operation"): "normal_operation(operation)",
}
SOURCE_OF: Final[Mapping[str, tuple[Kind, Source]]] = {
    "model": (Kind.TEXT, (FIELD, "model")),
    "operation": (Kind.TEXT, (FIELD, "operation")),
    NORMAL_MODEL: (Kind.TEXT, (NORMAL, "model")),
    NORMAL_OPERATION: (Kind.TEXT, (NORMAL, "operation")),
    NORMAL_PII_TYPES: (Kind.TEXTS, (NORMAL, PII_TYPES)),
}
"""Of what conditions may name beside the facts."""
_KNOWN = {
    "ASK": ASK,
    "joined_truth": joined_truth,
    "lowered": lowered,
    "normal_model": normal_model,
    "normal_operation": normal_operation,
    "normal_pii_types": normal_pii_types,
    "numbers": frozenset({int, float}),
}


def cost_of(judge: Judge, rules: int) -> int:
    """How much work a judgment is, in translated rules; one of the engine's costs as much as many of them."""
    left = sum(truth is ASK for truth in judge("", "", {}).values())
    return rules + AN_ENGINES_RULE * left


def judge_of(trees: Sequence[RuleTrees | None], facts: Mapping[str, Fact]) -> Judge:
    """None for a rule that is the engine's. Raises Beyond for what are no trees over these facts."""
    read = sorted({source for one in trees if one for tree in _all_of(one) for source in sources_in(tree)})
    variables = {source: f"v{number}" for number, source in enumerate(read)}
    left = [index for index, one in enumerate(trees) if one is None]
    lines = [
        "def judge(model, operation, stated):",
        "    get = stated.get",
        *(line for source in read for line in _loading(source, variables[source], facts)),
        f"    found = {{{', '.join(f'{index}: ASK' for index in left)}}}",
        *(line for index, one in enumerate(trees) if one for line in _lines(index, one, variables)),
        "    return found",
    ]
    everything = dict.fromkeys(range(len(trees)), ASK)
    namespace = {**_KNOWN, "everything": everything}
    exec(compile("\n".join(lines), "<rules>", "exec"), namespace)  # noqa: S102  made of our own words and literals alone
    judge: Judge = namespace["judge"]  # type: ignore[assignment]
    return judge


def _all_of(rule: RuleTrees) -> tuple[Tree, ...]:
    return (*rule.all, *rule.any, *rule.none)


def _loading(source: Source, variable: str, facts: Mapping[str, Fact]) -> Iterator[str]:
    if source in _ALWAYS_STATED:
        yield f"    {variable} = {_ALWAYS_STATED[source]}"
        return
    form, name = source
    if name not in facts or form not in {FACT, LOWERED, NORMAL} or (form == NORMAL and name != PII_TYPES):
        raise Beyond
    kind = KIND_OF[facts[name].type]
    yield f"    {variable} = get({name!r})"
    yield f"    if not ({variable} is None or {variable}.__class__ {_CLASSES[kind]}): return everything"
    if form == NORMAL:
        yield f"    {variable} = {variable} and normal_pii_types({variable})"
    elif form == LOWERED:
        yield f"    {variable} = {variable} and lowered({variable})"


def _lines(index: int, rule: RuleTrees, variables: Mapping[Source, str]) -> Iterator[str]:
    """One rule as lines of the function."""
    holds = [code_of(tree, variables) for tree in rule.all]
    if rule.any:
        holds.append(f"({' or '.join(code_of(tree, variables) for tree in rule.any)})")
    holds += [f"not {code_of(tree, variables)}" for tree in rule.none]
    missing, otherwise = _missing(_all_of(rule), variables), "if"
    if missing:
        parts = (_partly(some, variables) for some in (rule.all, rule.any, rule.none))
        yield f"    if {missing}:"
        yield f"        truth = joined_truth({', '.join(parts)})"
        yield f"        if truth is not False: found[{index}] = truth"
        otherwise = "elif"
    yield f"    {otherwise} {' and '.join(holds) or 'True'}: found[{index}] = True"


def _missing(some: Sequence[Tree], variables: Mapping[Source, str]) -> str:
    sources = {source for tree in some for source in sources_in(tree)} - _ALWAYS_STATED.keys()
    return " or ".join(f"{variables[source]} is None" for source in sorted(sources))


def _partly(some: Sequence[Tree], variables: Mapping[Source, str]) -> str:
    """Each condition's truth, or None where it needs what is not stated."""
    codes = []
    for tree in some:
        missing, code = _missing([tree], variables), code_of(tree, variables)
        codes.append(f"None if {missing} else {code}" if missing else code)
    return f"[{', '.join(codes)}]"
