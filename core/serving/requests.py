"""One request on the event loop: its head as WSGI names it, its body within deadlines, and its answer."""

import asyncio
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, MutableMapping
from contextlib import ExitStack, asynccontextmanager, contextmanager
from functools import lru_cache
from http import HTTPStatus
from io import BytesIO
from tempfile import SpooledTemporaryFile
from threading import Event
from typing import IO, Any
from wsgiref.types import WSGIEnvironment

from core.clock import monotonic_s
from core.errors import AppError
from core.network import client_address
from core.serving import deadlines
from core.serving.pools import Busy

Message = MutableMapping[str, Any]
Answer = tuple[int, Iterable[tuple[str, str]], bytes]
"""Status, headers and body."""

GRACE_S = 10.0
"""What everybody has for sending a body, or for taking a piece of an answer, however small."""
SLOWEST_BYTES_PER_S = 16_384
"""What a sender or reader must keep up beyond that."""
MOST_NAME_BYTES = 256
"""Of a header that anybody reads. Names are remembered, and must not fill the memory."""
SHORT_BYTES, IN_MEMORY_BYTES = 65_536, 2_097_152
MOST_LONG_BODIES, MOST_LONG_BODIES_OF_ONE = 64, 16
DRAINED_BYTES, DRAINED_WITHIN_S = 8_388_608, 2.0


class TooSlow(AppError):
    status, code, title = HTTPStatus.REQUEST_TIMEOUT, "request_timeout", "The body did not arrive in time"
    advice = "Send the whole body at once. Nothing was stored."


class _LongBodies:
    """How many are there at a time, in all and of one address."""

    def __init__(self) -> None:
        self._of: Counter[str] = Counter()

    @contextmanager
    def one_more(self, address: str) -> Iterator[None]:
        """Raises Busy."""
        if self._of.total() >= MOST_LONG_BODIES or self._of[address] >= MOST_LONG_BODIES_OF_ONE:
            raise Busy
        self._of[address] += 1
        try:
            yield
        finally:
            self._of[address] -= 1
            if not self._of[address]:
                del self._of[address]


_long_bodies = _LongBodies()


class ClientLeft(Exception):
    """The caller closed the connection, or took the answer so slowly that it was closed."""


class Broken(Exception):
    """An answer ended before it was whole; the connection is broken, so that nobody takes it for whole."""


