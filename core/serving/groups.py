"""One expensive act for all who wait at the same moment: a Redis call, a commit, a flush of the disk.

Alone, a caller waits for nothing; under load, groups grow by themselves while the act before is under way.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from functools import partial
from typing import Generic, TypeVar

import structlog

from core.observability import report_error
from core.serving.fair_queue import FairQueue
from core.serving.pools import Busy

log = structlog.get_logger()

Item = TypeVar("Item")
Result = TypeVar("Result")
_Waiting = tuple[Item, Callable[[Result | Exception], None]]

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
        self._waiting: FairQueue[_Waiting[Item, Result]] = FairQueue()
        self._running: asyncio.Task[None] | None = None

    async def submit(self, key: Hashable, item: Item) -> Result:
        """The result of performing `item`, alone or in company. Raises Busy."""
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self.push(key, item, partial(_settle, future))
        return await future

    def push(self, key: Hashable, item: Item, tell: Callable[[Result | Exception], None]) -> None:
        """The same for who does not wait: `tell` gets the result. Raises Busy."""
        if len(self._waiting) >= MOST_WAITING:
            raise Busy
        self._waiting.push(key, (item, tell))
        if self._running is None:  # begins after those whose requests are read in this turn of the loop
            self._running = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        """Group after group, until nobody waits."""
        while group := self._next():
            try:
                results: Sequence[Result | Exception] = await self._perform([item for item, _ in group])
            except Exception as error:  # noqa: BLE001  every waiting caller gets it
                results = [error] * len(group)
            for (_, tell), result in zip(group, results, strict=True):
                try:
                    tell(result)
                except Exception as error:  # one caller's trouble is not the others'
                    log.exception("group.not_told")
                    report_error(error)
        self._running = None

    def _next(self) -> list[_Waiting[Item, Result]]:
        group: list[_Waiting[Item, Result]] = []
        while len(group) < self._at_most and (one := self._waiting.pop()) is not None:
            group.append(one)
        return group


def _settle(future: asyncio.Future[Result], result: Result | Exception) -> None:
    if future.done():
        return
    if isinstance(result, Exception):
        future.set_exception(result)
    else:
        future.set_result(result)
