"""A page of a list that is read by a key of its order, so that the last page costs what the first does."""

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar
from uuid import UUID

import msgspec

Row = TypeVar("Row")
Shown = TypeVar("Shown")


class Page(msgspec.Struct, Generic[Row], frozen=True):
    rows: list[Row]
    next_after: UUID | None
    """Where the next page starts; None on the last."""

    def of(self, shown: Sequence[Shown]) -> "Page[Shown]":
        """The same page of what its rows are shown as."""
        return Page(list(shown), self.next_after)


def page_of(found: Sequence[Row], size: int, *, id_of: Callable[[Row], UUID]) -> Page[Row]:
    """`found` has one row more than the page, if there are more."""
    rows = list(found[:size])
    return Page(rows, id_of(rows[-1]) if len(found) > size else None)
