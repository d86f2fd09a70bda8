"""The OpenAPI 3.1 document, made from the declared endpoints and their types."""

import re
from collections.abc import Iterable
from functools import cache
from typing import Any

import msgspec

import api.v1.authzen.endpoints
import api.v1.check_endpoints  # noqa: F401  declares the check path's endpoints
from api import authentication as access
from api.keys.scopes import MEANING, Scope
from api.recording.idempotency import KEPT_HOURS
from api.strict_json import InvalidJson
from api.v1.endpoint import Endpoint, declared_endpoints
from api.v1.idempotency import FORMAT, HEADER
from api.v1.limit_headers import OrganizationRateLimited, RateLimited
from api.v1.reference.examples import PATH_PARTS, example_of, example_of_answer
from api.v1.requests import CutShort, UnsupportedMediaType
from api.vocabulary import ALIASES, BUILT_IN
from core.errors import (
    JSON_CONTENT_TYPE,
    PROBLEM_CONTENT_TYPE,
    AppError,
    InternalError,
    InvalidRequest,
    Problem,
    ServiceUnavailable,
    TooLarge,
    UnsupportedEncoding,
)
from core.patterns import whole
from core.serving import Busy, TooSlow

_REF = "#/components/schemas/{name}"
_OF_KEYS = (
    Busy,
    access.MissingKey,
    access.MalformedKey,
    access.UnknownKey,
    access.RevokedKey,
    access.ExpiredKey,
    access.AddressNotAllowed,
    access.Unpaid,
    access.QuotaReached,
    access.OrganizationSuspended,
    access.OrganizationClosing,
    access.NotApproved,
    access.TermsLapsed,
    RateLimited,
    OrganizationRateLimited,
    ServiceUnavailable,
)
_OF_BODIES = (InvalidJson, CutShort, UnsupportedMediaType, UnsupportedEncoding, TooLarge, TooSlow, InvalidRequest)

_HEADERS_OF_LIMITS = {
    "RateLimit-Limit": "Requests per minute allowed for the key or for all keys together, whichever you reach first.",
    "RateLimit-Remaining": "Requests left.",
    "RateLimit-Reset": "Seconds until the oldest request leaves the window. No wait is needed while requests are left.",
    "X-RateLimit-Limit": "The same as RateLimit-Limit.",
    "X-RateLimit-Remaining": "The same as RateLimit-Remaining.",
    "X-RateLimit-Reset": "RateLimit-Reset as a Unix timestamp.",
    "X-RateLimit-Scope": "Which limit the other headers describe: key or organization.",
    "X-RateLimit-Backend": "redis, or memory if this process counts on its own.",
}


@cache
def document(base_url: str) -> dict[str, Any]:
    endpoints = declared_endpoints()
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "AI Governance API",
            "version": "1",
            "description": (
                "Send a check before your software calls an AI model. "
                "Send facts about the operation, never its content."
            ),
        },
        "servers": [{"url": base_url}],
        "tags": [{"name": name} for name in dict.fromkeys(endpoint.tag for endpoint in endpoints)],
        "paths": _paths(endpoints),
        "components": {
            "schemas": _schemas(endpoints),
            "securitySchemes": {
                "apiKey": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An API key. Scopes: " + " ".join(f"`{scope}`: {MEANING[scope]}" for scope in Scope),
                }
            },
        },
        "x-facts": {
            name: {"type": fact.type, "meaning": fact.meaning, "choices": fact.choices}
            for name, fact in BUILT_IN.items()
        },
        "x-fact-aliases": dict(ALIASES),
    }


def refusals_of(endpoint: Endpoint) -> tuple[type[AppError], ...]:
    """Every refusal that an endpoint may answer."""
    refusals: list[type[AppError]] = list(endpoint.refusals)
    if endpoint.scope is not None:
        refusals += _OF_KEYS
    if isinstance(endpoint.scope, Scope):
        refusals.append(access.MissingScope)
    if endpoint.body is not None:
        refusals += _OF_BODIES
    if endpoint.query is not None:
        refusals.append(InvalidRequest)
    refusals.append(InternalError)
    return tuple(one for one in dict.fromkeys(refusals) if one not in endpoint.never)


def _paths(endpoints: Iterable[Endpoint]) -> dict[str, dict[str, Any]]:
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in endpoints:
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint)
    return paths


