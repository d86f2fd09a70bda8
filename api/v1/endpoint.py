"""An API address declared in one place: who may use it, what it takes, what it answers, how it can refuse.

What is declared here authenticates, limits, validates, and describes itself in the OpenAPI document. Access is denied
by default: an endpoint without a scope must say so.
"""

import re
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any
from urllib.parse import unquote_to_bytes
from uuid import UUID

import msgspec
from flask import Blueprint, Response, g, request

from api.authentication import Caller, authenticate
from api.keys.scopes import Scope
from api.runtime import runtime
from api.v1.limit_headers import headers_of, refusal_of
from api.v1.requests import read_struct
from core.clock import utc_now
from core.db import acting_for
from core.errors import JSON_CONTENT_TYPE, AppError, FieldProblem, InvalidRequest, show_name
from core.ids import parse_public_id
from core.network import client_address
from core.typed_text import struct_of


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """`scope` is None where no key is needed, and ANY_KEY where any working key will do."""

    method: str
    path: str
    tag: str
    summary: str
    answer: Any
    scope: Scope | str | None
    description: str = ""
    query: Any = None
    body: Any = None
    body_is_optional: bool = False
    status: int = 200
    media_types: tuple[str, ...] = (JSON_CONTENT_TYPE,)
    example: Mapping[str, Any] = {}
    """What its response has otherwise than the examples of its fields say; within objects, of their fields."""
    refusals: tuple[type[AppError], ...] = ()
    never: tuple[type[AppError], ...] = ()
    """Refusals of requests like it that this one knows by another name."""
    is_limited: bool = True
    takes_idempotency_key: bool = False
    is_conditional: bool = False
    """Whether If-None-Match saves an answer that has not changed."""
    reads_body_itself: bool = False

    @property
    def slug(self) -> str:
        """How the address of its documentation ends."""
        return re.sub(r"[^a-z0-9]+", "-", self.summary.lower()).strip("-")


ANY_KEY = "any working key"
TAGS = ("Checks", "AuthZEN", "Decisions", "Policies", "Keys", "Health")

_declared: dict[tuple[str, str], Endpoint] = {}


def declared_endpoints() -> list[Endpoint]:
    """Every endpoint of the API, in the order of its description."""
    return sorted(_declared.values(), key=lambda endpoint: TAGS.index(endpoint.tag))


def declare(endpoint: Endpoint) -> Endpoint:
    """Puts an endpoint into the API's description; for those that the check path answers itself."""
    _declared[endpoint.method, endpoint.path] = endpoint
    return endpoint


def serve(blueprint: Blueprint, endpoint: Endpoint) -> Callable[[Callable[..., Any]], Callable[..., Response]]:
    """Registers a view that is called with `caller`, the path's parts, and `query` and `body` if declared."""
    declare(endpoint)

    def decorate(view: Callable[..., Any]) -> Callable[..., Response]:
        @wraps(view)
        def run(**parts: str) -> Response:
            caller = _admit(endpoint)
            if endpoint.query is not None:
                parts["query"] = read_query(endpoint.query)
            if endpoint.body is not None and not endpoint.reads_body_itself:
                parts["body"] = read_struct(request.environ, endpoint.body, may_be_empty=endpoint.body_is_optional)
            with acting_for(caller.organization.id):
                answer = view(caller, **parts)
            return answer if isinstance(answer, Response) else json_response(answer, status=endpoint.status)

        rule = endpoint.path.replace("{", "<").replace("}", ">")
        name = f"{view.__module__.rpartition('.')[0].rpartition('.')[2]}_{view.__name__}"
        blueprint.add_url_rule(rule, name, run, methods=[endpoint.method])
        return run

    return decorate


def json_response(answer: Any, *, status: int = 200, content_type: str = JSON_CONTENT_TYPE) -> Response:
    return Response(msgspec.json.encode(answer), status=status, content_type=content_type)


def read_query(shape: Any) -> Any:
    """The query string as a value of `shape`. Raises InvalidRequest."""
    try:
        unquote_to_bytes(request.query_string).decode()
    except UnicodeDecodeError as error:
        raise InvalidRequest("The parameters are not UTF-8. Send UTF-8, percent-encoded.") from error
    known = {field.encode_name for field in msgspec.structs.fields(shape)}
    problems = [
        FieldProblem(
            show_name(name), "unknown_parameter", f"Unknown parameter. Use one of: {', '.join(sorted(known))}."
        )
        if name not in known
        else FieldProblem(name, "repeated_parameter", "Send this parameter once.")
        for name, values in request.args.lists()
        if name not in known or len(values) > 1
    ]
    if problems:
        raise InvalidRequest(errors=tuple(problems))
    return struct_of(request.args, shape)


def parse_cursor(prefix: str, cursor: str | None) -> UUID | None:
    """The id that a page begins after. Raises InvalidRequest."""
    if cursor is None:
        return None
    after = parse_public_id(prefix, cursor)
    if after is None:
        detail = "Send the next_cursor of the previous page unchanged, or omit the cursor."
        raise InvalidRequest(errors=(FieldProblem("cursor", "invalid_value", detail),))
    return after


def _admit(endpoint: Endpoint) -> Caller:
    room = runtime()
    caller = authenticate(
        request.headers.get("Authorization", ""),
        address=client_address(request.environ, trusted_hops=room.settings.trusted_proxy_hops),
        request_id=g.request_id,
        snapshots=room.snapshots,
        now=utc_now(),
    )
    room.uses.note(caller.key.id, address=caller.address, at=utc_now())
    verdict = room.hit_management(caller)
    g.limit_headers = headers_of(verdict)
    if not verdict.granted:
        raise refusal_of(verdict)
    if isinstance(endpoint.scope, Scope):
        caller.need(endpoint.scope)
    return caller
