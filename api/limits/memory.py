"""The limit of one process, exact under threads."""

from collections import deque
from collections.abc import Callable, Sequence
from threading import Lock

from api.limits.window import Ask, Backend, Count, Verdict
from core.clock import monotonic_s

_SWEEP_EVERY = 10_000


class MemoryLimiter:
    """A log of the moments of granted requests for each bucket. Idle buckets are dropped now and then."""

    def __init__(self, *, now_s: Callable[[], float] = monotonic_s) -> None:
        self._now_s = now_s
        self._lock = Lock()
        self._granted_at: dict[str, deque[float]] = {}
        self._hits_since_sweep = 0

    def hit(self, asks: Sequence[Ask]) -> list[Verdict]:
        with self._lock:
            now = self._now_s()
            self._sweep_now_and_then(now, hits=len(asks))
            return [self._hit(ask, now) for ask in asks]

    async def hit_soon(self, asks: Sequence[Ask]) -> list[Verdict]:
        return self.hit(asks)

    def _hit(self, ask: Ask, now: float) -> Verdict:
        own = self._log(ask.bucket, ask.window_s, now)
        shared = self._log(ask.shared.bucket, ask.window_s, now) if ask.shared else None
        granted = min(ask.cost, ask.limit - len(own))
        if ask.shared and shared is not None:
            granted = min(granted, ask.shared.limit - len(shared))
        moments = [now] * granted
        own.extend(moments)
        if shared is not None:
            shared.extend(moments)
        return Verdict(
            granted=len(moments),
            own=_count(own, ask.limit, ask.window_s, now),
            shared=_count(shared, ask.shared.limit, ask.window_s, now) if ask.shared and shared is not None else None,
            window_s=ask.window_s,
            backend=Backend.MEMORY,
        )

    def _log(self, bucket: str, window_s: float, now: float) -> deque[float]:
        log = self._granted_at.setdefault(bucket, deque())
        while log and log[0] <= now - window_s:
            log.popleft()
        return log

    def _sweep_now_and_then(self, now: float, *, hits: int) -> None:
        self._hits_since_sweep += hits
        if self._hits_since_sweep < _SWEEP_EVERY:
            return
        self._hits_since_sweep = 0
        idle = [bucket for bucket, log in self._granted_at.items() if not log or log[-1] < now - 3600]
        for bucket in idle:
            del self._granted_at[bucket]


def _count(log: deque[float], limit: int, window_s: float, now: float) -> Count:
    return Count(
        limit=limit,
        remaining=max(0, limit - len(log)),
        reset_s=log[0] + window_s - now if log else window_s,
    )
