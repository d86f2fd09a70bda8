"""Threads of one kind of request, handed out fairly, and a deadline for waiting for one."""

import asyncio
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
STARTING_S = 0.1
"""A page takes some 20 ms of computing."""

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


class Busy(AppError):
    status, code, title = HTTPStatus.SERVICE_UNAVAILABLE, "busy", "Too many requests are waiting"
    advice = "Try again in a few seconds. Nothing was changed."

    def __init__(self) -> None:
        super().__init__(headers=(("Retry-After", "5"),))


class _Place:
    """Handed out to a key; it counts as starting until it is settled."""

    def __init__(self, key: Hashable) -> None:
        self.key = key
        self.is_starting = True


class Pool:
    """`threads` places, of which one key has at most `per_key` at a time. Waiting costs no thread.

    At most `starting` of them were handed out less than STARTING_S ago. Python runs one thread at a time: more that
    compute at once are none the quicker, and every other kind of request waits behind all of them. Whoever holds a
    place longer most likely waits for something, and keeps nobody from starting.

    Used on one event loop.
    """

    def __init__(
        self,
        name: str,
        threads: int,
        *,
        per_key: int | None = None,
        starting: int | None = None,
        wait_s: float = WAIT_S,
    ) -> None:
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._per_key = per_key or threads
        self._may_start = starting or threads
        self._wait_s = wait_s
        self._free = threads
        self._held: Counter[Hashable] = Counter()
        self._waiting: FairQueue[tuple[Hashable, asyncio.Future[_Place]]] = FairQueue()

    async def run(
        self, key: Hashable, act: Callable[Parameters, Result], *args: Parameters.args, **kwargs: Parameters.kwargs
    ) -> Result:
        """The result of `act`, run in a place of its own. Raises Busy."""
        async with self.place(key):
            return await self.in_thread(lambda: act(*args, **kwargs))

    async def in_thread(self, act: Callable[[], Result]) -> Result:
        """For whoever has a place."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, act)

    @asynccontextmanager
    async def place(self, key: Hashable) -> AsyncIterator[None]:
        """Raises Busy if none becomes free in time, or too many wait already."""
        place = await self._take(key)
        try:
            yield
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
        asyncio.get_running_loop().call_later(STARTING_S, self._settle, place)
        return place

    def _settle(self, place: _Place) -> None:
        if place.is_starting:
            place.is_starting = False
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
