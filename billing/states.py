"""The states of an event that came in by webhook, and the moves between them, as a table. Imports no database."""

from enum import StrEnum


class EventStatus(StrEnum):
    RECEIVED = "received"
    """Stored, and not processed yet; also while Stripe does not answer."""
    PROCESSED = "processed"
    IGNORED = "ignored"
    """It is about no organization of ours."""
    FAILED = "failed"
    """Shown to operators, and tried again by the worker or by them."""


MOVES: dict[EventStatus, frozenset[EventStatus]] = {
    EventStatus.RECEIVED: frozenset({EventStatus.PROCESSED, EventStatus.IGNORED, EventStatus.FAILED}),
    EventStatus.FAILED: frozenset({EventStatus.PROCESSED, EventStatus.IGNORED, EventStatus.FAILED}),
    EventStatus.PROCESSED: frozenset(),
    EventStatus.IGNORED: frozenset(),
}

DONE = frozenset(status for status, onward in MOVES.items() if not onward)
