"""The limits' Redis as an event loop asks it: nothing else waits while it thinks, and no thread is woken for it."""

import asyncio
from collections.abc import Sequence
from typing import Any

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

    async def count(self, asks: Sequence[Ask]) -> list[int]:
        """Five numbers for each in turn, as window.lua says. Raises RedisError or OSError."""
        asking = asyncio.ensure_future(self._count(asks))
        try:
            return await self._in_time(asking)
        except redis.ResponseError:
            raise
        except BaseException:
            asking.cancel()
            await self.close()  # an answer that comes yet must not be taken for that of another question
            raise

    async def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.disconnect(nowait=True)

    async def _in_time(self, asking: asyncio.Future[list[int]]) -> list[int]:
        for _ in range(MOST_TRIES):
            began_s = monotonic_s()
            await asyncio.wait({asking}, timeout=self._timeout_s)
            if asking.done():
                return asking.result()
            if monotonic_s() - began_s < self._timeout_s + LATE_S:
                break
        raise redis.TimeoutError

    async def _count(self, asks: Sequence[Ask]) -> list[int]:
        is_fresh = self._connection is None
        try:
            return await self._run(asks)
        except redis.ConnectionError:
            if is_fresh:
                raise
            await self.close()  # the server had closed it while nobody asked
            return await self._run(asks)

    async def _run(self, asks: Sequence[Ask]) -> list[int]:
        try:
            return await self._ask("EVALSHA", sha_of(WINDOW), asks)
        except redis.exceptions.NoScriptError:
            return await self._ask("EVAL", WINDOW, asks)

    async def _ask(self, command: str, script: str, asks: Sequence[Ask]) -> list[int]:
        if self._connection is None:
            self._connection = self._pool.make_connection()
            await self._connection.connect()
        connection = self._connection
        packed = connection.pack_command(command, script, *given_to_script(asks))
        await connection.send_packed_command(packed, check_health=False)
        answer: list[int] = await connection.read_response()
        return answer
