"""The fast lane: checks are answered ahead of Flask, in the same process, by the same functions.

The order is: authenticate, limit, read and refuse content, decide, record, answer. Every other request goes to Flask.
"""

from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

import msgspec
import structlog

from api.access import Caller, authenticate
from api.checks import service
from api.checks.content import parse_batch_without_content, parse_without_content
from api.checks.schema import (
    MAX_BATCH,
    BatchAnswer,
    BatchItem,
    KeyFacts,
    KeyProbe,
    LimitState,
    OrganizationFacts,
)
from api.keys.scopes import Scope
from api.limits.headers import headers_of, refusal_of
from api.limits.window import Verdict
from api.machine_room import MachineRoom
from api.requests import read_body
from core.clock import monotonic_s, utc_now
from core.errors import (
    JSON_CONTENT_TYPE,
    PROBLEM_CONTENT_TYPE,
    AppError,
    FieldProblem,
    InternalError,
    InvalidRequest,
    MethodNotAllowed,
    Problem,
)
from core.ids import new_request_id, public_id
from core.network import SECURITY_HEADERS, client_address, cors_headers
from core.observability import CHECK_DURATION, REFUSALS, report_error

log = structlog.get_logger()

MAX_CHECK_BYTES = 16_384
MAX_BATCH_BYTES = 1_048_576

_encode = msgspec.json.Encoder().encode
_STATUS_LINES = {int(status): f"{status} {status.phrase}" for status in HTTPStatus}


class Call:
    """One request in the lane. `limit` is known as soon as it was counted, and told in every answer from then on."""

    __slots__ = ("environ", "limit", "request_id", "started_s")

    def __init__(self, environ: WSGIEnvironment) -> None:
        self.environ = environ
        self.request_id = new_request_id()
        self.started_s = monotonic_s()
        self.limit: Verdict | None = None


