"""Limits while Redis is away: each process grants its share, and remembers what it granted for Redis to count later."""

from collections.abc import Callable, Sequence
from math import ceil
from threading import Lock

import msgspec

from api.limits.memory import MemoryLimiter
from api.limits.window import Ask, Verdict

_SWEEP_AT = 20_000


class Granted(msgspec.Struct, frozen=True):
    bucket: str
    window_s: float
    at_s: float
    count: int


class Outage:
    """`shares` is how many processes there are: of a limit each grants that part, and always at least one request.

    What Redis had granted before counts too, as far as this process heard of it: its part of that is taken off.
    """

    def __init__(self, *, now_s: Callable[[], float]) -> None:
        self.shares = 1
        self._now_s = now_s
        self._memory = MemoryLimiter(now_s=now_s)
        self._heard: dict[str, tuple[float, int]] = {}
        self._lock = Lock()
        self._seeded: set[str] = set()
        self._granted: list[Granted] = []

    def hear(self, verdicts: Sequence[Verdict], asks: Sequence[Ask]) -> None:
        """What Redis said, while it says something."""
        now_s, heard = self._now_s(), self._heard
        if len(heard) > _SWEEP_AT:
            heard.clear()
        for ask, verdict in zip(asks, verdicts, strict=True):
            heard[ask.bucket] = (now_s, verdict.remaining)

    def hit(self, asks: Sequence[Ask]) -> list[Verdict]:
        with self._lock:
            now_s = self._now_s()
            return [self._hit(ask, now_s) for ask in asks]

    def _hit(self, ask: Ask, now_s: float) -> Verdict:
        share = max(1, ask.limit // self.shares)
        if ask.bucket not in self._seeded:
            self._seeded.add(ask.bucket)
            self._memory.hit([Ask(ask.bucket, share, self._used_before(ask, now_s), ask.window_s)])
        verdict = self._memory.hit([Ask(ask.bucket, share, ask.cost, ask.window_s)])[0]
        if verdict.granted:
            self._granted.append(Granted(ask.bucket, ask.window_s, now_s, verdict.granted))
        return msgspec.structs.replace(verdict, limit=ask.limit)

    def _used_before(self, ask: Ask, now_s: float) -> int:
        heard_s, remaining = self._heard.get(ask.bucket, (now_s, ask.limit))
        is_past = heard_s <= now_s - ask.window_s
        return 0 if is_past else ceil(max(0, ask.limit - remaining) / self.shares)

    def take_granted(self) -> list[Granted]:
        """What was granted since this was last asked for."""
        with self._lock:
            granted, self._granted = self._granted, []
            return granted

    def give_back(self, granted: Sequence[Granted]) -> None:
        """Redis went away again before it had counted them."""
        with self._lock:
            self._granted[:0] = granted

    def end(self) -> None:
        with self._lock:
            self._seeded.clear()
            self._heard.clear()
            self._memory = MemoryLimiter(now_s=self._now_s)
