"""Limits while Redis is away: each process grants its share, and remembers what it granted for Redis to count later."""

from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from math import ceil
from threading import Lock

import msgspec

from api.limits.memory import MemoryLimiter
from api.limits.window import SLOTS, Ask, Shared, Verdict

_SWEEP_AT = 20_000


class Granted(msgspec.Struct, frozen=True):
    at_s: float
    count: int


Bucket = tuple[str, float]
"""Its key in Redis, and its window in seconds."""


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
        self._granted: defaultdict[Bucket, deque[Granted]] = defaultdict(deque)

    def hear(self, verdicts: Sequence[Verdict], asks: Sequence[Ask]) -> None:
        """What Redis said, while it says something."""
        now_s, heard = self._now_s(), self._heard
        if len(heard) > _SWEEP_AT:
            heard.clear()
        for ask, verdict in zip(asks, verdicts, strict=True):
            heard[ask.bucket] = (now_s, verdict.own.remaining)
            if ask.shared is not None and verdict.shared is not None:
                heard[ask.shared.bucket] = (now_s, verdict.shared.remaining)

    def hit(self, asks: Sequence[Ask]) -> list[Verdict]:
        with self._lock:
            now_s = self._now_s()
            return [self._hit(ask, now_s) for ask in asks]

    def _hit(self, ask: Ask, now_s: float) -> Verdict:
        own, shared = self._part_of(ask.bucket, ask.limit, ask.window_s, now_s), None
        if ask.shared is not None:
            shared = Shared(ask.shared.bucket, self._part_of(ask.shared.bucket, ask.shared.limit, ask.window_s, now_s))
        verdict = self._memory.hit([msgspec.structs.replace(ask, limit=own, shared=shared)])[0]
        if verdict.granted:
            for key in dict.fromkeys((ask.key, ask.shared_key)):
                self._remember(key, ask.window_s, Granted(now_s, verdict.granted))
        return _as_told(verdict, ask)

    def _remember(self, key: str, window_s: float, one: Granted) -> None:
        """What no longer counts is forgotten, however long Redis is away."""
        granted, slot_s = self._granted[key, window_s], window_s / SLOTS
        if granted and granted[-1].at_s // slot_s == one.at_s // slot_s:
            one = Granted(one.at_s, one.count + granted.pop().count)
        granted.append(one)
        while granted[0].at_s <= one.at_s - window_s:
            granted.popleft()

    def _part_of(self, bucket: str, limit: int, window_s: float, now_s: float) -> int:
        """This process's share of a limit, from which its part of what Redis had granted before is taken off once."""
        share = max(1, limit // self.shares)
        if bucket not in self._seeded:
            self._seeded.add(bucket)
            self._memory.hit([Ask(bucket, share, self._used_before(bucket, limit, window_s, now_s), window_s)])
        return share

    def _used_before(self, bucket: str, limit: int, window_s: float, now_s: float) -> int:
        heard_s, remaining = self._heard.get(bucket, (now_s, limit))
        is_past = heard_s <= now_s - window_s
        return 0 if is_past else ceil(max(0, limit - remaining) / self.shares)

    def take_granted(self) -> dict[Bucket, deque[Granted]]:
        """What was granted since this was last asked for."""
        with self._lock:
            granted, self._granted = self._granted, defaultdict(deque)
            return granted

    def give_back(self, granted: Mapping[Bucket, deque[Granted]]) -> None:
        """Redis went away again before it had counted them."""
        with self._lock:
            for bucket, earlier in granted.items():
                self._granted[bucket].extendleft(reversed(earlier))

    def end(self) -> None:
        with self._lock:
            self._seeded.clear()
            self._heard.clear()
            self._memory = MemoryLimiter(now_s=self._now_s)


def _as_told(verdict: Verdict, ask: Ask) -> Verdict:
    """With the whole limits, not this process's share."""
    own, shared = msgspec.structs.replace(verdict.own, limit=ask.limit), verdict.shared
    if ask.shared is not None and shared is not None:
        shared = msgspec.structs.replace(shared, limit=ask.shared.limit)
    return msgspec.structs.replace(verdict, own=own, shared=shared)
