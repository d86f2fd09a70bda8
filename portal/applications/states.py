"""The states of an application and the moves between them, as a table. Imports no database."""

from datetime import datetime, timedelta
from enum import StrEnum

SATURDAY = 5
DECIDED_WITHIN_WORKING_DAYS = 2
INFORMATION_WITHIN = timedelta(days=30)


class Status(StrEnum):
    DRAFT = "draft"
    SUBMITTED = "submitted"
    INFORMATION_REQUESTED = "information_requested"
    DEFERRED = "deferred"
    APPROVED = "approved"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


MOVES: dict[Status, frozenset[Status]] = {
    Status.DRAFT: frozenset({Status.SUBMITTED, Status.WITHDRAWN}),
    Status.SUBMITTED: frozenset(
        {Status.INFORMATION_REQUESTED, Status.DEFERRED, Status.APPROVED, Status.DECLINED, Status.WITHDRAWN}
    ),
    Status.INFORMATION_REQUESTED: frozenset({Status.SUBMITTED, Status.DECLINED, Status.WITHDRAWN, Status.EXPIRED}),
    Status.DEFERRED: frozenset({Status.SUBMITTED, Status.APPROVED, Status.DECLINED, Status.WITHDRAWN}),
    Status.APPROVED: frozenset(),
    Status.DECLINED: frozenset(),
    Status.WITHDRAWN: frozenset(),
    Status.EXPIRED: frozenset(),
}

OPEN = frozenset(status for status, onward in MOVES.items() if onward)
WAITING_FOR_US = frozenset({Status.SUBMITTED, Status.DEFERRED})
SENT = OPEN - {Status.DRAFT}

WORDS = {
    Status.DRAFT: "Not sent yet",
    Status.SUBMITTED: "With us for a decision",
    Status.INFORMATION_REQUESTED: "We asked you something",
    Status.DEFERRED: "Put off for now",
    Status.APPROVED: "Approved",
    Status.DECLINED: "Declined",
    Status.WITHDRAWN: "Withdrawn",
    Status.EXPIRED: "Expired without an answer",
}


def due_at(submitted_at: datetime) -> datetime:
    """When we promise to have decided: the same time of day, so many working days (Monday to Friday, UTC) later."""
    due, left = submitted_at, DECIDED_WITHIN_WORKING_DAYS
    while left:
        due += timedelta(days=1)
        left -= due.weekday() < SATURDAY
    return due
