"""The map of a policy: made within bounds, and saying what it leaves out. Imports no database."""

from collections.abc import Mapping
from uuid import UUID

import msgspec

from api.policies.compiling import compile_policy
from api.policies.document import PolicyDocument
from api.policies.evaluator import CompiledPolicy
from api.policies.rules import RuleState
from api.policies.truth_map.axes import MOST_VALUES, Axis, axes_of, count_of_facts
from api.policies.truth_map.findings import Findings, findings_of
from api.policies.truth_map.lines import Line, lines_of
from api.policies.truth_map.table import Table, Work, fitting, least_blocked, table_of
from api.policies.truth_map.values import AxisValue

VARIES = "all"
"""Chosen for a fact whose values are all on the map; otherwise it is the place of one of them."""
MOST_EVALUATIONS = 20_000


class TruthMap(msgspec.Struct, frozen=True):
    axes: tuple[Axis, ...]
    """Of all facts that matter and were looked at."""
    table: Table
    lines: tuple[Line, ...]
    findings: Findings
    did_not_fit: tuple[str, ...]
    """Facts that were to vary, for which there was no room."""
    not_looked_at: int
    """So many facts that matter are never sent on this map."""
    on_trial: tuple[str, ...]
    """Codes of rules in shadow, or for a percentage."""

    @property
    def varied(self) -> tuple[str, ...]:
        return tuple(axis.fact for axis in self.table.axes)

    @property
    def silent(self) -> int:
        return sum(line.verdict.cells for line in self.lines if line.verdict.is_silent)

    @property
    def blocked(self) -> int:
        return sum(line.verdict.cells for line in self.lines if not line.verdict.allowed)


def mapped_policy(document: PolicyDocument, *, with_trials: bool) -> CompiledPolicy:
    """As if rules on trial had effect on everybody, or on nobody. Raises ConditionRefused."""
    state = RuleState.ENFORCED if with_trials else RuleState.OFF
    rules = tuple(msgspec.structs.replace(rule, state=state) if rule.is_on_trial else rule for rule in document.rules)
    return compile_policy(UUID(int=0), 0, msgspec.structs.replace(document, rules=rules))


def truth_map_of(
    document: PolicyDocument, *, chosen: Mapping[str, str] | None = None, with_trials: bool = False
) -> TruthMap:
    """`chosen` says of facts whether they vary or which value they have; the others are chosen here.

    Raises ConditionRefused.
    """
    policy = mapped_policy(document, with_trials=with_trials)
    axes = axes_of(policy)
    chosen = {fact: choice for fact, choice in (chosen or {}).items() if choice}
    wanted = [axis for axis in axes if chosen.get(axis.fact) == VARIES]
    rest = [axis for axis in axes if axis.fact not in chosen]
    varied = fitting([*wanted, *rest])
    names = {axis.fact for axis in varied}
    order = [axis for axis in axes if axis.fact in names]
    base = least_blocked(policy, axes)
    fixed = {axis.fact: _chosen_value(axis, chosen) or base[axis.fact] for axis in axes if axis.fact not in names}
    table = table_of(policy, order, fixed)
    return TruthMap(
        axes=tuple(axes),
        table=table,
        lines=tuple(lines_of(table)),
        findings=findings_of(policy, axes, base, table, Work(policy, MOST_EVALUATIONS)),
        did_not_fit=tuple(axis.fact for axis in wanted if axis.fact not in names),
        not_looked_at=count_of_facts(policy) - len(axes),
        on_trial=tuple(rule.code for rule in document.rules if rule.is_on_trial),
    )


def _chosen_value(axis: Axis, chosen: Mapping[str, str]) -> AxisValue | None:
    place = chosen.get(axis.fact, "")
    is_place = place.isascii() and place.isdecimal() and len(place) <= len(str(MOST_VALUES))
    return axis.values[int(place)] if is_place and int(place) < len(axis.values) else None
