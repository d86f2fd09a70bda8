"""Some rules of a policy version, made ready together: which of them apply to a request.

Imports no database and no engine: the rules that need one are judged by what was given for them.
"""

from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import Any, Final, cast

import msgspec

from api.policies.contribution import Contribution, FailMode
from api.policies.generated import ASK, Judge, Truth, cost_of, judge_of
from api.policies.rules import OnError, OnMissing, Rule, RuleEffect
from api.policies.trees import FACT, LOWERED, NORMAL, RuleTrees, sources_in
from api.vocabulary import Fact

Stated = Mapping[str, Any]
"""Typed facts under their canonical names."""


class Failed(Enum):
    FAILED = "failed"


FAILED: Final = Failed.FAILED
Judged = bool | None | Failed
Engine = Callable[[Sequence[int], str, str, Stated], Mapping[int, Judged]]
"""Judges rules by their index: true, false, None where the request does not state a fact that they need, or FAILED
where a condition can't be evaluated."""
_OF_FACTS = frozenset({FACT, LOWERED, NORMAL})


class ReadyRule(msgspec.Struct, frozen=True):
    """`needs` names the facts of its conditions; several names in one place are one to the engine."""

    rule: Rule
    trees: RuleTrees | None
    """None where the engine has to be asked."""
    needs: tuple[tuple[str, ...], ...]

    def missing(self, stated: Stated) -> str:
        """As a caller sends them."""
        missing = {names[-1] for names in self.needs if not any(name in stated for name in names)}
        return ", ".join(sorted(missing)) or "facts of the declared types"


class RuleSet(msgspec.Struct, frozen=True):
    rules: tuple[ReadyRule, ...]
    judge: Judge
    """The rules that are trees, as one function."""
    cost: int
    """How much work a judgment is, in rules."""
    engine: Engine

    def causes(self, model: str, operation: str, stated: Stated) -> list[Contribution]:
        """Of the rules that apply, in the order of the rules."""
        if not self.rules:
            return []
        found = self.judge(model, operation, stated)
        if not found:
            return []
        causes = []
        for index, truth in sorted(self._settled(found, model, operation, stated).items()):
            ready = self.rules[index]
            if truth is True:
                causes.append(_cause(ready.rule))
            elif truth is not False:
                causes += _open_causes(ready, truth, stated)
        return causes

    def unknown(self, model: str, operation: str, stated: Stated) -> list[str]:
        """Codes of the rules that nobody can judge, since a fact is missing."""
        settled = self._settled(self.judge(model, operation, stated), model, operation, stated)
        return [self.rules[index].rule.code for index, truth in settled.items() if not isinstance(truth, bool)]

    def _settled(self, found: Mapping[int, Truth], model: str, operation: str, stated: Stated) -> Mapping[int, Judged]:
        """The engine says what the trees leave open."""
        if ASK not in found.values():
            return cast("Mapping[int, Judged]", found)
        left = [index for index, truth in found.items() if truth is ASK]
        return {**found, **self.engine(left, model, operation, stated)}  # type: ignore[dict-item]


def rule_set_of(rules: Sequence[ReadyRule], facts: Mapping[str, Fact], engine: Engine) -> RuleSet:
    """Raises Beyond where trees do not fit the facts."""
    judge = judge_of([ready.trees for ready in rules], facts)
    return RuleSet(rules=tuple(rules), judge=judge, cost=cost_of(judge, len(rules)), engine=engine)


def ready_of(rule: Rule, trees: RuleTrees) -> ReadyRule:
    """A rule that is judged by its trees alone."""
    sources = {source for part in (trees.all, trees.any, trees.none) for tree in part for source in sources_in(tree)}
    names = {name for form, name in sources if form in _OF_FACTS} - {"model", "operation"}
    return ReadyRule(rule, trees, tuple((name,) for name in sorted(names)))


def _cause(rule: Rule) -> Contribution:
    return Contribution(
        code=rule.code,
        policy="rules",
        points=rule.points,
        blocks=rule.effect is RuleEffect.BLOCK,
        message=rule.message,
        fix=rule.fix,
    )


def _open_causes(ready: ReadyRule, truth: Failed | None, stated: Stated) -> list[Contribution]:
    """Of a rule of which nobody knows whether it applies: what its fail mode says."""
    rule = ready.rule
    if truth is FAILED and rule.on_error is not None:
        return [_failed_cause(rule, rule.on_error)]
    if rule.on_missing is OnMissing.SKIP:
        return []
    unknown = Contribution(
        code=rule.code,
        policy="rules",
        points=rule.points,
        blocks=True,
        message=f"{rule.message} (A fact that this rule needs is missing.)",
        fix=f"Send {ready.missing(stated)}.",
        fail_mode=FailMode.ON_ERROR if truth is FAILED else FailMode.ON_MISSING,
    )
    return [unknown]


def _failed_cause(rule: Rule, on_error: OnError) -> Contribution:
    """Also where the rule is skipped, so that nothing fails in silence."""
    return Contribution(
        code=rule.code,
        policy="rules",
        points=0 if on_error is OnError.SKIP else rule.points,
        blocks=on_error is OnError.BLOCK,
        message=f"{rule.message} (A condition of this rule could not be evaluated.)",
        fix="Send facts of the declared types.",
        fail_mode=FailMode.ON_ERROR,
    )
