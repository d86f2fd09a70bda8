"""Which conditions of the rules were seen true and seen false by some requests. Imports no database.

A condition is asked only until it was seen both ways, and all together only as often as they are allowed to: so the
work is bounded, however many rules and requests there are.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from api.policies.compiled_rules import CompiledCondition, CompiledRule, context_of
from api.policies.compiling import programs_of
from api.policies.document import PolicyDocument
from api.policies.evaluator import CheckFacts, CompiledPolicy, completed
from api.policies.rules import Rule
from api.policies.testing import facts_of_test, tested_policy
from core.errors import InvalidRequest

MOST_EVALUATIONS = 200_000
_PARTS = ("all", "any", "none")


class Seen(msgspec.Struct, omit_defaults=True):
    true: bool = False
    false: bool = False

    @property
    def is_both(self) -> bool:
        return self.true and self.false

    def note(self, truth: bool | None) -> None:
        self.true, self.false = self.true or truth is True, self.false or truth is False


class SeenRule(msgspec.Struct, omit_defaults=True):
    """Of a rule as a whole, and of its conditions in the order of `When.conditions`."""

    whole: Seen
    conditions: list[Seen]

    @property
    def is_done(self) -> bool:
        return self.whole.is_both and all(seen.is_both for seen in self.conditions)


Coverage = dict[str, SeenRule]
"""By the codes of the rules."""


class CoverageCounter:
    """Looks at requests one by one; `coverage` is what they showed, going on from what was known before."""

    def __init__(
        self, policy: CompiledPolicy, *, known: Mapping[str, SeenRule] | None = None, most: int = MOST_EVALUATIONS
    ) -> None:
        document = policy.document
        self._policy = policy
        self._rules = programs_of(document)
        self.coverage: Coverage = {
            one.rule.code: (known or {}).get(one.rule.code) or _unseen(one.rule) for one in self._rules.rules
        }
        self._pending = [one for one in self._rules.rules if not self.coverage[one.rule.code].is_done]
        self._left = most

    @property
    def is_done(self) -> bool:
        return not self._pending or self._left <= 0

    def look_at(self, facts: CheckFacts) -> None:
        if self.is_done:
            return
        facts = completed(self._policy, facts)
        variables = self._rules.variables_of(facts.model, facts.operation, facts.metadata)
        context, stated = context_of(variables), frozenset(variables)
        is_any_done = False
        for rule in self._pending:
            seen = self.coverage[rule.rule.code]
            seen.whole.note(truth_of(rule, context, stated))
            for condition, of_condition in zip(_conditions(rule), seen.conditions, strict=True):
                if not of_condition.is_both:
                    of_condition.note(truth_of(condition, context, stated))
            self._left -= 1 + len(seen.conditions)
            is_any_done = is_any_done or seen.is_done
        if is_any_done:
            self._pending = [one for one in self._pending if not self.coverage[one.rule.code].is_done]


def coverage_by_tests(document: PolicyDocument) -> Coverage:
    """Raises ConditionRefused for policies that do not compile."""
    policy = tested_policy(document)
    counter = CoverageCounter(policy)
    for test in document.tests:
        try:
            counter.look_at(facts_of_test(policy, test))
        except InvalidRequest:
            continue
    return counter.coverage


class RuleCoverage(msgspec.Struct, frozen=True):
    """How a rule was seen by tests and by traffic; None where no traffic was looked at."""

    by_tests: SeenRule
    by_traffic: SeenRule | None

    @property
    def is_untested(self) -> bool:
        """Never true, neither in a test nor in traffic."""
        return not self.by_tests.whole.true and not (self.by_traffic and self.by_traffic.whole.true)

    def unseen(self, rule: Rule) -> list[str]:
        """Conditions that were not seen both ways, each with the way that is missing."""
        traffic: Sequence[Seen | None] = (
            self.by_traffic.conditions if self.by_traffic else [None] * len(self.by_tests.conditions)
        )
        found = []
        for condition, tests, real in zip(rule.when.conditions, self.by_tests.conditions, traffic, strict=True):
            missing = [
                way for way in ("true", "false") if not getattr(tests, way) and not (real and getattr(real, way))
            ]
            if missing:
                found.append(f"{condition}: never {' or '.join(missing)}")
        return found


def _unseen(rule: Rule) -> SeenRule:
    return SeenRule(Seen(), [Seen() for _ in rule.when.conditions])


def _conditions(rule: CompiledRule) -> Iterable[CompiledCondition]:
    return (condition for part in _PARTS for condition in getattr(rule, part))


def truth_of(one: CompiledCondition | CompiledRule, context: Any, stated: frozenset[str]) -> bool | None:
    """Unknown where a fact is missing, and where the engine fails."""
    try:
        return one.truth(context, stated)
    except Exception:  # noqa: BLE001  whatever the engine raises
        return None