def _operation(endpoint: Endpoint) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": re.sub(r"[^a-z0-9]+", "_", f"{endpoint.method} {endpoint.path}".lower()).strip("_"),
        "tags": [endpoint.tag],
        "summary": endpoint.summary,
        "description": endpoint.description,
        "parameters": [*path_parameters(endpoint), *_query_parameters(endpoint), *header_parameters(endpoint)],
        "responses": _responses(endpoint),
    }
    if endpoint.scope is not None:
        operation["security"] = [{"apiKey": []}]
        operation["x-scope"] = str(endpoint.scope)
    if endpoint.body is not None:
        operation["requestBody"] = {
            "required": not endpoint.body_is_optional,
            "content": {JSON_CONTENT_TYPE: {"schema": _schema_of(endpoint.body), "example": example_of(endpoint.body)}},
        }
    return operation


def _responses(endpoint: Endpoint) -> dict[str, Any]:
    good: dict[str, Any] = {
        "description": "The response.",
        "content": {
            media_type: {"schema": _schema_of(endpoint.answer), "example": example_of_answer(endpoint)}
            if media_type == JSON_CONTENT_TYPE
            else {"schema": {"type": "string"}}
            for media_type in endpoint.media_types
        },
    }
    if endpoint.is_limited:
        good["headers"] = {
            name: {"description": meaning, "schema": {"type": "string"}} for name, meaning in _HEADERS_OF_LIMITS.items()
        }
    responses = {str(int(endpoint.status)): good}
    if endpoint.is_conditional:
        responses["304"] = {"description": "Nothing has changed since the response with that ETag."}
    if endpoint.path == "/health/ready":
        responses["503"] = {**good, "description": "A component is not working."}
    for refusal in refusals_of(endpoint):
        status = str(int(refusal.status))
        known = responses.setdefault(
            status, {"description": "", "content": {PROBLEM_CONTENT_TYPE: {"schema": _schema_of(Problem)}}}
        )
        known["description"] = f"{known['description']} `{refusal.code}`: {refusal.title}.".strip()
    return responses


def path_parameters(endpoint: Endpoint) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "description": PATH_PARTS[name].meaning,
            "schema": {"type": "string"} | ({"pattern": pattern} if (pattern := PATH_PARTS[name].pattern) else {}),
            "example": PATH_PARTS[name].example,
        }
        for name in re.findall(r"{(\w+)}", endpoint.path)
    ]


def _query_parameters(endpoint: Endpoint) -> list[dict[str, Any]]:
    if endpoint.query is None:
        return []
    (_, components) = msgspec.json.schema_components([endpoint.query], ref_template=_REF)
    properties = components[endpoint.query.__name__]["properties"]
    return [
        {
            "name": name,
            "in": "query",
            "required": False,
            "description": schema.get("description", ""),
            "schema": _without_null(schema),
        }
        for name, schema in properties.items()
    ]


def header_parameters(endpoint: Endpoint) -> list[dict[str, Any]]:
    found = []
    if endpoint.takes_idempotency_key:
        meaning = (
            f"A unique name for this request, such as a UUID. For {KEPT_HOURS} hours, the same request under the same "
            "key gets the same decision, which is stored once."
        )
        found.append((HEADER, meaning, {"type": "string", "pattern": whole(FORMAT)}))
    if endpoint.is_conditional:
        meaning = "The ETag of the response that you have. If nothing has changed since, the response is 304."
        found.append(("If-None-Match", meaning, {"type": "string"}))
    return [
        {"name": name, "in": "header", "required": False, "description": meaning, "schema": schema}
        for name, meaning, schema in found
    ]


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A parameter is left out, never null."""
    choices = [choice for choice in schema.get("anyOf", ()) if choice != {"type": "null"}]
    return choices[0] if len(choices) == 1 else schema


def _schema_of(shape: Any) -> dict[str, Any]:
    ((schema,), _) = msgspec.json.schema_components([shape], ref_template=_REF)
    return dict(schema)


def _schemas(endpoints: Iterable[Endpoint]) -> dict[str, Any]:
    shapes = [Problem]
    for endpoint in endpoints:
        shapes += [shape for shape in (endpoint.answer, endpoint.body, endpoint.query) if shape is not None]
    (_, components) = msgspec.json.schema_components(list(dict.fromkeys(shapes)), ref_template=_REF)
    return components
