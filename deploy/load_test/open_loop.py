"""A steady load: requests leave at fixed times, whether or not the ones before were answered.

Latency counts from the time at which a request should have left, so that a stall shows in every request it delayed.
"""

import asyncio
import gc
import re
import selectors
import ssl
import time
from collections import Counter, deque
from collections.abc import Iterable, Sequence
from itertools import cycle
from math import ceil
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


class Question(msgspec.Struct, frozen=True):
    """A request as it goes over the wire, and what must come back: the status, and a part of the body."""

    raw: bytes
    status: bytes = b"200"
    expected: bytes = b""


def question_of(
    url: str,
    path: str,
    *,
    authorization: str | None = None,
    body: bytes | None = None,
    status: int = 200,
    expected: bytes = b"",
) -> Question:
    """A POST of JSON, or without a body a GET."""
    lines = [f"{'GET' if body is None else 'POST'} {path} HTTP/1.1", f"Host: {urlsplit(url).netloc}"]
    if authorization is not None:
        lines.append(f"Authorization: {authorization}")
    if body is not None:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    raw = "\r\n".join([*lines, "", ""]).encode() + (body or b"")
    return Question(raw=raw, status=str(status).encode(), expected=expected)


def hold(
    url: str, questions: Iterable[Question], *, rate_per_s: int, seconds: int, connections: int = CONNECTIONS
) -> Outcome:
    """Asks in turn, from the start again after the last. Every answer but the expected one is an error."""
    gc.collect()
    gc.freeze()
    used_s, began_s = time.process_time(), monotonic_s()
    # epoll waits in whole milliseconds, which is as long as the answers take; select does not.
    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(selectors.SelectSelector())) as runner:
        source = _Source(url, questions)
        runner.run(source.run(rate_per_s=rate_per_s, seconds=seconds, connections=connections))
    cpu_share = (time.process_time() - used_s) / (monotonic_s() - began_s)
    gc.unfreeze()
    return Outcome(
        latencies_s=sorted(source.latencies_s),
        lateness_s=sorted(source.lateness_s),
        errors=dict(source.errors),
        cpu_share=cpu_share,
    )


def percentile(ascending: Sequence[float], percent: float) -> float:
    """The smallest value that `percent` of all do not exceed."""
    return ascending[max(0, ceil(len(ascending) * percent / 100) - 1)]


class _Source:
    def __init__(self, url: str, questions: Iterable[Question]) -> None:
        address = urlsplit(url)
        is_https = address.scheme == "https"
        self._host, self._port = address.hostname or "", address.port or (443 if is_https else 80)
        self._tls = ssl.create_default_context() if is_https else None
        self._questions = cycle(questions)
        self._idle: deque[_Connection] = deque()
        self._waiting: deque[tuple[float, Question]] = deque()
        self._outstanding = 0
        self._is_over = False
        self._reconnecting: set[asyncio.Task[None]] = set()
        self.latencies_s: list[float] = []
        self.lateness_s: list[float] = []
        self.errors: Counter[str] = Counter()

    async def run(self, *, rate_per_s: int, seconds: int, connections: int) -> None:
        for _ in range(connections):
            await self._connect()
        start_s = monotonic_s()
        for number in range(rate_per_s * seconds):
            due_s = start_s + number / rate_per_s
            pause_s = due_s - monotonic_s()
            if pause_s > 0:
                await asyncio.sleep(pause_s)
            self._send(due_s)
        await self._wait_for_the_last()

    def answered(self, connection: "_Connection", asked: "_Asked", status: bytes, body: bytes) -> None:
        self._outstanding -= 1
        due_s, question = asked
        if status != question.status:
            self.errors[f"status {status.decode()}"] += 1
        elif question.expected not in body:
            self.errors["another answer"] += 1
        else:
            self.latencies_s.append(monotonic_s() - due_s)
        self._take(connection)

    def lost(self, asked: "_Asked | None", connection: "_Connection") -> None:
        if asked is not None:
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
        question = next(self._questions)
        if self._idle:
            self._idle.popleft().send(due_s, question)  # in turn, so that both workers get their share
        else:
            self._waiting.append((due_s, question))

    def _take(self, connection: "_Connection") -> None:
        if self._waiting:
            connection.send(*self._waiting.popleft())
        else:
            self._idle.append(connection)

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(lambda: _Connection(self), self._host, self._port, ssl=self._tls)
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
        self._asked: _Asked | None = None
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def send(self, due_s: float, question: Question) -> None:
        self._asked = (due_s, question)
        self._received = b""
        self._transport.write(question.raw)

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, separator, body = self._received.partition(b"\r\n\r\n")
        if not separator or self._asked is None or not _is_whole(head, body):
            return
        status = _STATUS.match(head)
        asked, self._asked = self._asked, None
        self._source.answered(self, asked, status[1] if status else b"unreadable", body)

    def connection_lost(self, _error: Exception | None) -> None:
        asked, self._asked = self._asked, None
        self._source.lost(asked, self)

    def close(self) -> None:
        self._transport.close()


_Asked = tuple[float, Question]
"""When a request should have left, and the request."""


def _is_whole(head: bytes, body: bytes) -> bool:
    """A proxy may send the answer in chunks; its length is not told then."""
    length = _LENGTH.search(head)
    return len(body) >= int(length[1]) if length else body.endswith(b"0\r\n\r\n")
