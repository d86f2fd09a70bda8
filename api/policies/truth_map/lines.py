"""The cells of a table as few lines: values that make no difference stand together, and facts without any are left out.

Imports no database.
"""

from collections.abc import Sequence
from math import prod

import msgspec

from api.policies.evaluator import Outcome
from api.policies.truth_map.axes import Axis
from api.policies.truth_map.table import Cell, Table

Choice = tuple[int, ...] | None
"""Which values of an axis; None is any."""


class Verdict(msgspec.Struct, frozen=True):
    """What some cells have in common; `codes` are all reasons that one of them has."""

    allowed: bool
    reason: str
    is_hard: bool
    """Whether it is blocked by more than its score."""
    lowest: int
    highest: int
    codes: tuple[str, ...]
    cells: int

    @property
    def is_silent(self) -> bool:
        """Whether no policy says anything, so that it is allowed."""
        return not self.codes

    @property
    def also(self) -> tuple[str, ...]:
        return tuple(code for code in self.codes if code != self.reason)

    def is_like(self, other: "Verdict") -> bool:
        return (self.allowed, self.reason, self.is_hard, self.is_silent) == (
            other.allowed,
            other.reason,
            other.is_hard,
            other.is_silent,
        )

    def joined(self, other: "Verdict") -> "Verdict":
        return msgspec.structs.replace(
            self,
            lowest=min(self.lowest, other.lowest),
            highest=max(self.highest, other.highest),
            codes=tuple(dict.fromkeys((*self.codes, *other.codes))),
            cells=self.cells + other.cells,
        )


class Line(msgspec.Struct, frozen=True):
    choices: tuple[Choice, ...]
    """One for each axis."""
    verdict: Verdict


def lines_of(table: Table) -> list[Line]:
    """Each cell is in exactly one line."""
    return _lines(table.axes, table.cells)


def verdict_of(outcome: Outcome) -> Verdict:
    return Verdict(
        allowed=outcome.allowed,
        reason=outcome.reason,
        is_hard=not outcome.allowed and outcome.reasons[0].blocks,
        lowest=outcome.risk_score,
        highest=outcome.risk_score,
        codes=tuple(dict.fromkeys(cause.code for cause in outcome.reasons)),
        cells=1,
    )


def _lines(axes: Sequence[Axis], cells: Sequence[Cell]) -> list[Line]:
    if not axes:
        return [Line((), verdict_of(cells[0].outcome))]
    size = prod(len(axis.values) for axis in axes[1:])
    groups: list[tuple[list[int], list[Line]]] = []
    for place in range(len(axes[0].values)):
        found = _lines(axes[1:], cells[place * size : (place + 1) * size])
        group = next((one for one in groups if _are_alike(one[1], found)), None)
        if group is None:
            groups.append(([place], found))
        else:
            group[0].append(place)
            group[1][:] = [
                Line(one.choices, one.verdict.joined(other.verdict)) for one, other in zip(group[1], found, strict=True)
            ]
    return [
        Line((None if len(groups) == 1 else tuple(places), *line.choices), line.verdict)
        for places, lines in groups
        for line in lines
    ]


def _are_alike(some: Sequence[Line], others: Sequence[Line]) -> bool:
    return len(some) == len(others) and all(
        one.choices == other.choices and one.verdict.is_like(other.verdict)
        for one, other in zip(some, others, strict=True)
    )
