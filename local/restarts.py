"""How long to wait before a part that ended by itself is started again, and when to give up."""

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 30.0
_MOST_IN_A_ROW = 8
_LIVED_S = 60.0


class Restarts:
    """Pauses double while a part ends soon after its start; one that lived for a minute begins anew."""

    def __init__(self) -> None:
        self._in_a_row: dict[str, int] = {}
        self._started_s: dict[str, float] = {}

    def pause_s(self, part: str, *, now_s: float) -> float | None:
        """Of a part that has just ended; None if it ended so often that somebody has to look."""
        started_s = self._started_s.get(part, float("-inf"))
        in_a_row = self._in_a_row.get(part, 0) + 1 if now_s - started_s < _LIVED_S else 1
        if in_a_row > _MOST_IN_A_ROW:
            return None
        pause_s: float = min(_FIRST_PAUSE_S * 2 ** (in_a_row - 1), _LONGEST_PAUSE_S)
        self._in_a_row[part], self._started_s[part] = in_a_row, now_s + pause_s
        return pause_s
