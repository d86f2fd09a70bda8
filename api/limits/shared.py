"""The limit that all processes share in Redis, with memory to fall back on: no request fails because Redis did.

A check waits for a silent Redis once. Then limits are counted in memory until the thread of this limiter has heard
Redis again and told it what was granted meanwhile; no check tries by itself.
"""

import asyncio
from collections.abc import Callable, Sequence
from threading import Event, Lock, Thread
from uuid import uuid4

import redis
import structlog
from redis.exceptions import RedisClusterException

from api.limits.loop_server import LoopServer
from api.limits.outage import Granted, Outage
from api.limits.servers import NUMBERS, US, Server, connect, is_plain, script
from api.limits.together import Together
from api.limits.window import Ask, Backend, Count, Verdict
from core.clock import monotonic_s
from core.observability import LIMIT_BACKEND_FAILURES, LIMIT_ON_MEMORY

log = structlog.get_logger()

BEAT_EVERY_S = 5.0
FORGOTTEN_AFTER_S = 20.0
RETRY_AFTER_S = 0.5
PATIENCE_S = 0.25
"""Of the limiter's own thread, for which no check waits."""
FAILURES = (redis.RedisError, RedisClusterException, OSError)
_HEARTBEAT = script("heartbeat")
_CARRY_OVER = script("carry_over")
_PROCESSES = "aig:limit-processes"


class SharedLimiter:
    """`processes` is how many there are at first, until their heartbeats are counted."""

    def __init__(self, url: str, *, processes: int = 1, now_s: Callable[[], float] = monotonic_s) -> None:
        self._url = url
        self._now_s = now_s
        self._outage = Outage(now_s=now_s)
        self._outage.shares = processes
        self._id = uuid4().hex
        self._lock = Lock()
        self._server: Server | None = None
        self._on_loop = LoopServer(url) if is_plain(url) else None
        self._is_away = False
        self._next_look_s = 0.0
        self._wake = Event()
        self._is_stopped = False
        self._thread: Thread | None = None

    def hit(self, asks: Sequence[Ask]) -> list[Verdict]:
        """One call of Redis for all; in a cluster, one call of each node."""
        if not asks:
            return []
        if self._is_away and not self._is_back():
            return self._outage.hit(asks)
        try:
            verdicts = self._hit_redis(self._server or self._connect(), asks)
        except FAILURES as error:
            self._fall_back(error)
            return self._outage.hit(asks)
        self._outage.hear(verdicts, asks)
        return verdicts

    async def hit_soon(self, asks: Sequence[Ask]) -> list[Verdict]:
        """The same on the process's event loop, which goes on with others meanwhile; one call at a time."""
        if self._on_loop is None:  # a cluster
            return await asyncio.to_thread(self.hit, asks)
        if not asks or (self._is_away and not self._is_back()):
            return self._outage.hit(asks) if asks else []
        together = Together(asks)
        try:
            answer = await self._on_loop.count(together.asks)
        except FAILURES as error:
            self._fall_back(error)
            return self._outage.hit(asks)
        verdicts = _verdicts(asks, together, answer)
        self._outage.hear(verdicts, asks)
        return verdicts

    def start(self) -> None:
        self._thread = Thread(target=self._run, name="limits", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._is_stopped = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join(timeout=2)
        if self._server is not None:
            self._server.client.close()

    def answers(self) -> bool:
        """Whether Redis does, asked now, and counts: one that is full, or follows another, still answers a ping."""
        if self._is_away:
            self.look_after()
        try:
            return not self._is_away and bool((self._server or self._connect()).client.ping())
        except FAILURES:
            return False

    def info(self, section: str) -> list[dict[str, int]]:
        """What each server says of itself. Raises RedisError."""
        client = (self._server or self._connect()).client
        if isinstance(client, redis.Redis):
            return [client.info(section)]
        return list(client.info(section, target_nodes=client.PRIMARIES).values())

    def look_after(self) -> None:
        """A heartbeat, and after an outage the way back; what the limiter's own thread does again and again."""
        try:
            server = connect(self._url, timeout_s=PATIENCE_S)
            try:
                forgotten_us = int(FORGOTTEN_AFTER_S * US)
                count = server.client.eval(_HEARTBEAT, 1, _PROCESSES, self._id, forgotten_us)
                self._outage.shares = max(1, int(count))
                if self._is_away:
                    self._come_back(server)
            finally:
                server.client.close()
        except FAILURES as error:
            self._fall_back(error)

    def _is_back(self) -> bool:
        """A command or a test has no thread that looks, and looks by itself."""
        if self._thread is None and self._now_s() >= self._next_look_s:
            self._next_look_s = self._now_s() + RETRY_AFTER_S
            self.look_after()
        return not self._is_away

    def _run(self) -> None:
        while not self._is_stopped:
            self.look_after()
            self._wake.wait(RETRY_AFTER_S if self._is_away else BEAT_EVERY_S)
            self._wake.clear()

    def _connect(self) -> Server:
        with self._lock:
            self._server = self._server or connect(self._url)
            return self._server

    def _hit_redis(self, server: Server, asks: Sequence[Ask]) -> list[Verdict]:
        """Those of one bucket are asked for at once, and what is granted is shared out in their order."""
        together = Together(asks)
        return _verdicts(asks, together, server.count(together.asks))

    def _fall_back(self, error: Exception) -> None:
        LIMIT_BACKEND_FAILURES.inc()
        if self._is_away:
            return
        log.error("limit.redis_lost", error=type(error).__name__, processes=self._outage.shares)
        LIMIT_ON_MEMORY.set(1)
        self._is_away = True
        self._next_look_s = self._now_s() + RETRY_AFTER_S
        self._server = None  # its nodes may have other places when they come back
        self._wake.set()

    def _come_back(self, server: Server) -> None:
        self._carry_over(server)
        self._connect()
        self._is_away = False
        self._carry_over(server)  # what was granted in between
        self._outage.end()
        LIMIT_ON_MEMORY.set(0)
        log.info("limit.redis_back")

    def _carry_over(self, server: Server) -> None:
        """A bucket that Redis does not confirm is told once more: it may count twice, but never not at all."""
        granted = self._outage.take_granted()
        now_s = self._now_s()
        try:
            for (key, window_s), some in list(granted.items()):
                told = [number for one in some if now_s - one.at_s < window_s for number in _told(one, now_s)]
                if told:
                    server.client.eval(_CARRY_OVER, 1, key, int(window_s * US), *told)
                del granted[key, window_s]
        except FAILURES:
            self._outage.give_back(granted)
            raise


def _told(one: Granted, now_s: float) -> tuple[int, int]:
    """How long ago, and how many."""
    return int((now_s - one.at_s) * US), one.count


def _verdicts(asks: Sequence[Ask], together: Together, answer: Sequence[int]) -> list[Verdict]:
    numbers = [answer[NUMBERS * index : NUMBERS * (index + 1)] for index in range(len(together.asks))]
    return [_verdict(ask, some) for ask, some in zip(asks, together.shared_out(numbers), strict=True)]


def _verdict(ask: Ask, numbers: Sequence[int]) -> Verdict:
    granted, remaining, reset_us, shared_remaining, shared_reset_us = numbers
    return Verdict(
        granted=granted,
        own=Count(ask.limit, remaining, reset_us / US),
        shared=Count(ask.shared.limit, shared_remaining, shared_reset_us / US) if ask.shared else None,
        window_s=ask.window_s,
        backend=Backend.REDIS,
    )
