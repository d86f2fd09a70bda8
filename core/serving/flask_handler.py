"""Flask behind the event loop: in pools of threads, each kind of request in one of its own."""

from collections.abc import Callable, Hashable, Iterable, Iterator
from contextvars import Context, copy_context
from http import HTTPStatus
from io import SEEK_END
from typing import Any
from wsgiref.types import WSGIApplication, WSGIEnvironment

import msgspec
import structlog

from core.clock import monotonic_s
from core.errors import TooLarge
from core.observability import report_error
from core.serving.pools import Pool
from core.serving.requests import SLOWEST_BYTES_PER_S, Answer, Broken, ClientLeft, Request
from core.settings import Settings

log = structlog.get_logger()

MOST_BODY_BYTES = 16_777_216
"""Of any request. Each form and each address of the API takes less, and says so itself."""
PIECE_BYTES, PIECE_S = 65_536, 0.5
"""A piece of a download is sent when it is so long, or took so long to make."""
PATIENCE_S = 60.0
"""A reader may be slower than the slowest for so long in all."""
API_PATHS = ("/v1/", "/api/", "/access/", "/webhooks/", "/openapi.json")
WATCH_PATHS = frozenset({"/health/ready", "/metrics"})
TURN = "aig.turn"
"""In the environ of a request: who takes turns with others in downloading, where that is not its session or key."""
_BODILESS = frozenset({int(HTTPStatus.NO_CONTENT), int(HTTPStatus.NOT_MODIFIED)})


class Download(msgspec.Struct, frozen=True):
    """An answer whose length is not known before it is made; `context` is that of the request's thread."""

    status: int
    headers: list[tuple[str, str]]
    pieces: Iterator[bytes]
    close: Callable[[], None]
    context: Context


class Places(msgspec.Struct, frozen=True):
    """How many requests of each kind a process answers at once."""

    pages: int
    api: int
    downloads: int
    watch: int = 2

    @property
    def total(self) -> int:
        """Each may hold a connection of the database."""
        return self.pages + self.api + self.downloads + self.watch


def places_of(settings: Settings) -> Places:
    threads = settings.web_threads
    return Places(pages=threads, api=max(2, threads // 2), downloads=max(2, threads // 4))


class FlaskHandler:
    """`organization_of` says to whom an Authorization header belongs, where that is known without waiting."""

    def __init__(
        self,
        wsgi_app: WSGIApplication,
        settings: Settings,
        *,
        session_cookie: str,
        organization_of: Callable[[str], Hashable | None] = lambda authorization: authorization or None,
    ) -> None:
        places = places_of(settings)
        self._organization_of = organization_of
        self._session_cookie = f"{session_cookie}="
        self._wsgi_app = wsgi_app
        self._pages = Pool("pages", places.pages, per_key=max(1, places.pages // 2), computing=2)
        self._api = Pool("api", places.api, per_key=max(1, places.api // 2), computing=2)
        self._watch = Pool("watch", places.watch)
        self._downloads = Pool("downloads", places.downloads, per_key=max(1, places.downloads // 2))

    async def __call__(self, request: Request) -> None:
        """Raises an AppError where Flask was not asked."""
        async with request.body(at_most_bytes=MOST_BODY_BYTES) as body:
            length = body.seek(0, SEEK_END)
            if length > MOST_BODY_BYTES:
                raise TooLarge
            body.seek(0)
            request.environ["wsgi.input"] = body
            request.environ["CONTENT_LENGTH"] = str(length) if length else request.environ.get("CONTENT_LENGTH", "")
            request.environ.pop("HTTP_TRANSFER_ENCODING", None)  # the body is whole now, however it came
            caller = self._caller_of(request)
            made = await self._pool_for(request.path).run(caller, self._ask_flask, request.environ)
            if isinstance(made, Download):
                await self._send(request, made, caller)
            else:
                await request.answer(*made)

    def _caller_of(self, request: Request) -> Hashable:
        """Who takes turns with the others: a session, all keys of an organization, or an address."""
        cookies = request.environ.get("HTTP_COOKIE", "").split("; ")
        session = next((cookie for cookie in cookies if cookie.startswith(self._session_cookie)), "")
        if session:
            return session
        return self._organization_of(request.environ.get("HTTP_AUTHORIZATION", "")) or request.address

    def _pool_for(self, path: str) -> Pool:
        if path in WATCH_PATHS:
            return self._watch
        return self._api if path.startswith(API_PATHS) else self._pages

    def _ask_flask(self, environ: WSGIEnvironment) -> Answer | Download:
        return copy_context().run(self._in_context, environ)

    def _in_context(self, environ: WSGIEnvironment) -> Answer | Download:
        started: list[Any] = []

        def start_response(status: str, headers: list[tuple[str, str]], _error: Any = None) -> Any:
            started[:] = [int(status[:3]), headers]

        pieces = self._wsgi_app(environ, start_response)
        status, headers = started
        has_length = any(name.lower() == "content-length" for name, _ in headers)
        if has_length or status in _BODILESS or environ["REQUEST_METHOD"] == "HEAD":
            return status, headers, _joined(pieces)
        return Download(status, headers, iter(pieces), _closing(pieces), copy_context())

    async def _send(self, request: Request, download: Download, caller: Hashable) -> None:
        """A thread is held only while a piece is made, and none while the reader takes it."""
        turn = request.environ.get(TURN, caller)
        try:
            async with self._downloads.place(turn):
                piece, is_last = await self._next_piece(download)
                await request.begin(download.status, download.headers)
                await request.send_piece(piece, is_last=is_last)
                if not is_last:
                    await self._send_rest(request, download)
        finally:
            await self._downloads.in_thread(lambda: download.context.run(download.close))

    async def _send_rest(self, request: Request, download: Download) -> None:
        sent_bytes, waited_s, is_last = 0, 0.0, False
        while not is_last:
            piece, is_last = await self._next_piece(download)
            began_s = monotonic_s()
            await request.send_piece(piece, is_last=is_last)
            sent_bytes += len(piece)
            waited_s += monotonic_s() - began_s
            if waited_s > PATIENCE_S + sent_bytes / SLOWEST_BYTES_PER_S:
                raise ClientLeft

    async def _next_piece(self, download: Download) -> tuple[bytes, bool]:
        return await self._downloads.in_thread(lambda: download.context.run(_next_piece, download.pieces))


def _next_piece(pieces: Iterator[bytes]) -> tuple[bytes, bool]:
    """As much as is worth sending, and whether it was the last. Raises Broken, with the cause reported."""
    gathered: list[bytes] = []
    length, began_s = 0, monotonic_s()
    try:
        for piece in pieces:
            gathered.append(piece)
            length += len(piece)
            if length >= PIECE_BYTES or monotonic_s() - began_s >= PIECE_S:
                return b"".join(gathered), False
    except Exception as error:
        log.exception("http.download_broken")
        report_error(error)
        raise Broken from None
    return b"".join(gathered), True


def _joined(pieces: Iterable[bytes]) -> bytes:
    try:
        return b"".join(pieces)
    finally:
        _closing(pieces)()


def _closing(pieces: Iterable[bytes]) -> Callable[[], None]:
    close: Callable[[], None] = getattr(pieces, "close", lambda: None)
    return close
