"""One expensive act for all who wait at the same moment: a Redis call, a commit, a flush of the disk.

Alone, a caller waits for nothing; under load, groups grow by themselves while the act before is under way.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Generic, TypeVar

from core.serving.fair_queue import FairQueue
from core.serving.pools import Busy

Item = TypeVar("Item")
Result = TypeVar("Result")

MOST_TOGETHER = 64
MOST_WAITING = 4_096


class Group(Generic[Item, Result]):
    """Groups calls of `perform`, which takes items and gives back one result for each, in order.

    `perform` runs once at a time. Keys take turns: whoever sends most does not stand
    before the others. What `perform` raises, every caller of that group gets. Used on one event loop.
    """

    def __init__(
        self, perform: Callable[[Sequence[Item]], Awaitable[Sequence[Result]]], *, at_most: int = MOST_TOGETHER
    ) -> None:
        self._perform = perform
        self._at_most = at_most
        self._waiting: FairQueue[tuple[Item, asyncio.Future[Result]]] = FairQueue()
        self._running: asyncio.Task[None] | None = None

    async def submit(self, key: Hashable, item: Item) -> Result:
        """The result of performing `item`, alone or in company. Raises Busy."""
        if len(self._waiting) >= MOST_WAITING:
            raise Busy
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Result] = loop.create_future()
        self._waiting.push(key, (item, future))
        if self._running is None:
            self._running = loop.create_task(
                self._run()
            )  # after those whose requests are read in this turn of the loop
        return await future

    async def _run(self) -> None:
        """Group after group, until nobody waits."""
        while group := self._next():
            try:
                results: Sequence[Result] | Exception = await self._perform([item for item, _ in group])
            except Exception as error:  # noqa: BLE001  every waiting caller gets it
                results = error
            _resolve(group, results)
        self._running = None

    def _next(self) -> list[tuple[Item, asyncio.Future[Result]]]:
        group: list[tuple[Item, asyncio.Future[Result]]] = []
        while len(group) < self._at_most and (one := self._waiting.pop()) is not None:
            group.append(one)
        return group


def _resolve(group: list[tuple[Item, asyncio.Future[Result]]], results: Sequence[Result] | Exception) -> None:
    if isinstance(results, Exception):
        for _, future in group:
            if not future.done():
                future.set_exception(results)
        return
    for (_, future), result in zip(group, results, strict=True):
        if not future.done():
            future.set_result(result)
