"""The states of a draft and the moves between them. Imports no database."""

from collections.abc import Mapping
from enum import StrEnum


class DraftStatus(StrEnum):
    OPEN = "open"
    PUBLISHED = "published"
    DISCARDED = "discarded"


MOVES: Mapping[DraftStatus, frozenset[DraftStatus]] = {
    DraftStatus.OPEN: frozenset({DraftStatus.PUBLISHED, DraftStatus.DISCARDED}),
    DraftStatus.PUBLISHED: frozenset(),
    DraftStatus.DISCARDED: frozenset(),
}


def may_move(before: DraftStatus, after: DraftStatus) -> bool:
    return after in MOVES[before]
