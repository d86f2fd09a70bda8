"""HTTP/1.1 on the event loop itself: a connection, parsed by llhttp, with one request after the other.

The loop reads and writes without another thread: handing each request over from a server's own threads cost several
times what a check costs.
"""

import asyncio
import socket
import struct
from collections import deque
from collections.abc import Awaitable, Callable, MutableSet
from typing import Any

import httptools
import structlog

from core.clock import monotonic_s
from core.observability import report_error
from core.serving.exchange import Exchange, Message
from core.serving.heads import HEAD_TOO_LARGE, MALFORMED, TOO_MANY, refusal_of, scope_of
from core.serving.requests import GRACE_S, SLOWEST_BYTES_PER_S, Broken, ClientLeft

log = structlog.get_logger()

App = Callable[[Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]]

HEAD_WITHIN_S = 10.0
IDLE_S = 120.0
"""Longer than proxies keep a connection that they do not use, so that they close it and we never cross a request."""
MOST_HEAD_BYTES = 65_536
MOST_CONNECTIONS = 8_192
MOST_AHEAD = 64
"""So many requests may wait for the answer to the one before them; what follows is dropped with the connection."""
LINGER_S = 2.0
"""So long what a caller still sends is read and dropped, so that the answer is not lost with it."""
_NEVER = float("inf")
_NO_LINGER = struct.pack("ii", 1, 0)


