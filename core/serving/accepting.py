"""Takes connections from a socket that several processes share, so that each of them has about as many.

Whichever process the machine wakes first could take all connections of a caller who opens several at once and keeps
them: measured, 16 of 16, and one core did all the work. So each process says how many it has, and one that has more
than another leaves it a moment to take the next.
"""

import asyncio
import mmap
import socket
from collections.abc import Callable

import structlog

from core.serving.connection import Connection

log = structlog.get_logger()

LEAVES_S, LEAVES_MOST_S = 0.002, 0.01
"""For each connection that it has more, and at most."""
LEFT_AT_ONCE = 8
"""Taken after such a moment: the other is busy, and who connects must not wait for it."""
AGAIN_AFTER_S = 1.0
"""Where none can be taken, since files are short."""


_NOBODY = 2**31 - 1


class Shares:
    """How many connections each of `count` processes has, as far as it accepts any. Made before they are forked."""

    def __init__(self, count: int = 1) -> None:
        self._counts = memoryview(mmap.mmap(-1, 4 * count)).cast("i")
        for place in range(count):
            self.forget(place)

    def note(self, place: int, connections: int) -> None:
        self._counts[place] = connections

    def forget(self, place: int) -> None:
        """Nobody waits for a process that takes none."""
        self._counts[place] = _NOBODY

    def more_than_another(self, place: int) -> int:
        return self._counts[place] - min(self._counts)


class Connections(set[Connection]):
    """Those of one process, which has `place` among the others."""

    __slots__ = ("_are_told", "_place", "_shares")

    def __init__(self, shares: Shares, place: int) -> None:
        super().__init__()
        self._shares, self._place = shares, place
        self._are_told = False

    def add(self, connection: Connection) -> None:
        super().add(connection)
        self._note()

    def discard(self, connection: object) -> None:
        super().discard(connection)
        self._note()

    def begin(self) -> None:
        self._are_told = True
        self._note()

    def end(self) -> None:
        """No more are taken."""
        self._are_told = False
        self._shares.forget(self._place)

    @property
    def are_more_by(self) -> int:
        return self._shares.more_than_another(self._place)

    def _note(self) -> None:
        if self._are_told:
            self._shares.note(self._place, len(self))


class Accepting:
    """Until it is closed, together with `listening`. One connection at a time."""

    def __init__(self, listening: socket.socket, make: Callable[[], Connection], connections: Connections) -> None:
        self._loop = asyncio.get_running_loop()
        self._listening = listening
        self._make = make
        self._connections = connections
        self._beginning: set[asyncio.Task[object]] = set()
        self._again: asyncio.TimerHandle | None = None
        listening.setblocking(False)
        connections.begin()
        self._watch()

    def close(self) -> None:
        self._loop.remove_reader(self._listening)
        if self._again is not None:
            self._again.cancel()
        self._listening.close()
        self._connections.end()

    def _watch(self) -> None:
        self._again = None
        self._loop.add_reader(self._listening, self._ready)

    def _ready(self) -> None:
        more = self._connections.are_more_by
        if more > 0:
            self._pause(min(more * LEAVES_S, LEAVES_MOST_S), self._take_what_is_left)
        else:
            self._take()

    def _take_what_is_left(self) -> None:
        self._watch()
        for _ in range(LEFT_AT_ONCE):
            if not self._take():
                return

    def _take(self) -> bool:
        """Whether there was one."""
        try:
            plain, _ = self._listening.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return False  # another process was quicker, or the caller gave up
        except OSError:
            log.exception("web.nothing_accepted")
            self._pause(AGAIN_AFTER_S, self._watch)
            return False
        plain.setblocking(False)
        task: asyncio.Task[object] = self._loop.create_task(self._loop.connect_accepted_socket(self._make, plain))
        self._beginning.add(task)
        task.add_done_callback(self._beginning.discard)
        return True

    def _pause(self, seconds: float, then: Callable[[], None]) -> None:
        self._loop.remove_reader(self._listening)
        self._again = self._loop.call_later(seconds, then)
