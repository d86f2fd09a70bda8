"""The states of an impact analysis and the moves between them. Imports no database."""

from collections.abc import Mapping
from enum import StrEnum


class ImpactStatus(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    CANCELED = "canceled"
    FAILED = "failed"


MOVES: Mapping[ImpactStatus, frozenset[ImpactStatus]] = {
    ImpactStatus.QUEUED: frozenset({ImpactStatus.RUNNING, ImpactStatus.CANCELED}),
    ImpactStatus.RUNNING: frozenset({ImpactStatus.DONE, ImpactStatus.CANCELED, ImpactStatus.FAILED}),
    ImpactStatus.DONE: frozenset(),
    ImpactStatus.CANCELED: frozenset(),
    ImpactStatus.FAILED: frozenset(),
}
UNDER_WAY = frozenset({ImpactStatus.QUEUED, ImpactStatus.RUNNING})


def before(after: ImpactStatus) -> list[str]:
    """The states from which this one can be reached."""
    return [status.value for status, moves in MOVES.items() if after in moves]