class Lane:
    """WSGI middleware around the Flask app."""

    def __init__(self, flask_wsgi: Any, room: MachineRoom) -> None:
        self._flask_wsgi = flask_wsgi
        self._room = room
        self._settings = room.settings
        self._origins = room.settings.allowed_origins
        self._answerers: dict[str, Callable[[Call], Any]] = {
            "/v1/check": self._check,
            "/v1/checks": self._check_many,
            "/api/evaluate": self._probe,
        }

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        answerer = self._answerers.get(environ["PATH_INFO"])
        if answerer is None or environ["REQUEST_METHOD"] == "OPTIONS":
            return self._flask_wsgi(environ, start_response)  # type: ignore[no-any-return]
        call = Call(environ)
        try:
            if environ["REQUEST_METHOD"] != "POST":
                raise MethodNotAllowed(headers=(("Allow", "OPTIONS, POST"),))  # noqa: TRY301  answered just below
            return self._respond(call, start_response, 200, answerer(call))
        except AppError as refusal:
            return self._refuse(call, start_response, refusal)
        except Exception as error:
            log.critical("check.failed", request_id=call.request_id, exc_info=error)
            report_error(error, request_id=call.request_id)
            return self._refuse(call, start_response, InternalError())
        finally:
            CHECK_DURATION.observe(monotonic_s() - call.started_s)

    def _check(self, call: Call) -> Any:
        caller = self._caller(call)
        caller.need(Scope.CHECKS_WRITE)
        self._count(call, caller)
        parsed = parse_without_content(read_body(call.environ, at_most_bytes=MAX_CHECK_BYTES))
        decided = service.decide(parsed, caller=caller, started_s=call.started_s)
        service.record([decided], self._room.recorder)
        return decided.answer

    def _check_many(self, call: Call) -> Any:
        caller = self._caller(call)
        caller.need(Scope.CHECKS_WRITE)
        return BatchAnswer(results=tuple(self._items(call, caller)), request_id=call.request_id)

    def _probe(self, call: Call) -> Any:
        caller = self._caller(call)
        limit = self._count(call, caller)
        policy = caller.organization.policy
        return KeyProbe(
            status="active",
            key=KeyFacts(
                id=public_id("key", caller.key.id),
                name=caller.key.name,
                environment=caller.key.environment,
                scopes=tuple(sorted(caller.key.scopes)),
                expires_at=caller.key.expires_at,
            ),
            organization=OrganizationFacts(
                slug=caller.organization.slug,
                name=caller.organization.name,
                status=caller.organization.status,
            ),
            policy_version=policy.version if policy else None,
            rate_limit=LimitState(
                limit=limit.limit,
                remaining=limit.remaining,
                window_s=limit.window_s,
                reset_s=round(limit.reset_s, 3),
                backend=limit.backend.value,
            ),
            request_id=call.request_id,
        )

    def _items(self, call: Call, caller: Caller) -> list[BatchItem]:
        """Each question answered or refused on its own; those beyond the limit are refused as such."""
        questions, refusals = self._questions(call, caller)
        verdict = call.limit = self._room.hit_checks(caller, cost=len(questions))
        if not verdict.granted:
            raise refusal_of(verdict)
        decided: dict[int, service.Decided] = {}
        for index, question in enumerate(questions):
            try:
                if index in refusals:
                    raise refusals[index]
                if index >= verdict.granted:
                    raise refusal_of(verdict)
                decided[index] = service.decide(question, caller=caller, started_s=call.started_s)
            except AppError as refusal:
                refusals[index] = refusal
        if decided:
            service.record(list(decided.values()), self._room.recorder)
        return [
            BatchItem(status=200, decision=decided[index].answer)
            if index in decided
            else BatchItem(status=int(refusals[index].status), problem=self._problem(call, refusals[index]))
            for index in range(len(questions))
        ]

    def _questions(self, call: Call, caller: Caller) -> tuple[list[Any], dict[int, AppError]]:
        """The parsed questions, and refusals by index. What is no batch at all counts as one request."""
        try:
            body = read_body(call.environ, at_most_bytes=MAX_BATCH_BYTES)
            parsed, refusals = parse_batch_without_content(body, items_under="checks")
            return _questions_of(parsed), refusals
        except AppError:
            self._count(call, caller)
            raise

    def _caller(self, call: Call) -> Caller:
        now = utc_now()
        address = client_address(call.environ, trusted_hops=self._settings.trusted_proxy_hops)
        caller = authenticate(
            call.environ.get("HTTP_AUTHORIZATION", ""),
            address=address,
            request_id=call.request_id,
            snapshots=self._room.snapshots,
            now=now,
        )
        self._room.uses.note(caller.key.id, address=address, at=now)
        return caller

    def _count(self, call: Call, caller: Caller) -> Verdict:
        verdict = call.limit = self._room.hit_checks(caller)
        if not verdict.granted:
            raise refusal_of(verdict)
        return verdict

    def _problem(self, call: Call, refusal: AppError) -> Problem:
        REFUSALS.labels(refusal.code).inc()
        return refusal.problem(request_id=call.request_id, base_url=self._settings.base_url)

    def _refuse(self, call: Call, start_response: StartResponse, refusal: AppError) -> Iterable[bytes]:
        problem = self._problem(call, refusal)
        return self._respond(
            call,
            start_response,
            problem.status,
            problem,
            content_type=PROBLEM_CONTENT_TYPE,
            more=refusal.headers,
        )

    def _respond(
        self,
        call: Call,
        start_response: StartResponse,
        status: int,
        answer: Any,
        *,
        content_type: str = JSON_CONTENT_TYPE,
        more: tuple[tuple[str, str], ...] = (),
    ) -> Iterable[bytes]:
        body = _encode(answer)
        headers = [
            ("Content-Type", content_type),
            ("Content-Length", str(len(body))),
            ("Cache-Control", "no-store"),
            ("X-Request-Id", call.request_id),
            *SECURITY_HEADERS,
            *more,
        ]
        if call.limit is not None:
            headers += headers_of(call.limit)
        if self._origins:
            headers += cors_headers(call.environ.get("HTTP_ORIGIN"), allowed=self._origins)
        start_response(_STATUS_LINES[status], headers)
        return [body]


def _questions_of(parsed: Any) -> list[Any]:
    if not isinstance(parsed, dict) or set(parsed) != {"checks"} or not isinstance(parsed["checks"], list):
        fault = FieldProblem(
            "checks", "wrong_type", f"Send an object with checks, a list of 1 to {MAX_BATCH} questions."
        )
        raise InvalidRequest(errors=(fault,))
    questions: list[Any] = parsed["checks"]
    if not 1 <= len(questions) <= MAX_BATCH:
        raise InvalidRequest(errors=(FieldProblem("checks", "length", f"Send 1 to {MAX_BATCH} questions at once."),))
    return questions