class Connection(asyncio.Protocol):
    """`all_of_them` are those that are open; each has until `until_s`, and is closed then.

    `at_once` is asked about a request whose body has come, before it gets a task of its own: whether it takes it on.
    """

    def __init__(
        self, app: App, all_of_them: MutableSet["Connection"], at_once: Callable[[Exchange], bool] | None = None
    ) -> None:
        self._app = app
        self._at_once = at_once
        self._all = all_of_them
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpRequestParser(self)
        self._exchange: Exchange | None = None
        """The one that is answered now."""
        self._incoming: Exchange | None = None
        """The one whose body comes now; a caller may send several before the first is answered."""
        self._next: deque[Exchange] = deque()
        self._task: asyncio.Task[None] | None = None
        self._drained: asyncio.Future[None] | None = None
        self._url = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._head_bytes = 0
        self._is_in_head = self._has_body_come = self._has_to_begin = False
        self._is_held = self._is_full = self._is_deaf = self._is_closing = self.is_lost = False
        self.until_s = monotonic_s() + HEAD_WITHIN_S

    @property
    def is_idle(self) -> bool:
        return self._exchange is None and not self._next and not self._is_in_head

    def connection_made(self, transport: Any) -> None:
        self._transport: asyncio.Transport = transport
        self._server, self._client = transport.get_extra_info("sockname"), transport.get_extra_info("peername")
        transport.set_write_buffer_limits(high=65_536)
        self._all.add(self)
        if len(self._all) > MOST_CONNECTIONS:
            self._refuse(TOO_MANY)

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002  whatever it was
        self.is_lost = True
        self._all.discard(self)
        self._next.clear()
        if self._exchange is not None:
            self._exchange.wake()
        self._tell_drained()

    def close(self) -> None:
        """What is under way is answered no more; what was answered is sent, to a reader who reads."""
        self._is_closing = True
        pending_bytes = self._transport.get_write_buffer_size()
        self.until_s = monotonic_s() + GRACE_S + pending_bytes / SLOWEST_BYTES_PER_S
        self._transport.close()

    def time_is_over(self) -> None:
        if self._is_closing or self._transport.get_write_buffer_size():
            self._transport.abort()
        else:
            self.close()

    # What the parser tells.

    def data_received(self, data: bytes) -> None:
        if self._is_closing or self._is_deaf:
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            pass  # nobody is offered another protocol: the request is answered, and the connection closed
        except httptools.HttpParserError:
            self._refuse(MALFORMED)
        else:
            self._count(len(data))
        if self._has_to_begin and self._exchange is not None:
            self._begin(self._exchange)

    def _count(self, size_bytes: int) -> None:
        """What came of a head, or of what surrounds the chunks of a body; the parser keeps all of it."""
        if self._is_in_head or self._incoming is not None:
            self._head_bytes = 0 if self._has_body_come else self._head_bytes + size_bytes
            if self._head_bytes > MOST_HEAD_BYTES:
                self._refuse(HEAD_TOO_LARGE)
        self._has_body_come = False

    def on_message_begin(self) -> None:
        self._url, self._headers, self._head_bytes = b"", [], 0
        self._is_in_head = True
        if self._exchange is None:
            self.until_s = monotonic_s() + HEAD_WITHIN_S

    def on_url(self, piece: bytes) -> None:
        self._url += piece

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._is_in_head:  # and not after a body in chunks
            self._headers.append((name.lower(), value.strip(b" \t")))

    def on_headers_complete(self) -> None:
        self._is_in_head = False
        headers, parser = self._headers, self._parser
        version, names = parser.get_http_version(), [name for name, _ in headers]
        refusal = refusal_of(version, names, headers)
        if refusal is not None or self._is_deaf or len(self._next) >= MOST_AHEAD:
            self._refuse(refusal or MALFORMED)
            return
        method = parser.get_method().decode("ascii")
        exchange = self._incoming = Exchange(
            self,
            scope_of(method, self._url, headers, version=version, server=self._server, client=self._client),
            keep_alive=version == "1.1" and parser.should_keep_alive() and not parser.should_upgrade(),
            expects_continue=version == "1.1" and b"expect" in names,
        )
        if self._exchange is None and not self._next and not self._is_full:
            self._start(exchange)
        else:
            self._next.append(exchange)
            self._transport.pause_reading()

    def on_body(self, piece: bytes) -> None:
        self._has_body_come = True
        if self._incoming is not None:
            self._incoming.take(piece)

    def on_message_complete(self) -> None:
        incoming, self._incoming = self._incoming, None
        if incoming is not None:
            incoming.has_more = False
            incoming.wake()

    # What an exchange asks for.

    def write(self, data: bytes) -> None:
        self._transport.write(data)

    async def drained(self) -> None:
        """Raises nothing: who writes next hears that the caller left."""
        if self._is_full and not self.is_lost:
            self._drained = self._loop.create_future()
            await self._drained

    def hold(self) -> None:
        if not self._is_held:
            self._is_held = True
            self._transport.pause_reading()

    def go_on(self) -> None:
        if self._is_held:
            self._is_held = False
            if not self._next:
                self._transport.resume_reading()

    def ended(self) -> None:
        exchange, self._exchange = self._exchange, None
        assert exchange is not None  # noqa: S101  it is the one that says so
        if exchange.has_more or not exchange.keep_alive:
            self._end(is_unread=exchange.has_more or self._is_deaf or bool(self._next))
            return
        self.until_s = monotonic_s() + (HEAD_WITHIN_S if self._is_in_head else IDLE_S)
        self.go_on()
        if self._next:
            self._start_next()

    def pause_writing(self) -> None:
        self._is_full = True

    def resume_writing(self) -> None:
        self._is_full = False
        self._tell_drained()
        if self._exchange is None:
            self._start_next()

    def _tell_drained(self) -> None:
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)

    def _start_next(self) -> None:
        """Not before the caller takes what was answered."""
        if self._next and not self._is_full and not self._is_closing:
            exchange = self._next.popleft()
            self._start(exchange)
            self._begin(exchange)
            if not self._next:
                self._transport.resume_reading()

    def _start(self, exchange: Exchange) -> None:
        """With what comes of its body in the same piece."""
        self._exchange = exchange
        self.until_s = _NEVER
        self._has_to_begin = True

    def _begin(self, exchange: Exchange) -> None:
        self._has_to_begin = False
        if exchange.has_more or self._at_once is None or not self._at_once(exchange):
            self._task = self._loop.create_task(self._run(exchange))

    async def _run(self, exchange: Exchange) -> None:
        try:
            await self._app(exchange.scope, exchange.receive, exchange.send)
        except (Broken, ClientLeft):
            pass  # whoever could do something about it was told
        except Exception as error:
            log.exception("http.failed")
            report_error(error)
        if not exchange.is_done:
            self.break_off()

    def break_off(self) -> None:
        """With a reset, or an answer that lasts until the end of its connection would look whole."""
        if not self.is_lost:
            plain: socket.socket = self._transport.get_extra_info("socket")
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        self._transport.abort()

    def _end(self, *, is_unread: bool) -> None:
        self._next.clear()
        if is_unread and not self.is_lost:
            self._is_closing = True
            self.until_s = monotonic_s() + LINGER_S
            self._transport.write_eof()
            self._transport.resume_reading()
        else:
            self.close()

    def _refuse(self, answer: bytes) -> None:
        """Of what is no request; nobody was asked. Those before it are answered yet, and the connection ends then."""
        self._is_deaf = True
        before = self._next[-1] if self._next else self._exchange
        if self._incoming is not None or self.is_lost:
            self._transport.abort()  # the body of a request is not what it was said to be
        elif before is not None:
            before.keep_alive = False
        elif not self._is_closing:
            self._transport.write(answer)
            self._end(is_unread=True)
