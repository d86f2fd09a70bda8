"""The rules of a policy version as one Python function, made once when the version is compiled.

A rule is in it where all of its conditions can be translated (`translation`); of the others, and of all rules where a
fact is not of its declared type, the function says that the CEL engine must be asked. Imports no database.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import Enum
from typing import Final

from api.policies.rules import CompiledRule, joined_truth
from api.policies.spelling import (
    NORMAL_MODEL,
    NORMAL_OPERATION,
    NORMAL_PII_TYPES,
    lowered,
    lowered_variable,
    normal_pii_types,
)
from api.policies.translation import Beyond, Expression, Kind, translated
from api.vocabulary import PII_TYPES, Fact, FactType, normal_model, normal_operation, variable_of


class Ask(Enum):
    ENGINE = "engine"


ASK: Final = Ask.ENGINE
Truth = bool | None | Ask
Judge = Callable[[str, str, Mapping[str, object]], Mapping[int, Truth]]
"""Of the model, the operation and the stated facts: which rules hold, are unknown (None) or are the engine's,
by their index. Those that do not hold are left out."""

AN_ENGINES_RULE = 20

_KINDS = {
    FactType.BOOLEAN: Kind.BOOLEAN,
    FactType.INTEGER: Kind.INTEGER,
    FactType.NUMBER: Kind.NUMBER,
    FactType.TOKEN: Kind.TEXT,
    FactType.TOKENS: Kind.TEXTS,
}
_CLASSES = {
    Kind.BOOLEAN: "is bool",
    Kind.INTEGER: "is int",
    Kind.NUMBER: "in numbers",
    Kind.TEXT: "is str",
    Kind.TEXTS: "is tuple",
}
_WITH_CASE = frozenset({Kind.TEXT, Kind.TEXTS})
_ALWAYS_STATED = {
    "model": "model",
    "operation": "operation",
    NORMAL_MODEL: "normal_model(model)",
    NORMAL_OPERATION: "normal_operation(operation)",
}
_KNOWN = {
    "ASK": ASK,
    "joined_truth": joined_truth,
    "lowered": lowered,
    "normal_model": normal_model,
    "normal_operation": normal_operation,
    "normal_pii_types": normal_pii_types,
    "numbers": frozenset({int, float}),
}


def cost_of(judge: Judge, rules: Sequence[CompiledRule]) -> int:
    """How much work a judgment is, in translated rules; one of the engine's costs as much as many of them."""
    left = sum(truth is ASK for truth in judge("", "", {}).values())
    return len(rules) + AN_ENGINES_RULE * left


def judge_of(rules: Sequence[CompiledRule], facts: Mapping[str, Fact]) -> Judge:
    names = _Names(facts)
    written: dict[int, _Written] = {}
    for index, rule in enumerate(rules):
        try:
            written[index] = _Written(rule, names)
        except Beyond:
            continue
    left = [index for index in range(len(rules)) if index not in written]
    used = sorted({name for one in written.values() for name in one.names})
    lines = [
        "def judge(model, operation, stated):",
        "    get = stated.get",
        *(line for name in used for line in names.loading(name)),
        f"    found = {{{', '.join(f'{index}: ASK' for index in left)}}}",
        *(line for index, one in written.items() for line in one.lines(index, names)),
        "    return found",
    ]
    everything = dict.fromkeys(range(len(rules)), ASK)
    namespace = {**_KNOWN, "everything": everything}
    exec(compile("\n".join(lines), "<rules>", "exec"), namespace)  # noqa: S102  made of our own words and literals alone
    judge: Judge = namespace["judge"]  # type: ignore[assignment]
    return judge


class _Names:
    """What conditions may name, and the variable in which the function holds it."""

    def __init__(self, facts: Mapping[str, Fact]) -> None:
        self._fact_of = {variable_of(name): name for name in facts}
        counts = Counter([*map(variable_of, facts), *_ALWAYS_STATED])
        shared = {name for name, count in counts.items() if count > 1}
        plain = {name: _KINDS[facts[fact].type] for name, fact in self._fact_of.items() if name not in shared}
        self._lowered = {lowered_variable(name): name for name, kind in plain.items() if kind in _WITH_CASE}
        self.kinds = {
            **plain,
            **{variable: plain[name] for variable, name in self._lowered.items()},
            **{name: Kind.TEXT for name in _ALWAYS_STATED if name not in shared},
            NORMAL_PII_TYPES: Kind.TEXTS,
        }
        self.variables = {name: f"v{number}" for number, name in enumerate(self.kinds)}

    def loading(self, name: str) -> Iterator[str]:
        variable = self.variables[name]
        if name in _ALWAYS_STATED:
            yield f"    {variable} = {_ALWAYS_STATED[name]}"
            return
        fact = PII_TYPES if name == NORMAL_PII_TYPES else self._fact_of[self._lowered.get(name, name)]
        yield f"    {variable} = get({fact!r})"
        yield f"    if not ({variable} is None or {variable}.__class__ {_CLASSES[self.kinds[name]]}): return everything"
        if name == NORMAL_PII_TYPES:
            yield f"    {variable} = {variable} and normal_pii_types({variable})"
        elif name in self._lowered:
            yield f"    {variable} = {variable} and lowered({variable})"

    def missing(self, names: frozenset[str]) -> str:
        return " or ".join(f"{self.variables[name]} is None" for name in sorted(names) if name not in _ALWAYS_STATED)


class _Written:
    """One rule as lines of the function."""

    def __init__(self, rule: CompiledRule, names: _Names) -> None:
        """Raises Beyond."""
        self._required, self._wanted, self._excluded = (
            [translated(condition.text, names.kinds, names.variables) for condition in part]
            for part in (rule.all, rule.any, rule.none)
        )
        self.names = frozenset(name for one in self._conditions for name in one.names)

    @property
    def _conditions(self) -> list[Expression]:
        return [*self._required, *self._wanted, *self._excluded]

    def lines(self, index: int, names: _Names) -> Iterator[str]:
        holds = [one.code for one in self._required]
        if self._wanted:
            holds.append(f"({' or '.join(one.code for one in self._wanted)})")
        holds += [f"not {one.code}" for one in self._excluded]
        missing, otherwise = names.missing(self.names), "if"
        if missing:
            parts = (self._partly(some, names) for some in (self._required, self._wanted, self._excluded))
            yield f"    if {missing}:"
            yield f"        truth = joined_truth({', '.join(parts)})"
            yield f"        if truth is not False: found[{index}] = truth"
            otherwise = "elif"
        yield f"    {otherwise} {' and '.join(holds) or 'True'}: found[{index}] = True"

    def _partly(self, some: Sequence[Expression], names: _Names) -> str:
        """Each condition's truth, or None where it needs what is not stated."""
        codes = []
        for one in some:
            missing = names.missing(one.names)
            codes.append(f"None if {missing} else {one.code}" if missing else one.code)
        return f"[{', '.join(codes)}]"
