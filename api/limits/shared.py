"""The limit that all processes share in Redis, with memory to fall back on: no request fails because Redis did."""

from collections.abc import Callable, Sequence
from itertools import chain
from pathlib import Path

import redis
import structlog
from redis.backoff import NoBackoff
from redis.retry import Retry

from api.limits.memory import MemoryLimiter
from api.limits.window import Ask, Backend, Verdict
from core.clock import monotonic_s
from core.observability import LIMIT_BACKEND_FAILURES, LIMIT_ON_MEMORY

log = structlog.get_logger()

RETRY_AFTER_S = 1.0
TIMEOUT_S = 0.25
_SCRIPT = Path(__file__).with_name("window.lua").read_text()
_US = 1_000_000


class SharedLimiter:
    def __init__(self, client: redis.Redis, *, now_s: Callable[[], float] = monotonic_s) -> None:
        self._script = client.register_script(_SCRIPT)
        self._memory = MemoryLimiter(now_s=now_s)
        self._now_s = now_s
        self._away_until_s = 0.0

    def hit(self, asks: Sequence[Ask]) -> list[Verdict]:
        """One call of Redis for all."""
        if not asks:
            return []
        if self._now_s() < self._away_until_s:
            return self._memory.hit(asks)
        try:
            verdicts = self._hit_redis(asks)
        except redis.RedisError as error:
            self._fall_back(error)
            return self._memory.hit(asks)
        if self._away_until_s:
            self._come_back()
        return verdicts

    def _hit_redis(self, asks: Sequence[Ask]) -> list[Verdict]:
        arguments = chain.from_iterable((ask.limit, ask.cost, int(ask.window_s * _US)) for ask in asks)
        answer = self._script(keys=[f"aig:limit:{ask.bucket}" for ask in asks], args=list(arguments))
        return [
            Verdict(
                granted=answer[3 * index],
                limit=ask.limit,
                remaining=answer[3 * index + 1],
                reset_s=answer[3 * index + 2] / _US,
                window_s=ask.window_s,
                backend=Backend.REDIS,
            )
            for index, ask in enumerate(asks)
        ]

    def _fall_back(self, error: redis.RedisError) -> None:
        if not self._away_until_s:
            log.error("limit.redis_lost", error=type(error).__name__)
        LIMIT_BACKEND_FAILURES.inc()
        LIMIT_ON_MEMORY.set(1)
        self._away_until_s = self._now_s() + RETRY_AFTER_S

    def _come_back(self) -> None:
        log.info("limit.redis_back")
        LIMIT_ON_MEMORY.set(0)
        self._away_until_s = 0.0


def connect(url: str) -> redis.Redis:
    """A client that tries once: there is memory to fall back on, and a caller who waits."""
    return redis.Redis.from_url(
        url, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S, retry=Retry(NoBackoff(), retries=0)
    )
