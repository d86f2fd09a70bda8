"""The states of a review and the moves between them. Imports no database."""

from collections.abc import Mapping
from enum import StrEnum


class ReviewStatus(StrEnum):
    REQUESTED = "requested"
    APPROVED = "approved"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"


MOVES: Mapping[ReviewStatus, frozenset[ReviewStatus]] = {
    ReviewStatus.REQUESTED: frozenset({ReviewStatus.APPROVED, ReviewStatus.DECLINED, ReviewStatus.WITHDRAWN}),
    ReviewStatus.APPROVED: frozenset(),
    ReviewStatus.DECLINED: frozenset(),
    ReviewStatus.WITHDRAWN: frozenset(),
}


def may_move(before: ReviewStatus, after: ReviewStatus) -> bool:
    return after in MOVES[before]
