"""What every answer through Flask has: a request id, security headers, and errors in the one shape for its reader."""

from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import msgspec
import structlog
from flask import Flask, Response, g, render_template, request
from sqlalchemy.exc import DataError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from structlog.contextvars import bind_contextvars, unbind_contextvars
from werkzeug.exceptions import HTTPException

from core.clock import monotonic_s
from core.db import db, is_away
from core.errors import (
    JSON_CONTENT_TYPE,
    PROBLEM_CONTENT_TYPE,
    AppError,
    InternalError,
    InvalidRequest,
    MethodNotAllowed,
    NotFound,
    Problem,
    ServiceUnavailable,
    TooLarge,
)
from core.forms import texts_sent
from core.htmx import is_htmx
from core.ids import new_request_id
from core.network import (
    HttpsRequired,
    came_in_clear,
    cors_headers,
    need_plain_body,
    preflight_headers,
)
from core.observability import DATABASE_CONNECTION_ERRORS, REFUSALS, note_request, report_error
from core.observability.metrics import shown_method
from core.security_headers import PAGE_HEADERS, SECURITY_HEADERS
from core.settings import Settings

log = structlog.get_logger()

_SECRET_PARTS = frozenset({"secret", "token"})
"""How routes name the part of an address that is known from a mail alone."""
MACHINE_PATHS = (
    "/v1/",
    "/api/",
    "/access/",
    "/.well-known/authzen-configuration",
    "/webhooks/",
    "/health",
    "/metrics",
    "/openapi.json",
)
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})


def init_app(app: Flask, settings: Settings) -> None:
    _begin_and_finish(app, settings)
    _show_errors(app, settings)


def _begin_and_finish(app: Flask, settings: Settings) -> None:
    @app.before_request
    def begin() -> Response | None:
        g.request_id = new_request_id()
        bind_contextvars(request_id=g.request_id)
        g.started_s = monotonic_s()
        answer = _lead_to_https(settings) or _answer_preflight(settings)
        if request.method in _WITH_BODY:
            need_plain_body(request.environ)
        return answer

    @app.after_request
    def finish(answer: Response) -> Response:
        _add_headers(answer, settings)
        route = request.url_rule.rule if request.url_rule else "none"
        note_request(request.method, route, answer.status_code, monotonic_s() - g.started_s)
        tell = log.debug if route.startswith(("/health", "/metrics")) else log.info
        tell("http.request", method=shown_method(request.method), route=route, status=answer.status_code)
        return answer

    @app.teardown_request
    def forget(_error: BaseException | None) -> None:
        unbind_contextvars("request_id")


def _show_errors(app: Flask, settings: Settings) -> None:
    @app.errorhandler(AppError)
    def refuse(refusal: AppError) -> Response:
        db.session.rollback()
        REFUSALS.labels(refusal.code).inc()
        problem = refusal.problem(request_id=g.request_id, base_url=settings.base_url)
        answer = _shown_to_people(problem) if _is_for_people() else _shown_to_machines(problem)
        answer.headers.extend(refusal.headers)
        return answer

    @app.errorhandler(HTTPException)
    def refuse_http(error: HTTPException) -> Response:
        if error.code is not None and error.code < HTTPStatus.BAD_REQUEST:
            return Response(status=error.code, headers=error.get_headers())
        return refuse(_as_refusal(error))

    @app.errorhandler(DBAPIError)
    def refuse_or_fail(error: DBAPIError) -> Response:
        return refuse_for_now(error) if is_away(error) else fail(error)

    @app.errorhandler(PoolTimeout)
    def refuse_for_now(error: Exception) -> Response:
        g.has_failed = True
        if isinstance(error, PoolTimeout):
            DATABASE_CONNECTION_ERRORS.inc()
        log.warning("http.database_away", exc_info=error)
        return refuse(ServiceUnavailable())

    @app.errorhandler(DataError)
    def refuse_value(_error: DataError) -> Response:
        """A value that the database cannot hold: a NUL in a text, a number out of all range."""
        return refuse(
            InvalidRequest("The URL or the form contains a value that is not valid. Correct it and try again.")
        )

    @app.errorhandler(Exception)
    def fail(error: Exception) -> Response:
        g.has_failed = True
        log.error("http.failed", exc_info=error)
        report_error(error, request_id=g.request_id)
        return refuse(InternalError())


def _lead_to_https(settings: Settings) -> Response | None:
    """Pages are led on. The API is refused aloud, or a key would go on being sent in clear and nobody would notice."""
    is_in_clear = settings.is_https and came_in_clear(request.environ, trusted_hops=settings.trusted_proxy_hops)
    if not is_in_clear or request.path.startswith("/health"):
        return None
    if request.path.startswith(MACHINE_PATHS):
        raise HttpsRequired
    query = f"?{request.query_string.decode('latin-1')}" if request.query_string else ""
    location = f"{settings.base_url}{quote(request.path)}{query}"
    return Response(status=HTTPStatus.PERMANENT_REDIRECT, headers={"Location": location})


def _answer_preflight(settings: Settings) -> Response | None:
    if request.method != "OPTIONS" or "Access-Control-Request-Method" not in request.headers:
        return None
    headers = preflight_headers(request.headers.get("Origin"), allowed=settings.allowed_origins)
    return Response(status=204, headers=list(headers))


def _is_for_people() -> bool:
    """Whether a person reads the answer: the address is a page's, and the reader takes HTML before JSON."""
    if request.path.startswith(MACHINE_PATHS):
        return False
    if is_htmx():
        return True
    return request.accept_mimetypes.best_match([JSON_CONTENT_TYPE, "text/html"]) == "text/html"


def _shown_to_machines(problem: Problem) -> Response:
    return Response(msgspec.json.encode(problem), status=problem.status, content_type=PROBLEM_CONTENT_TYPE)


def _shown_to_people(problem: Problem) -> Response:
    """A page that gives back what was written, or for htmx, which leaves the form as it is, a notice on its page."""
    if not is_htmx():
        page = render_template("core/refusal.html", problem=problem, texts=texts_sent())
        return Response(page, status=problem.status)
    return Response(
        render_template("core/_refusal.html", problem=problem),
        status=problem.status,
        headers={"HX-Retarget": "#messages", "HX-Reswap": "innerHTML"},
    )


def _add_headers(answer: Response, settings: Settings) -> None:
    headers: list[tuple[str, str]] = [
        ("X-Request-Id", g.request_id),
        *SECURITY_HEADERS,
        *g.get("limit_headers", ()),
        *cors_headers(request.headers.get("Origin"), allowed=settings.allowed_origins),
    ]
    if _has_secret_address():
        headers.append(("Referrer-Policy", "no-referrer"))
    if answer.mimetype == "text/html":
        headers += PAGE_HEADERS
    if "Cache-Control" not in answer.headers:
        headers.append(("Cache-Control", "no-store"))
    for name, value in headers:
        answer.headers.setdefault(name, value)


def _has_secret_address() -> bool:
    """Whether the address itself opens something, so that no link on the page may carry it on."""
    return not _SECRET_PARTS.isdisjoint(request.view_args or ())


def _as_refusal(error: Any) -> AppError:
    if error.code == NotFound.status:
        return NotFound()
    if error.code == MethodNotAllowed.status:
        allowed = ", ".join(sorted(error.valid_methods or ()))
        return MethodNotAllowed(headers=(("Allow", allowed),))
    if error.code == TooLarge.status:
        return TooLarge()
    if error.code is not None and error.code < HTTPStatus.INTERNAL_SERVER_ERROR:
        return InvalidRequest("The request could not be read. Compare it with the reference at /docs.")
    return InternalError()
