"""Rules of a customer's own: CEL conditions in a narrow profile, joined by all, any or none.

Narrow on purpose, so that every condition ends at once and cannot fail in silence: no macros, no regular expressions,
no arithmetic; variables only from the vocabulary. A condition over a fact that the request does not state is unknown,
and the rule says what then (`on_missing`). Imports no database.
"""

import re
from collections.abc import Mapping, Sequence
from enum import StrEnum
from functools import lru_cache
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from api.content.pii_kinds import KINDS, is_kind
from api.policies.engine import cel
from api.policies.spelling import has_open_end, normalized, pii_kinds_named
from api.vocabulary import RULE_CODE, variable_of
from core.patterns import ONE_LINE
from core.spelling import nearest

MAX_RULES = 1_000
MAX_CONDITIONS = 10

_FUNCTIONS = frozenset(
    {"_&&_", "_||_", "!_", "_==_", "_!=_", "_<_", "_<=_", "_>_", "_>=_", "@in"}
    | {"size", "startsWith", "endsWith", "contains"}
)
_NEVER_MATCHES = re.compile(
    r"""\boperation\s*(?:[=!]=\s*|in\s*\[[^\]]*)(?:'[^']*[A-Z][^']*'|"[^"]*[A-Z][^"]*")"""
    r"""|(?:'[^']*[A-Z][^']*'|"[^"]*[A-Z][^"]*")\s*[=!]=\s*operation\b"""
    r"""|\boperation\.(?:startsWith|endsWith|contains)\(\s*(?:'[^']*[A-Z]|"[^"]*[A-Z])"""
)
_OPEN_END = "A * stands for any ending only where one fact is compared by ==, != or in, such as model in ['gpt-4o*']."
_OPEN_END_SWITCH = "A * stands for any ending only if compare_in_normal_form is on. Turn it on, or use startsWith."
_WORDS = {
    "@not_strictly_false": "macros",
    "matches": "regular expressions",
    "_?_:_": "conditional expressions",
}


class OnMissing(StrEnum):
    BLOCK = "block"
    SKIP = "skip"


class RuleEffect(StrEnum):
    BLOCK = "block"
    ADD_RISK = "add_risk"


class RuleState(StrEnum):
    """How far a rule has come: `shadow` is judged and recorded without effect, `percent` has effect on a share."""

    OFF = "off"
    SHADOW = "shadow"
    PERCENT = "percent"
    ENFORCED = "enforced"


ON_TRIAL = frozenset({RuleState.SHADOW, RuleState.PERCENT})

Condition = Annotated[str, Meta(min_length=1, max_length=500)]
Conditions = Annotated[tuple[Condition, ...], Meta(max_length=MAX_CONDITIONS)]


class When(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """True if every condition of `all`, at least one of `any` and none of `none` is true."""

    all: Conditions = ()
    any: Conditions = ()
    none: Conditions = ()

    @property
    def conditions(self) -> tuple[str, ...]:
        return (*self.all, *self.any, *self.none)


class Rule(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    code: Annotated[str, Meta(pattern=RULE_CODE, description="Shown as the reason's code.")]
    when: When
    message: Annotated[str, Meta(min_length=1, max_length=300, pattern=ONE_LINE)]
    effect: RuleEffect = RuleEffect.BLOCK
    points: Annotated[int, Meta(ge=0, le=100)] = 50
    on_missing: OnMissing = OnMissing.BLOCK
    fix: Annotated[str, Meta(max_length=300, pattern=ONE_LINE)] = ""
    state: RuleState = RuleState.ENFORCED
    percent: Annotated[int, Meta(ge=1, le=99)] = 10
    """Of the subjects or keys, while the state is `percent`."""

    @property
    def is_on_trial(self) -> bool:
        return self.state in ON_TRIAL


class ConditionRefused(ValueError):
    """Says what is wrong with a condition and how to put it right."""


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


def joined_truth(
    required: Sequence[bool | None], wanted: Sequence[bool | None], excluded: Sequence[bool | None]
) -> bool | None:
    """Kleene's conjunction of what must all hold, of which at least one must, and of which none may."""
    if False in required or True in excluded or (wanted and not {True, None} & set(wanted)):
        return False
    is_settled = None not in required and None not in excluded and (not wanted or True in wanted)
    return True if is_settled else None


def context_of(variables: dict[str, Any]) -> Any:
    return cel.Context(variables)


@lru_cache(maxsize=2048)
def compile_rule(rule: Rule, texts: frozenset[str] | None = None) -> CompiledRule:
    """`texts` as for `normalized`. Raises ConditionRefused for a condition that does not parse."""
    parts = (rule.when.all, rule.when.any, rule.when.none)
    when = When(*(tuple(normalized(condition, texts) for condition in part) for part in parts))
    return CompiledRule(
        rule=rule,
        all=tuple(map(_compile, when.all)),
        any=tuple(map(_compile, when.any)),
        none=tuple(map(_compile, when.none)),
        whole=_compile(_whole(when)),
    )


def _whole(when: When) -> str:
    """The three parts as one condition. Each ends its line, so that a comment in it cannot reach further."""
    parts = [f"({condition}\n)" for condition in when.all]
    if when.any:
        parts.append("(" + " || ".join(f"({condition}\n)" for condition in when.any) + ")")
    parts += [f"!({condition}\n)" for condition in when.none]
    return " && ".join(parts) or "true"


def _compile(condition: str) -> CompiledCondition:
    try:
        program = cel.compile(condition)
    except ValueError as error:
        first_line = str(error).splitlines()[0].partition("ERROR: <input>:")[2] or "not a CEL expression"
        raise ConditionRefused(f"The condition is not valid: {first_line}.") from error
    return CompiledCondition(text=condition, program=program, variables=frozenset(program.variables()))


def check_condition(condition: str, *, examples: Mapping[str, Any], texts: frozenset[str] | None = None) -> None:
    """Raises ConditionRefused unless it is in the profile and yields a truth value.

    `examples` has a value of the right type for every fact's variable; the condition is tried on them. `texts` as for
    `normalized`.
    """
    compiled = _compile(condition)
    if _NEVER_MATCHES.search(normalized(condition)):
        raise ConditionRefused(
            "Beside another fact, an operation is in lower case, so this never matches. Write it in lower case."
        )
    for kind in pii_kinds_named(condition):
        _refuse_unknown_kind(kind)
    for function in compiled.program.functions():
        if function not in _FUNCTIONS:
            raise ConditionRefused(f"{_WORDS.get(function, function.strip('_'))} can't be used in a condition.")
    for variable in sorted(compiled.variables):
        if variable not in examples:
            near = nearest(variable, examples)
            hint = f" Did you mean {near}?" if near else ""
            raise ConditionRefused(f"Unknown fact {variable}.{hint}")
    if has_open_end(normalized(condition, texts)):
        raise ConditionRefused(_OPEN_END if texts is not None else _OPEN_END_SWITCH)
    try:
        result = compiled.program.execute(context_of(dict(examples)))
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
        " declare a fact of type tokens under custom_facts and compare that."
    )


def example_context(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {variable_of(name): value for name, value in facts.items()}