class Request:
    """`close_after` is told to the caller with the answer: it is the last on its connection."""

    __slots__ = (
        *("_has_more", "_is_stopping", "_receive", "_send", "_trusted_hops"),
        *("close_after", "environ", "has_begun", "is_http1", "method", "path"),
    )

    def __init__(
        self,
        scope: Message,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
        *,
        is_stopping: Event,
        trusted_hops: int = 0,
    ) -> None:
        self._receive = receive
        self._send = send
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.is_http1: bool = scope["http_version"].startswith("1")
        self.environ = environ_of(scope)
        self._has_more = self.environ.get("CONTENT_LENGTH", "") not in {"", "0"} or (
            "HTTP_TRANSFER_ENCODING" in self.environ
        )
        self._is_stopping = is_stopping
        self._trusted_hops = trusted_hops
        self.close_after = False
        self.has_begun = False

    @property
    def is_stopping(self) -> bool:
        """Whether the process is to end: nobody waits any longer for what may come."""
        return self._is_stopping.is_set()

    @property
    def address(self) -> str:
        """The caller's, as far as proxies can be believed."""
        return client_address(self.environ, trusted_hops=self._trusted_hops)

    @asynccontextmanager
    async def body(self, *, at_most_bytes: int) -> AsyncIterator[IO[bytes]]:
        """The whole body, or one byte more than `at_most_bytes` of it. Raises TooSlow, Busy or ClientLeft.

        A short one is in memory. Of long ones few are there at a time, and the longest are on the disk.
        """
        if not self._has_more:
            yield BytesIO()
            return
        first, has_more = await self._receive_within(GRACE_S)
        if not has_more and len(first) <= SHORT_BYTES:
            yield BytesIO(first[: at_most_bytes + 1])
            return
        with ExitStack() as held:
            body = held.enter_context(SpooledTemporaryFile(max_size=IN_MEMORY_BYTES))
            body.write(first[: at_most_bytes + 1])
            await self._read_rest(body, at_most_bytes, held)
            body.seek(0)
            yield body

    async def short_body(self, *, at_most_bytes: int) -> bytes:
        """The same for one that may not be long, at most SHORT_BYTES: it is in memory alone."""
        began_s, body = monotonic_s(), b""
        while self._has_more and len(body) <= at_most_bytes:
            piece, _ = await self._receive_within(GRACE_S - (monotonic_s() - began_s))
            body += piece
        return body[: at_most_bytes + 1]

    async def _read_rest(self, body: IO[bytes], at_most_bytes: int, held: ExitStack) -> None:
        began_s, is_long = monotonic_s(), False
        while self._has_more and (received := body.tell()) <= at_most_bytes:
            if received > SHORT_BYTES and not is_long:
                is_long = True
                held.enter_context(_long_bodies.one_more(self.address))
            allowed_s = GRACE_S + received / SLOWEST_BYTES_PER_S - (monotonic_s() - began_s)
            piece, _ = await self._receive_within(allowed_s)
            body.write(piece[: at_most_bytes + 1 - received])

    async def drain(self) -> None:
        """Reads and drops what nobody wants of a body, so that whoever still sends it comes to read the answer.

        If it is very long or slow, the connection is closed instead.
        """
        dropped = 0
        try:
            async with asyncio.timeout(DRAINED_WITHIN_S):
                while self._has_more and dropped < DRAINED_BYTES:
                    dropped += len((await self._receive_next())[0])
        except (TimeoutError, ClientLeft):
            self.close_after = True
            return
        self.close_after = self.close_after or self._has_more

    async def answer(self, status: int, headers: Iterable[tuple[str, str]], body: bytes) -> None:
        """Sends all of it. Who reads slowly holds up nobody: the server keeps it until it is taken."""
        await self.begin(status, headers)
        await self._send({"type": "http.response.body", "body": body, "more_body": False})

    async def begin(self, status: int, headers: Iterable[tuple[str, str]]) -> None:
        """The head of an answer whose pieces follow. No answer overtakes the body, unless that is too slow."""
        if self._has_more and not self.close_after:
            await self.drain()
        encoded = [(_encoded_name(name), value.encode("latin-1")) for name, value in headers]
        if self.is_http1 and (self.close_after or self._is_stopping.is_set()):
            encoded.append((b"connection", b"close"))
        self.has_begun = True
        await self._send({"type": "http.response.start", "status": status, "headers": encoded})

    async def send_piece(self, piece: bytes, *, is_last: bool = False) -> None:
        """Raises ClientLeft where the caller takes it too slowly."""
        try:
            async with asyncio.timeout(GRACE_S + len(piece) / SLOWEST_BYTES_PER_S):
                await self._send({"type": "http.response.body", "body": piece, "more_body": not is_last})
        except TimeoutError:
            raise ClientLeft from None

    async def _receive_within(self, seconds: float) -> tuple[bytes, bool]:
        try:
            with deadlines.within(seconds):
                return await self._receive_next()
        except TimeoutError:
            self.close_after = True
            raise TooSlow from None

    async def _receive_next(self) -> tuple[bytes, bool]:
        message = await self._receive()
        if message["type"] == "http.disconnect":
            self._has_more = False
            raise ClientLeft
        self._has_more = message.get("more_body", False)
        return message.get("body", b""), self._has_more


def environ_of(scope: Message) -> WSGIEnvironment:
    """The head of a request as WSGI has it (PEP 3333); the body is not in it yet."""
    server, path = scope.get("server") or ("localhost", 80), scope["path"]
    environ: WSGIEnvironment = {
        **_THE_SAME_FOR_ALL,
        "REQUEST_METHOD": scope["method"],
        "PATH_INFO": path if path.isascii() else path.encode("utf-8", "surrogateescape").decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_NAME": str(server[0]),
        "SERVER_PORT": str(server[1] or 0),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "REMOTE_ADDR": scope["client"][0] if scope.get("client") else "",
        "wsgi.url_scheme": scope.get("scheme", "http"),
        "wsgi.errors": sys.stderr,
    }
    for raw_name, raw_value in scope["headers"]:
        name = _variable_of(raw_name) if len(raw_name) <= MOST_NAME_BYTES else None
        if name is None:
            continue
        value = raw_value.decode("latin-1")
        if name in environ:
            value = f"{environ[name]}{'; ' if name == 'HTTP_COOKIE' else ','}{value}"
        environ[name] = value
    return environ


_THE_SAME_FOR_ALL = {
    "SCRIPT_NAME": "",
    "wsgi.version": (1, 0),
    "wsgi.multithread": True,
    "wsgi.multiprocess": True,
    "wsgi.run_once": False,
}


@lru_cache(maxsize=1024)
def _variable_of(header: bytes) -> str | None:
    """None for one with an underscore, which would pass for the header that a proxy writes with a hyphen."""
    if b"_" in header:
        return None
    name = header.decode("latin-1").upper().replace("-", "_")
    return name if name in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{name}"


@lru_cache(maxsize=1024)
def _encoded_name(header: str) -> bytes:
    return header.lower().encode("latin-1")
