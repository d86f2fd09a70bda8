"""Threads of one kind of request, handed out fairly, and a deadline for waiting for one."""

import asyncio
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus
from typing import ParamSpec, TypeVar

from core.errors import AppError
from core.serving.fair_queue import FairQueue

WAIT_S = 10.0
MOST_WAITING = 512
MOST_WAITING_OF_ONE = 128
"""So that one alone does not fill the queue."""
LOOK_EVERY_S = 0.1
COMPUTES_FROM_S = 0.004
"""So much of its thread's time between two looks means that a request computes, and does not wait for something."""
MOST_COMPUTING_S = 1.0
"""A page takes some 20 ms of computing, and several times that where others compute beside it."""

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


class Busy(AppError):
    status, code, title = HTTPStatus.SERVICE_UNAVAILABLE, "busy", "Too many requests are waiting"
    advice = "Try again in a few seconds. Nothing was changed."

    def __init__(self) -> None:
        super().__init__(headers=(("Retry-After", "5"),))


class _Place:
    """Handed out to a key; it counts as computing until it is settled."""

    def __init__(self, key: Hashable) -> None:
        self.key = key
        self.is_computing = True
        self.looks_left = int(MOST_COMPUTING_S / LOOK_EVERY_S)
        self._clock: int | None = None
        self._spent_s = 0.0

    def begin(self) -> None:
        """In the thread that works for it."""
        self._clock = time.pthread_getcpuclockid(threading.get_ident())
        self._spent_s = time.clock_gettime(self._clock)

    def has_computed(self) -> bool:
        """Since it was asked last; as long as no thread began with it, nothing is known."""
        if self._clock is None:
            return True
        before_s, self._spent_s = self._spent_s, time.clock_gettime(self._clock)
        return self._spent_s - before_s >= COMPUTES_FROM_S


class Pool:
    """`threads` places, of which one key has at most `per_key` at a time. Waiting costs no thread.

    At most `computing` of them compute at a time, as far as the clocks of their threads say. Python runs one thread at
    a time: more that compute at once are none the quicker, and every other kind of request waits behind all of them.
    Whoever waits for something keeps nobody from starting, nor does who computes longer than MOST_COMPUTING_S.

    Used on one event loop.
    """

    def __init__(
        self,
        name: str,
        threads: int,
        *,
        per_key: int | None = None,
        computing: int | None = None,
        wait_s: float = WAIT_S,
    ) -> None:
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._per_key = per_key or threads
        self._may_start = computing or threads
        self._wait_s = wait_s
        self._free = threads
        self._held: Counter[Hashable] = Counter()
        self._waiting: FairQueue[tuple[Hashable, asyncio.Future[_Place]]] = FairQueue()

    async def run(
        self, key: Hashable, act: Callable[Parameters, Result], *args: Parameters.args, **kwargs: Parameters.kwargs
    ) -> Result:
        """The result of `act`, run in a place of its own. Raises Busy."""
        async with self.place(key) as place:

            def begin_and_act() -> Result:
                place.begin()
                return act(*args, **kwargs)

            return await self.in_thread(begin_and_act)

    async def in_thread(self, act: Callable[[], Result]) -> Result:
        """For whoever has a place."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, act)

    @asynccontextmanager
    async def place(self, key: Hashable) -> AsyncIterator[_Place]:
        """Raises Busy if none becomes free in time, or too many wait already."""
        place = await self._take(key)
        try:
            yield place
        finally:
            self._give_back(place)

    async def _take(self, key: Hashable) -> _Place:
        if self._has_place and self._may_have_one(key):
            return self._hand_out(key)
        if len(self._waiting) >= MOST_WAITING or self._waiting.length_of(key) >= MOST_WAITING_OF_ONE:
            raise Busy
        handed: asyncio.Future[_Place] = asyncio.get_running_loop().create_future()
        self._waiting.push(key, (key, handed))
        try:
            async with asyncio.timeout(self._wait_s):
                return await handed
        except BaseException as error:
            self._leave(key, handed)
            if isinstance(error, TimeoutError):
                raise Busy from None
            raise

    def _leave(self, key: Hashable, handed: asyncio.Future[_Place]) -> None:
        """Whoever gave up waiting; a place that was handed over in that very moment goes to the next."""
        if handed.done() and not handed.cancelled():
            self._give_back(handed.result())
            return
        with suppress(KeyError, ValueError):
            self._waiting.remove(key, (key, handed))

    @property
    def _has_place(self) -> bool:
        return self._free > 0 and self._may_start > 0

    def _may_have_one(self, key: Hashable) -> bool:
        return self._held[key] < self._per_key

    def _hand_out(self, key: Hashable) -> _Place:
        self._free -= 1
        self._may_start -= 1
        self._held[key] += 1
        place = _Place(key)
        asyncio.get_running_loop().call_later(LOOK_EVERY_S, self._look_at, place)
        return place

    def _look_at(self, place: _Place) -> None:
        place.looks_left -= 1
        if place.is_computing and place.looks_left > 0 and place.has_computed():
            asyncio.get_running_loop().call_later(LOOK_EVERY_S, self._look_at, place)
            return
        self._settle(place)

    def _settle(self, place: _Place) -> None:
        if place.is_computing:
            place.is_computing = False
            self._may_start += 1
            self._serve_next()

    def _give_back(self, place: _Place) -> None:
        self._free += 1
        self._held[place.key] -= 1
        if not self._held[place.key]:
            del self._held[place.key]
        self._settle(place)
        self._serve_next()

    def _serve_next(self) -> None:
        while self._has_place:
            waiting = self._waiting.pop(self._may_have_one)
            if waiting is None:
                return
            key, handed = waiting
            if not handed.done():
                handed.set_result(self._hand_out(key))
