"""What a map shows of rules: those that never decide, and pairs that leave no way between them. Imports no database."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from math import prod

import msgspec

from api.policies.contribution import Contribution
from api.policies.evaluator import CompiledPolicy, Outcome, outcome_of
from api.policies.rules import RuleEffect, RuleState
from api.policies.truth_map.axes import Axis
from api.policies.truth_map.mentions import facts_of_rule
from api.policies.truth_map.table import Cell, Table, Work, fitting, table_of
from api.policies.truth_map.values import AxisValue
from api.vocabulary import CONTAINS_PERSONAL_DATA, IS_EXTERNAL_MODEL

MOST_RULES = 200
MOST_PAIRS = 400
MOST_NAMED = 3
_FACTS_OF_SETTINGS = {
    "block_personal_data": {CONTAINS_PERSONAL_DATA},
    "block_external_models": {IS_EXTERNAL_MODEL},
    "denied_operations": {"operation"},
    "allowed_models": {"model"},
}


class NeverDecides(msgspec.Struct, frozen=True):
    """A rule that was blocked before wherever it matched; or that never matched, where `blocked_by` is empty."""

    code: str
    blocked_by: tuple[str, ...]
    looked_at: int
    """So many combinations."""


class Contradiction(msgspec.Struct, frozen=True):
    """Two that leave no value of a fact: each allows some, and one of them blocks whichever is sent."""

    first: str
    second: str
    fact: str
    situation: tuple[tuple[str, str], ...]
    """Where that is so: values of the other facts that the two name."""


class Findings(msgspec.Struct, frozen=True):
    never_decide: tuple[NeverDecides, ...]
    contradictions: tuple[Contradiction, ...]
    is_complete: bool
    """Whether there was time to look at every rule and at every pair that shares a fact."""


def findings_of(
    policy: CompiledPolicy, axes: Sequence[Axis], base: Mapping[str, AxisValue], whole: Table, work: Work
) -> Findings:
    """`axes` are those of all facts that matter; what does not vary has the values of `base`."""
    search = _Search(policy, axes, base, whole, work)
    never = tuple(search.never_decide())
    return Findings(never, tuple(search.contradictions()), search.is_complete)


class _Search:
    def __init__(
        self, policy: CompiledPolicy, axes: Sequence[Axis], base: Mapping[str, AxisValue], whole: Table, work: Work
    ) -> None:
        self._policy, self._axes, self._base, self._whole, self._work = policy, axes, base, whole, work
        enforced = [rule for rule in policy.document.rules if rule.state is RuleState.ENFORCED]
        self._rules = enforced[:MOST_RULES]
        self._facts = {rule.code: facts_of_rule(policy, rule.code) for rule in self._rules}
        self._tables: dict[frozenset[str], Table | None] = {}
        self.is_complete = len(enforced) <= MOST_RULES

    def never_decide(self) -> Iterator[NeverDecides]:
        for rule in self._rules:
            table = self._over(self._facts[rule.code])
            if table is not None and self._is_whole(table, self._facts[rule.code]):
                found = _never_decides(self._policy, rule.code, [*table.cells, *self._whole.cells])
                if found is not None:
                    yield found

    def contradictions(self) -> Iterator[Contradiction]:
        seen: set[frozenset[str]] = set()
        for table in (self._whole, *self._tables_of_pairs()):
            for found in self._within(table):
                pair = frozenset({found.first, found.second})
                if pair not in seen:
                    seen.add(pair)
                    yield found

    def _tables_of_pairs(self) -> Iterator[Table]:
        blocking = [rule.code for rule in self._rules if rule.effect is RuleEffect.BLOCK]
        pairs = [pair for pair in combinations(blocking, 2) if self._facts[pair[0]] & self._facts[pair[1]]]
        self.is_complete &= len(pairs) <= MOST_PAIRS
        named = dict.fromkeys(frozenset(self._facts[one] | self._facts[other]) for one, other in pairs[:MOST_PAIRS])
        for facts in named:  # many pairs share a table
            table = self._over(facts)
            if table is not None:
                yield table

    def _over(self, facts: Iterable[str]) -> Table | None:
        """A table over these facts alone; None where there is no time for it."""
        key = frozenset(facts)
        if key not in self._tables:
            chosen = fitting([axis for axis in self._axes if axis.fact in key])
            has_time = self._work.takes(prod(len(axis.values) for axis in chosen))
            self.is_complete &= has_time
            self._tables[key] = table_of(self._policy, chosen, self._base) if has_time else None
        return self._tables[key]

    def _is_whole(self, table: Table, facts: set[str]) -> bool:
        """Whether every value of these facts is in it, so that what it does not show is not there."""
        varied = {axis.fact for axis in table.axes}
        is_whole = all(
            axis.fact in varied or len(axis.values) == 1 for axis in self._axes if axis.fact in facts
        ) and not any(axis.left_out for axis in table.axes)
        self.is_complete &= is_whole
        return is_whole

    def _within(self, table: Table) -> Iterator[Contradiction]:
        for place, axis in enumerate(table.axes):
            if len(axis.values) > 1:
                for line in table.lines_along(place):
                    for first, second in _pairs_that_block(self._policy, line):
                        yield self._contradiction(table, place, line[0], first, second)

    def _contradiction(self, table: Table, axis: int, cell: Cell, first: str, second: str) -> Contradiction:
        named = self._facts_behind(first) | self._facts_behind(second)
        situation = (
            (other.fact, other.values[cell.places[place]].label)
            for place, other in enumerate(table.axes)
            if place != axis and other.fact in named
        )
        return Contradiction(first, second, table.axes[axis].fact, tuple(situation))

    def _facts_behind(self, cause: str) -> set[str]:
        return self._facts.get(cause) or _FACTS_OF_SETTINGS.get(cause) or set()


def _never_decides(policy: CompiledPolicy, code: str, cells: Sequence[Cell]) -> NeverDecides | None:
    """None for a rule that decides in one of the cells, or is the last to add what blocks."""
    blocked_by: Counter[str] = Counter()
    for cell in cells:
        if any(_is_of(cause, code) for cause in cell.outcome.reasons):
            without = _without(policy, cell.outcome, code)
            if without.allowed:
                return None
            blocked_by[without.reason] += 1
    return NeverDecides(code, tuple(reason for reason, _ in blocked_by.most_common(MOST_NAMED)), len(cells))


def _without(policy: CompiledPolicy, outcome: Outcome, code: str) -> Outcome:
    return outcome_of(policy, [cause for cause in outcome.reasons if not _is_of(cause, code)], outcome.derivation)


def _is_of(cause: Contribution, code: str) -> bool:
    return cause.policy == "rules" and cause.code == code


def _pairs_that_block(policy: CompiledPolicy, line: Sequence[Cell]) -> Iterator[tuple[str, str]]:
    """Causes of which one or the other blocks each cell, where neither blocks all and no third does."""
    if any(cell.outcome.allowed for cell in line):
        return
    blocked: dict[str, set[int]] = {}
    for place, cell in enumerate(line):
        for cause in cell.outcome.reasons:
            if cause.blocks:
                blocked.setdefault(_name_of(policy, cause), set()).add(place)
    if any(len(places) == len(line) for places in blocked.values()):
        return
    for first, second in combinations(blocked, 2):
        if len(blocked[first] | blocked[second]) == len(line):
            yield first, second


def _name_of(policy: CompiledPolicy, cause: Contribution) -> str:
    """A rule by its code, a setting by its own name, a required fact with the fact."""
    if cause.policy == "rules":
        return cause.code
    fact = next((one.fact for one in policy.required if one.cause == cause), None)
    return f"{cause.policy} ({fact})" if fact else cause.policy
