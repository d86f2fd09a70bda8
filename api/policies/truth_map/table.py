"""What the evaluator says of every combination of some facts, the others staying as they are. Imports no database."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from math import prod
from typing import Any

import msgspec

from api.policies.evaluator import CheckFacts, CompiledPolicy, Outcome, evaluate
from api.policies.truth_map.axes import Axis
from api.policies.truth_map.mentions import MODEL, OPERATION
from api.policies.truth_map.values import AxisValue

MOST_CELLS = 256
_LEAST_WORK = 500
MOST_VARIED = 6
_MODEL, _OPERATION = "another-model", "chat"
Places = tuple[int, ...]
"""Which value of each axis."""


class Work:
    """How many evaluations are left; those of a large policy count for more."""

    def __init__(self, policy: CompiledPolicy, most: int) -> None:
        self._left = max(most // max(1, policy.cost // 20), _LEAST_WORK)

    def takes(self, evaluations: int) -> bool:
        """Whether they are allowed, and if so counts them."""
        if evaluations > self._left:
            return False
        self._left -= evaluations
        return True


class Cell(msgspec.Struct, frozen=True):
    places: Places
    outcome: Outcome


class Table(msgspec.Struct, frozen=True):
    axes: tuple[Axis, ...]
    fixed: Mapping[str, AxisValue]
    """Of the facts that do not vary."""
    cells: tuple[Cell, ...]
    """In the order of the axes, the last varying fastest."""

    def lines_along(self, axis: int) -> Iterator[Sequence[Cell]]:
        """Cells that differ in the value of one axis alone."""
        step = prod(len(one.values) for one in self.axes[axis + 1 :])
        length = len(self.axes[axis].values)
        for start in range(0, len(self.cells), step * length):
            for offset in range(step):
                yield self.cells[start + offset : start + step * length : step]


def request_of(values: Mapping[str, Any]) -> CheckFacts:
    """A request that sends these facts; None is not sent."""
    stated = {name: value for name, value in values.items() if name not in {MODEL, OPERATION} and value is not None}
    return CheckFacts(values.get(MODEL, _MODEL), values.get(OPERATION, _OPERATION), stated)


def table_of(policy: CompiledPolicy, axes: Sequence[Axis], fixed: Mapping[str, AxisValue]) -> Table:
    rest = {name: one.value for name, one in fixed.items()}
    names = [axis.fact for axis in axes]
    cells = []
    for places in product(*(range(len(axis.values)) for axis in axes)):
        chosen = (axis.values[place].value for axis, place in zip(axes, places, strict=True))
        request = request_of({**rest, **dict(zip(names, chosen, strict=True))})
        cells.append(Cell(places, evaluate(policy, request)))
    return Table(tuple(axes), fixed, tuple(cells))


def fitting(axes: Sequence[Axis]) -> list[Axis]:
    """As many of them, in their order, as a table has room for."""
    chosen: list[Axis] = []
    for axis in axes:
        size = prod(len(one.values) for one in (*chosen, axis))
        if len(axis.values) > 1 and size <= MOST_CELLS and len(chosen) < MOST_VARIED:
            chosen.append(axis)
    return chosen


def least_blocked(policy: CompiledPolicy, axes: Sequence[Axis]) -> dict[str, AxisValue]:
    """Of each fact the value with which the policies say least, so that what does not vary hides nothing."""
    found = {axis.fact: axis.values[0] for axis in axes}
    for axis in (*axes, *axes):
        found[axis.fact] = min(axis.values, key=lambda value: _said(policy, {**found, axis.fact: value}))
    return found


def _said(policy: CompiledPolicy, chosen: Mapping[str, AxisValue]) -> tuple[int, int, int, int]:
    outcome = evaluate(policy, request_of({name: one.value for name, one in chosen.items()}))
    blocking = sum(cause.blocks for cause in outcome.reasons)
    return not outcome.allowed, blocking, outcome.risk_score, len(outcome.reasons)
