"""A steady load: requests leave at fixed times, whether or not the ones before were answered.

Latency counts from the time at which a request should have left, so that a stall shows in every request it delayed.
"""

import asyncio
import gc
import re
import selectors
import time
from collections import Counter, deque
from collections.abc import Sequence
from itertools import cycle
from typing import cast
from urllib.parse import urlsplit

import msgspec

from core.clock import monotonic_s

CONNECTIONS = 64
_ANSWERED_WITHIN_S = 30.0
_RECONNECT_AFTER_S = 0.1
_STATUS = re.compile(rb"HTTP/1\.1 (\d{3})")
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class Outcome(msgspec.Struct, frozen=True):
    """What came of a steady load. Times are in seconds, in ascending order."""

    latencies_s: list[float]
    lateness_s: list[float]
    """How late the load tool itself was in sending."""
    errors: dict[str, int]
    cpu_share: float
    """Of one core, that the load tool used."""


def requests_of(url: str, *, body: bytes, authorizations: Sequence[str]) -> list[bytes]:
    """The same question by each key."""
    address = urlsplit(url)
    return [
        f"POST {address.path} HTTP/1.1\r\nHost: {address.netloc}\r\nAuthorization: {authorization}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        + body
        for authorization in authorizations
    ]


def hold(url: str, requests: Sequence[bytes], *, rate_per_s: int, seconds: int, expected: bytes) -> Outcome:
    """Sends the requests in turn. Every answer but 200 with `expected` in its body is an error."""
    gc.collect()
    gc.freeze()
    used_s, began_s = time.process_time(), monotonic_s()
    # epoll waits in whole milliseconds, which is as long as the answers take; select does not.
    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(selectors.SelectSelector())) as runner:
        source = _Source(url, requests, expected)
        runner.run(source.run(rate_per_s=rate_per_s, seconds=seconds))
    cpu_share = (time.process_time() - used_s) / (monotonic_s() - began_s)
    gc.unfreeze()
    return Outcome(
        latencies_s=sorted(source.latencies_s),
        lateness_s=sorted(source.lateness_s),
        errors=dict(source.errors),
        cpu_share=cpu_share,
    )


class _Source:
    def __init__(self, url: str, requests: Sequence[bytes], expected: bytes) -> None:
        address = urlsplit(url)
        self._host, self._port = address.hostname or "", address.port or 80
        self._requests = cycle(requests)
        self._expected = expected
        self._idle: deque[_Connection] = deque()
        self._waiting: deque[tuple[float, bytes]] = deque()
        self._outstanding = 0
        self._is_over = False
        self._reconnecting: set[asyncio.Task[None]] = set()
        self.latencies_s: list[float] = []
        self.lateness_s: list[float] = []
        self.errors: Counter[str] = Counter()

    async def run(self, *, rate_per_s: int, seconds: int) -> None:
        for _ in range(CONNECTIONS):
            await self._connect()
        start_s = monotonic_s()
        for number in range(rate_per_s * seconds):
            due_s = start_s + number / rate_per_s
            pause_s = due_s - monotonic_s()
            if pause_s > 0:
                await asyncio.sleep(pause_s)
            self._send(due_s)
        await self._wait_for_the_last()

    def answered(self, connection: "_Connection", due_s: float, status: bytes, body: bytes) -> None:
        self._outstanding -= 1
        if status != b"200":
            self.errors[f"status {status.decode()}"] += 1
        elif self._expected not in body:
            self.errors["refused"] += 1
        else:
            self.latencies_s.append(monotonic_s() - due_s)
        self._take(connection)

    def lost(self, due_s: float | None, connection: "_Connection") -> None:
        if due_s is not None:
            self._outstanding -= 1
            self.errors["connection lost"] += 1
        elif connection in self._idle:
            self._idle.remove(connection)
        if not self._is_over:
            task = asyncio.get_running_loop().create_task(self._reconnect())
            self._reconnecting.add(task)
            task.add_done_callback(self._reconnecting.discard)

    def _send(self, due_s: float) -> None:
        self._outstanding += 1
        self.lateness_s.append(monotonic_s() - due_s)
        request = next(self._requests)
        if self._idle:
            self._idle.popleft().send(due_s, request)  # in turn, so that both workers get their share
        else:
            self._waiting.append((due_s, request))

    def _take(self, connection: "_Connection") -> None:
        if self._waiting:
            connection.send(*self._waiting.popleft())
        else:
            self._idle.append(connection)

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(lambda: _Connection(self), self._host, self._port)
        self._take(connection)

    async def _reconnect(self) -> None:
        while not self._is_over:
            try:
                await self._connect()
            except OSError:
                await asyncio.sleep(_RECONNECT_AFTER_S)
            else:
                return

    async def _wait_for_the_last(self) -> None:
        deadline_s = monotonic_s() + _ANSWERED_WITHIN_S
        while self._outstanding and monotonic_s() < deadline_s:
            await asyncio.sleep(0.01)
        self._is_over = True
        if self._outstanding:
            self.errors["not answered"] += self._outstanding
        for connection in self._idle:
            connection.close()


class _Connection(asyncio.Protocol):
    """One kept-open connection with at most one request under way."""

    def __init__(self, source: _Source) -> None:
        self._source = source
        self._transport: asyncio.Transport
        self._due_s: float | None = None
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def send(self, due_s: float, request: bytes) -> None:
        self._due_s = due_s
        self._received = b""
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, separator, body = self._received.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if not separator or length is None or len(body) < int(length[1]) or self._due_s is None:
            return
        status = _STATUS.match(head)
        due_s, self._due_s = self._due_s, None
        self._source.answered(self, due_s, status[1] if status else b"unreadable", body)

    def connection_lost(self, _error: Exception | None) -> None:
        due_s, self._due_s = self._due_s, None
        self._source.lost(due_s, self)

    def close(self) -> None:
        self._transport.close()
