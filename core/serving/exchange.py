"""One request and its answer on a connection, as the app has them: ASGI's `receive` and `send`."""

import asyncio
from collections.abc import MutableMapping, Sequence
from email.utils import formatdate
from http import HTTPStatus
from typing import Any, Protocol

from core.clock import unix_ms
from core.serving.header_lines import HeaderLines
from core.serving.requests import ClientLeft

Message = MutableMapping[str, Any]
RawHeaders = Sequence[tuple[bytes, bytes]]

HELD_BYTES = 65_536
"""Of a body that nobody took yet; then the caller has to wait."""
_STATUS_LINES = {int(one): f"HTTP/1.1 {one} {one.phrase}\r\n".encode() for one in HTTPStatus}
_BODILESS = frozenset({int(HTTPStatus.NO_CONTENT), int(HTTPStatus.NOT_MODIFIED)})
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_LAST_CHUNK = b"0\r\n\r\n"


class Line(Protocol):
    """What an exchange needs of its connection."""

    is_lost: bool

    def write(self, data: bytes) -> None: ...

    async def drained(self) -> None: ...

    def hold(self) -> None: ...

    def go_on(self) -> None: ...

    def ended(self) -> None: ...


class Exchange:
    __slots__ = (
        *("_head", "_is_chunked", "_line", "_may_have_body", "_pieces", "_waiting", "expects_continue", "has_body"),
        *("has_more", "is_done", "keep_alive", "scope"),
    )

    def __init__(self, line: Line, scope: Message, *, keep_alive: bool, expects_continue: bool) -> None:
        self._line = line
        self.scope = scope
        self.keep_alive = keep_alive
        self.expects_continue = expects_continue
        self.has_more = True
        """Whether more of the body is to come."""
        self.is_done = False
        self._pieces: list[bytes] = []
        self._waiting: asyncio.Future[None] | None = None
        self._head: tuple[int, RawHeaders] | None = None
        self._is_chunked = False
        self._may_have_body = True

    def take(self, piece: bytes) -> None:
        """A piece of the body came."""
        if self.is_done:
            return
        self._pieces.append(piece)
        if len(self._pieces) > 1 and sum(map(len, self._pieces)) > HELD_BYTES:
            self._line.hold()
        self.wake()

    def wake(self) -> None:
        """Something changed for whoever waits for the body."""
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    @property
    def body(self) -> bytes:
        """What came of it so far and nobody took."""
        return self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)

    def answer(self, status: int, headers: HeaderLines, body: bytes, *, is_last: bool) -> None:
        """All of it at once; its length is among the headers. Nothing is sent to a caller who left."""
        if self._line.is_lost:
            return
        self.keep_alive = self.keep_alive and not is_last
        end = b"\r\n" if self.keep_alive else b"connection: close\r\n\r\n"
        self._line.write(b"".join((_STATUS_LINES[status], headers.lines, _date_line(), end, body)))
        self.is_done = True
        self._line.ended()

    async def receive(self) -> Message:
        if self.expects_continue and self.has_more and not self._line.is_lost:
            self._line.write(_CONTINUE)
        self.expects_continue = False
        while not self._pieces and self.has_more and not self._line.is_lost:
            await self._more()
        if self._line.is_lost:
            return {"type": "http.disconnect"}
        body = self.body
        self._pieces.clear()
        self._line.go_on()
        return {"type": "http.request", "body": body, "more_body": self.has_more}

    async def send(self, message: Message) -> None:
        """Raises ClientLeft."""
        if self._line.is_lost:
            raise ClientLeft
        if message["type"] == "http.response.start":
            self._head = message["status"], message["headers"]
            return
        body, has_more = message.get("body", b""), message.get("more_body", False)
        head, self._head = self._head, None
        if head is not None:
            self._line.write(self._begun(*head, is_whole=not has_more, body=body))
        else:
            self._line.write(self._framed(body, is_last=not has_more))
        if has_more:
            await self._line.drained()
        else:
            self.is_done = True
            self._line.ended()

    async def _more(self) -> None:
        self._line.go_on()
        self._waiting = asyncio.get_running_loop().create_future()
        try:
            await self._waiting
        finally:
            self._waiting = None

    def _begun(self, status: int, headers: RawHeaders, *, is_whole: bool, body: bytes) -> bytes:
        """Head and first piece at once, so that they go in one packet. Raises ValueError."""
        names = {name for name, _ in headers}
        lines = [_STATUS_LINES[status], *(b"%b: %b\r\n" % header for header in headers), _date_line()]
        self._may_have_body = status not in _BODILESS and self.scope["method"] != "HEAD"
        if b"connection" in names and (b"connection", b"close") in headers:
            self.keep_alive = False
        elif not self.keep_alive:
            lines.append(b"connection: close\r\n")
        if b"content-length" not in names and self._may_have_body:
            if is_whole:
                lines.append(b"content-length: %d\r\n" % len(body))
            elif self.scope["http_version"] == "1.0":
                self.keep_alive = False  # the end of the connection is that of the answer
            else:
                self._is_chunked = True
                lines.append(b"transfer-encoding: chunked\r\n")
        head = b"".join(lines)
        if head.count(b"\n") != len(lines) or head.count(b"\r") != len(lines):
            raise ValueError("a header of an answer has a line break in it")
        return head + b"\r\n" + self._framed(body, is_last=is_whole)

    def _framed(self, body: bytes, *, is_last: bool) -> bytes:
        if not self._may_have_body:
            return b""
        if not self._is_chunked:
            return body
        chunk = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
        return chunk + _LAST_CHUNK if is_last else chunk


_dated: list[Any] = [0, b""]


def _date_line() -> bytes:
    """Made once a second."""
    now_s = unix_ms() // 1000
    if _dated[0] != now_s:
        _dated[:] = [now_s, f"date: {formatdate(now_s, usegmt=True)}\r\n".encode()]
    line: bytes = _dated[1]
    return line
