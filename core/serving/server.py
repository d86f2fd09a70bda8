"""The ASGI app: what is answered ahead of Flask, and Flask for the rest."""

from collections.abc import Awaitable, Callable, Mapping
from threading import Event
from wsgiref.types import WSGIEnvironment

import msgspec
import structlog

from core.errors import PROBLEM_CONTENT_TYPE, AppError, InternalError
from core.hosts import HostNames, UnknownHost
from core.ids import new_request_id
from core.observability import REFUSALS, report_error
from core.security_headers import headers_of_answer
from core.serving.exchange import Exchange
from core.serving.flask_handler import API_PATHS
from core.serving.header_lines import HeaderLines, lines_of
from core.serving.requests import Answer, Broken, ClientLeft, Message, Request, environ_of
from core.settings import Settings

log = structlog.get_logger()

Handler = Callable[[Request], Awaitable[None]]
AtOnce = Callable[[WSGIEnvironment, bytes, Callable[[Answer], None]], bool]
"""Takes on a request whose body is here, and tells its answer later; or does not, and it goes to its handler."""

_PAGE = (
    "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>"
    "<title>{title}</title><h1>{title}</h1><p>{detail}</p><p>Request {request_id}</p></html>"
)


class WebServer:
    """`ahead` are the paths that are answered without Flask; of them `at_once` may be before there is even a task.

    Once `is_stopping` is set, each answer is the last on its connection.
    """

    def __init__(
        self,
        flask: Handler,
        ahead: Mapping[str, Handler],
        settings: Settings,
        *,
        is_stopping: Event,
        at_once: Mapping[str, AtOnce] | None = None,
    ) -> None:
        self._flask = flask
        self._ahead = ahead
        self._at_once = at_once or {}
        self._base_url = settings.base_url
        self._hosts = HostNames(settings)
        self._trusted_hops = settings.trusted_proxy_hops
        self._is_stopping = is_stopping

    async def __call__(
        self, scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
    ) -> None:
        if scope["type"] != "http":
            return
        request = Request(scope, receive, send, is_stopping=self._is_stopping, trusted_hops=self._trusted_hops)
        try:
            self._hosts.need_known(request.environ)
            await self._ahead.get(request.path, self._flask)(request)
        except AppError as refusal:
            if isinstance(refusal, UnknownHost):
                await request.drain()
                request.close_after = True
            await request.answer(*self._shown(request, refusal))
        except ClientLeft:
            _break_off_if_begun(request)
        except Exception as error:
            if not isinstance(error, Broken):  # which was reported where it happened
                log.exception("http.failed")
                report_error(error)
            _break_off_if_begun(request)
            await request.answer(*self._shown(request, InternalError()))

    def at_once(self, exchange: Exchange) -> bool:
        """Whether this request, whose body has come, is taken on; its answer is sent when there is one."""
        take = self._at_once.get(exchange.scope["path"])
        if take is None:
            return False
        environ = environ_of(exchange.scope)
        try:
            self._hosts.need_known(environ)
        except UnknownHost:
            return False

        def answer(made: Answer) -> None:
            status, headers, body = made
            lines = headers if isinstance(headers, HeaderLines) else HeaderLines(lines_of(headers).encode("latin-1"))
            exchange.answer(status, lines, body, is_last=self._is_stopping.is_set())

        try:
            return take(environ, exchange.body, answer)
        except Exception as error:
            log.exception("http.not_taken_on")  # the long way answers, and says what is wrong
            report_error(error)
            return False

    def _shown(self, request: Request, refusal: AppError) -> Answer:
        """A refusal of a request that Flask never saw."""
        REFUSALS.labels(refusal.code).inc()
        problem = refusal.problem(request_id=new_request_id(), base_url=self._base_url)
        is_page = not request.path.startswith(API_PATHS) and "text/html" in request.environ.get("HTTP_ACCEPT", "")
        if is_page:
            content_type = "text/html; charset=utf-8"
            body = _PAGE.format(title=problem.title, detail=problem.detail, request_id=problem.request_id).encode()
        else:
            content_type, body = PROBLEM_CONTENT_TYPE, msgspec.json.encode(problem)
        headers = headers_of_answer(content_type, body, request_id=problem.request_id)
        return problem.status, [*headers, *refusal.headers], body


def _break_off_if_begun(request: Request) -> None:
    """Half an answer must not look like a whole one: the server breaks a connection whose app raises."""
    if request.has_begun:
        raise Broken from None
