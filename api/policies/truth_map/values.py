"""The values of a fact that a map tells apart: those that a policy names, and what lies between and beside them.

Imports no database.
"""

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any

import msgspec

from api.policies.conditions.rows import shown_number
from api.vocabulary import MAX_INTEGER
from core.formats import number

NOT_SENT = "not sent"
_NAMED = 3
"""So many values of a group are named, the others counted."""


class AxisValue(msgspec.Struct, frozen=True):
    """Values that come out alike. The first stands for them; None is that the fact is not sent."""

    label: str
    values: tuple[Any, ...]

    @property
    def value(self) -> Any:
        return self.values[0]


class Candidate(msgspec.Struct, frozen=True):
    """One value, or a range of numbers that it stands for. `low` and `high` are None where there is no end."""

    value: Any
    label: str = ""
    low: float | None = None
    high: float | None = None
    has_low: bool = True
    has_high: bool = True


def named(value: Any) -> Candidate:
    return Candidate(value, label_of(value))


def label_of(value: Any) -> str:
    if value is None:
        return NOT_SENT
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return f"[{', '.join(value)}]"
    return _digits(value) if isinstance(value, int | float) else str(value)


def whole_numbers(bounds: Iterable[float]) -> list[Candidate]:
    """Each bound that a fact can have, and the ranges between."""
    points = sorted({int(one) for one in bounds if one == int(one) and 0 <= one <= MAX_INTEGER})
    starts = sorted({0, *points, *(point + 1 for point in points if point < MAX_INTEGER)})
    ends = [*(start - 1 for start in starts[1:]), MAX_INTEGER]
    return [
        Candidate(start, low=start or None, high=end if end < MAX_INTEGER else None)
        for start, end in zip(starts, ends, strict=True)
    ]


def fractions(bounds: Iterable[float]) -> list[Candidate]:
    """Each bound, what lies between two, and what lies beyond."""
    points = sorted(set(bounds))
    if not points:
        return [Candidate(0.5)]
    found = [Candidate(points[0] - 1, high=points[0], has_high=False)]
    for place, point in enumerate(points):
        found.append(Candidate(point, low=point, high=point))
        if place + 1 < len(points):
            beyond = points[place + 1]
            found.append(Candidate((point + beyond) / 2, low=point, high=beyond, has_low=False, has_high=False))
    return [*found, Candidate(points[-1] + 1, low=points[-1], has_low=False)]


def grouped(candidates: Sequence[Candidate], alike: Callable[[Any], Hashable]) -> list[AxisValue]:
    """Those that come out alike together; ranges of numbers only where they touch."""
    groups: list[tuple[Hashable, list[Candidate]]] = []
    for candidate in candidates:
        key = alike(candidate.value)
        is_range = not candidate.label
        among = groups[-1:] if is_range else groups
        group = next((members for other, members in among if other == key and (not members[0].label) == is_range), None)
        if group is None:
            groups.append((key, [candidate]))
        else:
            group.append(candidate)
    return [AxisValue(_label(members), tuple(one.value for one in members)) for _, members in groups]


def _label(members: Sequence[Candidate]) -> str:
    if not members[0].label:
        return _range(members[0], members[-1])
    labels = [one.label for one in members]
    if len(labels) <= _NAMED + 1:
        return ", ".join(labels)
    return f"{', '.join(labels[:_NAMED])} and {len(labels) - _NAMED} more"


def _range(first: Candidate, last: Candidate) -> str:
    low, high = first.low, last.high
    if low is None and high is None:
        return "any number"
    if high is not None and high in {low, first.value}:
        return _digits(high)
    if low is not None and high is not None and first.has_low and last.has_high:
        return f"{_digits(low)} to {_digits(high)}"
    parts = []
    if low is not None:
        parts.append(f"{_digits(low)} or more" if first.has_low else f"more than {_digits(low)}")
    if high is not None:
        parts.append(f"up to {_digits(high)}" if last.has_high else f"less than {_digits(high)}")
    return ", ".join(parts)


def _digits(value: float) -> str:
    """A fraction in full, since another would be another bound."""
    return number(int(value)) if value == int(value) else shown_number(value)
