"""Rows that the event loop commits itself: no thread is woken for a group of checks, nor waits for its commit.

The connection is psycopg's, with its TLS and its passwords. What is asked over it is one and the same prepared
statement again and again, whose result is waited for as any other socket is. Whatever goes wrong is not known here:
the rows are then written the usual way, which does no harm to those that were committed.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import psycopg
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGconn

from api.recording.postgres import INSERT_PREPARED
from core.serving import deadlines

_NAME = b"decisions"


class LoopSink:
    """One connection, asked once at a time. `connect` may take as long as it likes: it runs in a thread."""

    def __init__(self, connect: Callable[[], psycopg.Connection[Any]], *, timeout_s: float) -> None:
        self._connect = connect
        self._timeout_s = timeout_s
        self._line: _Line | None = None
        self._opening: asyncio.Task[None] | None = None

    async def write(self, rows: Sequence[bytes]) -> bool:
        """Whether all are committed; if not, nobody knows. Raises TimeoutError."""
        line = self._line
        if line is None or line.is_lost:
            self._open()
            return False
        try:
            with deadlines.within(self._timeout_s):
                is_committed = await line.ask(b"[" + b",".join(rows) + b"]")
        except BaseException:
            line.close()  # a result that comes yet must not be taken for that of other rows
            raise
        if not is_committed:
            line.close()
        return is_committed

    def close(self) -> None:
        if self._line is not None:
            self._line.close()

    def _open(self) -> None:
        """Meanwhile rows are written the usual way."""
        if self._opening is None or self._opening.done():
            self._opening = asyncio.get_running_loop().create_task(self._opened())

    async def _opened(self) -> None:
        try:
            connection = await asyncio.to_thread(self._prepared)
        except (psycopg.Error, OSError):
            return  # whoever writes the usual way finds out why
        self._line = _Line(connection)

    def _prepared(self) -> psycopg.Connection[Any]:
        connection = self._connect()
        prepared = connection.pgconn.prepare(_NAME, INSERT_PREPARED.encode())
        if prepared.status != ExecStatus.COMMAND_OK:
            connection.close()
            raise psycopg.OperationalError("the statement cannot be prepared")
        return connection


class _Line:
    """What goes over a connection that is ready: one group of rows, then whether it is committed."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._loop = asyncio.get_running_loop()
        self._connection = connection
        self._pgconn: PGconn = connection.pgconn
        self._pgconn.nonblocking = 1
        self._socket = self._pgconn.socket
        self._asked: asyncio.Future[bool] | None = None
        self.is_lost = False
        self._loop.add_reader(self._socket, self._readable)

    async def ask(self, document: bytes) -> bool:
        asked: asyncio.Future[bool] = self._loop.create_future()
        self._asked = asked
        try:
            self._pgconn.send_query_prepared(_NAME, [document])
            self._flush()
        except psycopg.Error:
            self._settle(is_committed=False)
        return await asked

    def close(self) -> None:
        if self.is_lost:
            return
        self.is_lost = True
        if not self._loop.is_closed():
            self._loop.remove_reader(self._socket)
            self._loop.remove_writer(self._socket)
        self._connection.close()

    def _flush(self) -> None:
        """What the machine does not take at once goes out as it takes it."""
        if self._pgconn.flush():
            self._loop.add_writer(self._socket, self._writable)
        else:
            self._loop.remove_writer(self._socket)

    def _writable(self) -> None:
        try:
            self._flush()
        except psycopg.Error:
            self._lose()

    def _readable(self) -> None:
        try:
            self._pgconn.consume_input()
            if self._pgconn.is_busy():
                return
        except psycopg.Error:
            self._lose()
            return
        if self._asked is not None:
            self._settle(is_committed=self._has_committed())

    def _has_committed(self) -> bool:
        results = []
        while (result := self._pgconn.get_result()) is not None:
            results.append(result.status)
        return results == [ExecStatus.COMMAND_OK]

    def _lose(self) -> None:
        self.close()
        self._settle(is_committed=False)

    def _settle(self, *, is_committed: bool) -> None:
        asked, self._asked = self._asked, None
        if asked is not None and not asked.done():
            asked.set_result(is_committed)
