"""The limits' Redis as an event loop asks it: nothing else waits while it thinks, and no thread is woken for it.

The client connects, with its TLS and its passwords. What is asked then is one and the same call again and again, and
goes over the transport itself: the client's own way of reading an answer costs four times as much.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

import hiredis
import redis
from redis.asyncio.connection import ConnectionPool

from api.limits.servers import TIMEOUT_S, WINDOW, given_to_script, sha_of
from api.limits.window import Ask
from core.clock import monotonic_s

LATE_S = 0.01
MOST_TRIES = 3
"""To wait for an answer while the loop itself is late: then nobody can say whether Redis is."""


class LoopServer:
    """One Redis over one connection. Asked once at a time."""

    def __init__(self, url: str, *, timeout_s: float = TIMEOUT_S) -> None:
        self._pool: Any = ConnectionPool.from_url(url)  # its own calls are untyped
        self._timeout_s = timeout_s
        self._connection: Any = None
        self._line: _Line | None = None

    async def count(self, asks: Sequence[Ask]) -> list[int]:
        """Five numbers for each in turn, as window.lua says. Raises RedisError or OSError."""
        try:
            return await self._count(given_to_script(asks))
        except redis.ResponseError:
            raise
        except BaseException:
            await self.close()  # an answer that comes yet must not be taken for that of another question
            raise

    async def close(self) -> None:
        connection, self._connection, self._line = self._connection, None, None
        if connection is not None:
            await connection.disconnect(nowait=True)

    async def _count(self, given: tuple[int | str, ...]) -> list[int]:
        if self._line is not None:
            try:
                return await self._run(self._line, given)
            except redis.ConnectionError:
                await self.close()  # the server had closed it while nobody asked
        return await self._run(await self._connected(), given)

    async def _run(self, line: "_Line", given: tuple[int | str, ...]) -> list[int]:
        try:
            return await line.ask("EVALSHA", sha_of(WINDOW), given, timeout_s=self._timeout_s)
        except redis.exceptions.NoScriptError:
            return await line.ask("EVAL", WINDOW, given, timeout_s=self._timeout_s)

    async def _connected(self) -> "_Line":
        self._connection = self._pool.make_connection()
        try:
            async with asyncio.timeout(MOST_TRIES * self._timeout_s):
                await self._connection.connect()
        except TimeoutError:
            raise redis.TimeoutError from None
        self._line = _Line(self._connection._writer.transport)  # noqa: SLF001  the client does not give it
        return self._line


class _Line(asyncio.Protocol):
    """What goes over a connection that is ready: one question, then its answer."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport = transport
        self._reader = hiredis.Reader(protocolError=redis.ConnectionError, replyError=_refusal)
        self._is_lost = False
        self._asked: asyncio.Future[Any] = self._loop.create_future()
        self._asked.cancel()
        self._patience = _Patience(self._loop)
        transport.set_protocol(self)

    async def ask(self, command: str, script: str, given: tuple[int | str, ...], *, timeout_s: float) -> list[int]:
        if self._is_lost:
            raise redis.ConnectionError
        self._asked = self._loop.create_future()
        self._transport.write(hiredis.pack_command((command, script, *given)))  # type: ignore[arg-type]
        self._patience.begin(self._asked, timeout_s)
        answer: list[int] = await self._asked
        return answer

    def data_received(self, data: bytes) -> None:
        self._reader.feed(data)
        while (answer := self._reader.gets()) is not False:
            if not self._asked.done() and not isinstance(answer, hiredis.PushNotification):  # of the server's upkeep
                self._answered(answer)

    def _answered(self, answer: Any) -> None:
        if isinstance(answer, Exception):
            self._asked.set_exception(answer)
        else:
            self._asked.set_result(answer)

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002  whatever it was
        self._is_lost = True
        if not self._asked.done():
            self._asked.set_exception(redis.ConnectionError("the server closed the connection"))


class _Patience:
    """Ends the wait for an answer; while the loop is late it waits again, for the answer may lie there unread.

    One look serves many questions: each comes before the look at the one before it, and has nearly always its answer.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._asked: asyncio.Future[Any] | None = None
        self._is_looking = False

    def begin(self, asked: asyncio.Future[Any], timeout_s: float) -> None:
        self._asked, self._timeout_s, self._tries = asked, timeout_s, 1
        self._due_s = monotonic_s() + timeout_s
        if not self._is_looking:
            self._look_after(timeout_s)

    def _look_after(self, seconds: float) -> None:
        self._is_looking = True
        self._looks_s = monotonic_s() + seconds
        self._loop.call_later(seconds, self._look)

    def _look(self) -> None:
        self._is_looking = False
        asked, self._asked = self._asked, None
        if asked is None or asked.done():
            return
        now_s = monotonic_s()
        if now_s < self._due_s:
            self._asked = asked
            self._look_after(self._due_s - now_s)
        elif self._tries < MOST_TRIES and now_s > self._looks_s + LATE_S:
            self._asked = asked
            self._tries += 1
            self._due_s = now_s + self._timeout_s
            self._look_after(self._timeout_s)
        else:
            asked.set_exception(redis.TimeoutError())


def _refusal(message: str) -> redis.ResponseError:
    """What the server refused, by the client's names for it."""
    if message.startswith("NOSCRIPT"):
        return redis.exceptions.NoScriptError(message)
    return redis.ResponseError(message)
