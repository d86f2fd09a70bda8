"""Work in the background that leaves the machine to checks: short turns, and pauses that keep it within its share."""

from collections.abc import Callable
from time import sleep

from core.clock import monotonic_s

SHARE = 0.25
"""Of one processor at most, together with what the database does for it."""
TURN_S = 0.005
_LONGEST_PAUSE_S = 5.0
"""Also after a turn in which the database kept it waiting."""


Pause = Callable[[], None]
"""Called after each small piece of work."""


class Pace:
    """Of one job: a pause where its turn is over."""

    def __init__(self) -> None:
        self._began_s = monotonic_s()

    def __call__(self) -> None:
        busy_s = monotonic_s() - self._began_s
        if busy_s < TURN_S:
            return
        sleep(min(busy_s * (1 - SHARE) / SHARE, _LONGEST_PAUSE_S))
        self._began_s = monotonic_s()
