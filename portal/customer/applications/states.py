"""The states of an application and the moves between them, as a table. Imports no database."""

from datetime import datetime, timedelta
from enum import StrEnum

SATURDAY = 5
DECIDED_WITHIN_BUSINESS_DAYS = 2
INFORMATION_WITHIN = timedelta(days=30)


class ApplicationStatus(StrEnum):
    DRAFT = "draft"
    SUBMITTED = "submitted"
    INFORMATION_REQUESTED = "information_requested"
    DEFERRED = "deferred"
    APPROVED = "approved"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


MOVES: dict[ApplicationStatus, frozenset[ApplicationStatus]] = {
    ApplicationStatus.DRAFT: frozenset({ApplicationStatus.SUBMITTED, ApplicationStatus.WITHDRAWN}),
    ApplicationStatus.SUBMITTED: frozenset(
        {
            ApplicationStatus.INFORMATION_REQUESTED,
            ApplicationStatus.DEFERRED,
            ApplicationStatus.APPROVED,
            ApplicationStatus.DECLINED,
            ApplicationStatus.WITHDRAWN,
        }
    ),
    ApplicationStatus.INFORMATION_REQUESTED: frozenset(
        {
            ApplicationStatus.SUBMITTED,
            ApplicationStatus.DECLINED,
            ApplicationStatus.WITHDRAWN,
            ApplicationStatus.EXPIRED,
        }
    ),
    ApplicationStatus.DEFERRED: frozenset(
        {
            ApplicationStatus.SUBMITTED,
            ApplicationStatus.APPROVED,
            ApplicationStatus.DECLINED,
            ApplicationStatus.WITHDRAWN,
        }
    ),
    ApplicationStatus.APPROVED: frozenset(),
    ApplicationStatus.DECLINED: frozenset(),
    ApplicationStatus.WITHDRAWN: frozenset(),
    ApplicationStatus.EXPIRED: frozenset(),
}

OPEN = frozenset(status for status, onward in MOVES.items() if onward)
WAITING_FOR_US = frozenset({ApplicationStatus.SUBMITTED, ApplicationStatus.DEFERRED})
SENT = OPEN - {ApplicationStatus.DRAFT}

LABELS = {
    ApplicationStatus.DRAFT: "Not requested yet",
    ApplicationStatus.SUBMITTED: "Under review",
    ApplicationStatus.INFORMATION_REQUESTED: "Waiting for your answer",
    ApplicationStatus.DEFERRED: "Postponed",
    ApplicationStatus.APPROVED: "Approved",
    ApplicationStatus.DECLINED: "Declined",
    ApplicationStatus.WITHDRAWN: "Withdrawn",
    ApplicationStatus.EXPIRED: "Expired",
}
LABELS_FOR_OPERATORS = LABELS | {ApplicationStatus.INFORMATION_REQUESTED: "Waiting for the customer"}


def due_at(submitted_at: datetime) -> datetime:
    """When we promise to have decided: the same time of day, so many business days (Monday to Friday, UTC) later."""
    due, left = submitted_at, DECIDED_WITHIN_BUSINESS_DAYS
    while left:
        due += timedelta(days=1)
        left -= due.weekday() < SATURDAY
    return due
