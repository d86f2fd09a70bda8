"""The fast lane: checks are answered ahead of Flask, in the same process.

Each call is authenticated and its body read in its own thread. Those that then wait at the same moment go through
together, step by step: all are counted in one call of the limiter, each is decided, all are put on record in one
commit, each is answered. Every other request
goes to Flask.
"""

from collections.abc import Callable, Iterable, Sequence
from http import HTTPStatus
from itertools import chain, count, pairwise
from operator import methodcaller
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

import msgspec
import structlog
from structlog.contextvars import bind_contextvars, unbind_contextvars

from api.access import authenticate
from api.checks import service
from api.checks.calls import Call, Check, Checks, Probe
from api.limits.headers import headers_of, refusal_of
from api.machine_room import MachineRoom
from core.clock import monotonic_s, utc_now
from core.errors import JSON_CONTENT_TYPE, PROBLEM_CONTENT_TYPE, AppError, InternalError, MethodNotAllowed
from core.grouping import Group
from core.network import SECURITY_HEADERS, HttpsRequired, came_in_clear, client_address, cors_headers
from core.observability import REFUSALS, STAGE_DURATION, note_request, report_error

log = structlog.get_logger()

KINDS: dict[str, type[Call]] = {"/v1/check": Check, "/v1/checks": Checks, "/api/evaluate": Probe}

TIMED_EVERY = 10
"""Of how many groups one is timed stage by stage: telling Prometheus of each would cost as much as deciding does."""
_STAGES = tuple(STAGE_DURATION.labels(stage) for stage in ("limit", "decide", "record"))

_encode = msgspec.json.Encoder().encode
_STATUS_LINES = {int(status): f"{status} {status.phrase}" for status in HTTPStatus}

Answer = tuple[str, list[tuple[str, str]], bytes]
"""Status line, headers and body."""


class Lane:
    """WSGI middleware around the Flask app."""

    def __init__(self, flask_wsgi: Any, room: MachineRoom) -> None:
        self._flask_wsgi = flask_wsgi
        self._room = room
        self._settings = room.settings
        self._origins = room.settings.allowed_origins
        self._group: Group[Call, Answer] = Group(self._answer_all)
        self._groups = count()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        kind = KINDS.get(environ["PATH_INFO"])
        if kind is None or environ["REQUEST_METHOD"] == "OPTIONS":
            return self._flask_wsgi(environ, start_response)  # type: ignore[no-any-return]
        call = kind(environ)
        bind_contextvars(request_id=call.request_id)
        try:
            status_line, headers, body = self._go_through(call)
        finally:
            unbind_contextvars("request_id")
        start_response(status_line, headers)
        note_request(environ["REQUEST_METHOD"], environ["PATH_INFO"], call.status, monotonic_s() - call.started_s)
        return [body]

    def _go_through(self, call: Call) -> Answer:
        """Whoever is not known is turned away before a byte of the body is waited for."""
        if self._take([call], self._admit):
            call.read_body()
            try:
                return self._group.submit(call)
            except Exception as error:  # noqa: BLE001  the last line: the caller gets a problem document, we a report
                self._report(call, error)
        return self._answer(call)

    def _answer_all(self, calls: Sequence[Call]) -> list[Answer]:
        weighed = self._take(calls, methodcaller("weigh"))
        times_s = [monotonic_s()]
        counted = self._count(weighed)
        times_s.append(monotonic_s())
        decided = self._decide(counted)
        times_s.append(monotonic_s())
        self._record(decided)
        times_s.append(monotonic_s())
        if next(self._groups) % TIMED_EVERY == 0:
            for stage, (before_s, after_s) in zip(_STAGES, pairwise(times_s), strict=True):
                stage.observe(after_s - before_s)
        return [self._answer(call) for call in calls]

    def _take(self, calls: Sequence[Call], step: Callable[[Call], Any]) -> list[Call]:
        """Those calls that come through a step; of the others, why not is kept."""
        for call in calls:
            try:
                step(call)
            except AppError as refusal:
                call.refusal = refusal
            except Exception as error:  # noqa: BLE001  one call's trouble is not the others'
                self._report(call, error)
        return [call for call in calls if call.refusal is None]

    def _admit(self, call: Call) -> None:
        hops = self._settings.trusted_proxy_hops
        if self._settings.is_https and came_in_clear(call.environ, trusted_hops=hops):
            raise HttpsRequired
        if call.environ["REQUEST_METHOD"] != "POST":
            raise MethodNotAllowed(headers=(("Allow", "POST"),))
        now = utc_now()
        address = client_address(call.environ, trusted_hops=hops)
        call.caller = authenticate(
            call.environ.get("HTTP_AUTHORIZATION", ""),
            address=address,
            request_id=call.request_id,
            snapshots=self._room.snapshots,
            now=now,
        )
        self._room.uses.note(call.caller.key.id, address=address, at=now)

    def _count(self, calls: Sequence[Call]) -> list[Call]:
        verdicts = self._room.hit_checks([(call.caller, call.cost) for call in calls])
        for call, verdict in zip(calls, verdicts, strict=True):
            call.limit = verdict
            if not verdict.granted:
                call.refusal = refusal_of(verdict)
        return [call for call in calls if call.refusal is None]

    def _decide(self, calls: Sequence[Call]) -> dict[Call, Sequence[service.Decided]]:
        """What must be on record before the answers may leave."""
        decided: dict[Call, Sequence[service.Decided]] = {}

        def decide(call: Call) -> None:
            if call.scope is not None:
                call.caller.need(call.scope)
            decided[call] = call.decide()

        return {call: decided[call] for call in self._take(calls, decide) if decided[call]}

    def _record(self, decided: dict[Call, Sequence[service.Decided]]) -> None:
        if not decided:
            return
        try:
            service.record(list(chain.from_iterable(decided.values())), self._room.recorder)
        except AppError as refusal:
            for call in decided:
                call.refusal = refusal

    def _answer(self, call: Call) -> Answer:
        refusal = call.refusal
        if refusal is None:
            body = _encode(call.answer(base_url=self._settings.base_url))
            service.count(call.decisions())
            return _STATUS_LINES[200], self._headers(call, JSON_CONTENT_TYPE, body), body
        REFUSALS.labels(refusal.code).inc()
        body = _encode(refusal.problem(request_id=call.request_id, base_url=self._settings.base_url))
        headers = [*self._headers(call, PROBLEM_CONTENT_TYPE, body), *refusal.headers]
        return _STATUS_LINES[int(refusal.status)], headers, body

    def _headers(self, call: Call, content_type: str, body: bytes) -> list[tuple[str, str]]:
        headers = [
            ("Content-Type", content_type),
            ("Content-Length", str(len(body))),
            ("Cache-Control", "no-store"),
            ("X-Request-Id", call.request_id),
            *SECURITY_HEADERS,
        ]
        if call.limit is not None:
            headers += headers_of(call.limit)
        if self._origins:
            headers += cors_headers(call.environ.get("HTTP_ORIGIN"), allowed=self._origins)
        return headers

    def _report(self, call: Call, error: Exception) -> None:
        log.critical("check.failed", request_id=call.request_id, exc_info=error)
        report_error(error, request_id=call.request_id)
        call.refusal = InternalError()
