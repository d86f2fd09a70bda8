"""The states of a request and the moves between them, as a table. Imports no database."""

from datetime import timedelta
from enum import StrEnum

REOPENED_WITHIN = timedelta(days=14)
"""So long after its resolution a request can be taken up again; then it is closed."""
ANSWERED_WITHIN = timedelta(days=14)
"""So long we wait for the customer; then the request counts as resolved."""
SURVEY_AFTER = timedelta(days=7)
SURVEY_OPEN_FOR = timedelta(days=30)


class Status(StrEnum):
    NEW = "new"
    OPEN = "open"
    WAITING_ON_CUSTOMER = "waiting_on_customer"
    RESOLVED = "resolved"
    CLOSED = "closed"
    MERGED = "merged"


MOVES: dict[Status, frozenset[Status]] = {
    Status.NEW: frozenset({Status.OPEN, Status.WAITING_ON_CUSTOMER, Status.RESOLVED, Status.MERGED}),
    Status.OPEN: frozenset({Status.WAITING_ON_CUSTOMER, Status.RESOLVED, Status.MERGED}),
    Status.WAITING_ON_CUSTOMER: frozenset({Status.OPEN, Status.RESOLVED, Status.MERGED}),
    Status.RESOLVED: frozenset({Status.OPEN, Status.CLOSED}),
    Status.CLOSED: frozenset(),
    Status.MERGED: frozenset(),
}

UNDER_WAY = frozenset({Status.NEW, Status.OPEN, Status.WAITING_ON_CUSTOMER})

WORDS = {
    Status.NEW: "With us",
    Status.OPEN: "We work on it",
    Status.WAITING_ON_CUSTOMER: "We wait for you",
    Status.RESOLVED: "Resolved",
    Status.CLOSED: "Closed",
    Status.MERGED: "Joined with another",
}
FOR_OPERATORS = {**WORDS, Status.NEW: "New", Status.OPEN: "Open", Status.WAITING_ON_CUSTOMER: "Waits for the customer"}
TONES = {
    Status.NEW: "accent",
    Status.OPEN: "accent",
    Status.WAITING_ON_CUSTOMER: "warn",
    Status.RESOLVED: "good",
}
