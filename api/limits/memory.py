"""The limit of one process, exact under threads."""

from collections import deque
from collections.abc import Callable, Sequence
from threading import Lock

from api.limits.window import Ask, Backend, Verdict
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

    def _hit(self, ask: Ask, now: float) -> Verdict:
        log = self._granted_at.setdefault(ask.bucket, deque())
        while log and log[0] <= now - ask.window_s:
            log.popleft()
        granted = max(0, min(ask.cost, ask.limit - len(log)))
        log.extend([now] * granted)
        return Verdict(
            granted=granted,
            limit=ask.limit,
            remaining=max(0, ask.limit - len(log)),
            reset_s=log[0] + ask.window_s - now if log else ask.window_s,
            window_s=ask.window_s,
            backend=Backend.MEMORY,
        )

    def _sweep_now_and_then(self, now: float, *, hits: int) -> None:
        self._hits_since_sweep += hits
        if self._hits_since_sweep < _SWEEP_EVERY:
            return
        self._hits_since_sweep = 0
        idle = [bucket for bucket, log in self._granted_at.items() if not log or log[-1] < now - 3600]
        for bucket in idle:
            del self._granted_at[bucket]
