"""The states of a request and the moves between them, as a table. Imports no database."""

from datetime import timedelta
from enum import StrEnum

REOPENED_WITHIN = timedelta(days=14)
"""So long after its resolution a request can be taken up again; then it is closed."""
ANSWERED_WITHIN = timedelta(days=14)
"""So long we wait for the customer; then the request counts as resolved."""
SURVEY_AFTER = timedelta(days=7)
SURVEY_OPEN_FOR = timedelta(days=30)


class RequestStatus(StrEnum):
    NEW = "new"
    OPEN = "open"
    WAITING_ON_CUSTOMER = "waiting_on_customer"
    RESOLVED = "resolved"
    CLOSED = "closed"
    MERGED = "merged"


MOVES: dict[RequestStatus, frozenset[RequestStatus]] = {
    RequestStatus.NEW: frozenset(
        {RequestStatus.OPEN, RequestStatus.WAITING_ON_CUSTOMER, RequestStatus.RESOLVED, RequestStatus.MERGED}
    ),
    RequestStatus.OPEN: frozenset({RequestStatus.WAITING_ON_CUSTOMER, RequestStatus.RESOLVED, RequestStatus.MERGED}),
    RequestStatus.WAITING_ON_CUSTOMER: frozenset({RequestStatus.OPEN, RequestStatus.RESOLVED, RequestStatus.MERGED}),
    RequestStatus.RESOLVED: frozenset({RequestStatus.OPEN, RequestStatus.CLOSED}),
    RequestStatus.CLOSED: frozenset(),
    RequestStatus.MERGED: frozenset(),
}

UNDER_WAY = frozenset({RequestStatus.NEW, RequestStatus.OPEN, RequestStatus.WAITING_ON_CUSTOMER})

LABELS = {
    RequestStatus.NEW: "Received",
    RequestStatus.OPEN: "In progress",
    RequestStatus.WAITING_ON_CUSTOMER: "Waiting for your reply",
    RequestStatus.RESOLVED: "Resolved",
    RequestStatus.CLOSED: "Closed",
    RequestStatus.MERGED: "Merged",
}
FOR_OPERATORS = {
    **LABELS,
    RequestStatus.NEW: "New",
    RequestStatus.OPEN: "Open",
    RequestStatus.WAITING_ON_CUSTOMER: "Waiting on customer",
}
TONES = {
    RequestStatus.NEW: "accent",
    RequestStatus.OPEN: "accent",
    RequestStatus.WAITING_ON_CUSTOMER: "warn",
    RequestStatus.RESOLVED: "good",
}
