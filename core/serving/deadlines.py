"""Deadlines of many short waits: one look at all of them now and then costs less than a timer for each.

Each request waits for its body, which is nearly always there. A deadline is held to within a quarter of a second.
"""

import asyncio
from types import TracebackType
from typing import Any

from core.clock import monotonic_s

LOOK_EVERY_S = 0.25


class _Waits:
    """Of one event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._until_s: dict[asyncio.Task[Any], float] = {}
        self._ended: set[asyncio.Task[Any]] = set()
        self._is_looking = False

    def are_of(self, loop: asyncio.AbstractEventLoop) -> bool:
        return self._loop is loop

    def begin(self, task: asyncio.Task[Any], until_s: float) -> None:
        self._until_s[task] = until_s
        if not self._is_looking:
            self._is_looking = True
            self._loop.call_later(LOOK_EVERY_S, self._look)

    def end(self, task: asyncio.Task[Any]) -> bool:
        """Whether the wait was ended by its deadline."""
        self._until_s.pop(task, None)
        if task not in self._ended:
            return False
        self._ended.discard(task)
        return True

    def _look(self) -> None:
        now_s = monotonic_s()
        for task in [task for task, until_s in self._until_s.items() if until_s <= now_s]:
            del self._until_s[task]
            self._ended.add(task)
            task.cancel()
        self._is_looking = bool(self._until_s)
        if self._is_looking:
            self._loop.call_later(LOOK_EVERY_S, self._look)


_present: list[_Waits] = []
"""A process has one event loop at a time."""


def _waits_of(loop: asyncio.AbstractEventLoop) -> _Waits:
    if not _present or not _present[0].are_of(loop):
        _present[:] = [_Waits(loop)]
    return _present[0]


class within:  # noqa: N801  reads as what it does
    """Raises TimeoutError where the block, which waits, takes longer."""

    __slots__ = ("_seconds", "_task", "_waits")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def __enter__(self) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101  only a task can wait
        self._task, self._waits = task, _waits_of(asyncio.get_running_loop())
        self._waits.begin(task, monotonic_s() + self._seconds)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        has_ended = self._waits.end(self._task)
        if has_ended and kind is asyncio.CancelledError and not self._task.uncancel():
            raise TimeoutError from error
