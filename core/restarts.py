"""How long to wait before a part that ended by itself is started again, and when to give up."""

from collections.abc import Hashable

_MOST_IN_A_ROW = 8
_LIVED_S = 60.0


class Restarts:
    """Pauses double while a part ends soon after its start; one that lived for a minute begins anew."""

    def __init__(self, *, first_pause_s: float = 0.5, longest_pause_s: float = 30.0) -> None:
        self._first_pause_s, self._longest_pause_s = first_pause_s, longest_pause_s
        self._in_a_row: dict[Hashable, int] = {}
        self._started_s: dict[Hashable, float] = {}

    def pause_s(self, part: Hashable, *, now_s: float) -> float:
        """Of a part that has just ended."""
        started_s = self._started_s.get(part, float("-inf"))
        in_a_row = self._in_a_row.get(part, 0) + 1 if now_s - started_s < _LIVED_S else 1
        pause_s = min(self._first_pause_s * 2.0 ** min(in_a_row - 1, 30), self._longest_pause_s)
        self._in_a_row[part], self._started_s[part] = in_a_row, now_s + pause_s
        return pause_s

    def is_hopeless(self, part: Hashable) -> bool:
        """Whether it ended so often that somebody has to look."""
        return self._in_a_row.get(part, 0) > _MOST_IN_A_ROW
