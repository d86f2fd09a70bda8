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

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


class Busy(AppError):
    status, code, title = HTTPStatus.SERVICE_UNAVAILABLE, "busy", "Too many requests are waiting"
    advice = "Try again in a few seconds. Nothing was changed."

    def __init__(self) -> None:
        super().__init__(headers=(("Retry-After", "5"),))


class Pool:
    """`threads` places, of which one key has at most `per_key` at a time. Waiting costs no thread.

    Used on one event loop.
    """

    def __init__(self, name: str, threads: int, *, per_key: int | None = None, wait_s: float = WAIT_S) -> None:
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._per_key = per_key or threads
        self._wait_s = wait_s
        self._free = threads
        self._held: Counter[Hashable] = Counter()
        self._waiting: FairQueue[tuple[Hashable, asyncio.Future[None]]] = FairQueue()

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
        await self._take(key)
        try:
            yield
        finally:
            self._give_back(key)

    async def _take(self, key: Hashable) -> None:
        if self._free and self._held[key] < self._per_key:
            self._hold(key)
            return
        if len(self._waiting) >= MOST_WAITING:
            raise Busy
        place = asyncio.get_running_loop().create_future()
        self._waiting.push(key, (key, place))
        try:
            async with asyncio.timeout(self._wait_s):
                await place
        except BaseException as error:
            self._leave(key, place)
            if isinstance(error, TimeoutError):
                raise Busy from None
            raise

    def _leave(self, key: Hashable, place: asyncio.Future[None]) -> None:
        """Whoever gave up waiting; a place that was handed over in that very moment goes to the next."""
        if place.done() and not place.cancelled():
            self._give_back(key)
            return
        with suppress(KeyError, ValueError):
            self._waiting.remove(key, (key, place))

    def _hold(self, key: Hashable) -> None:
        self._free -= 1
        self._held[key] += 1

    def _give_back(self, key: Hashable) -> None:
        self._free += 1
        self._held[key] -= 1
        if not self._held[key]:
            del self._held[key]
        while self._free:
            waiting = self._waiting.pop(lambda waiter: self._held[waiter] < self._per_key)
            if waiting is None:
                return
            next_key, place = waiting
            if not place.done():
                self._hold(next_key)
                place.set_result(None)
