"""The server over streamable HTTP, without sessions: each request brings its API key as a bearer token.

`python -m api.mcp.web HOST PORT` serves it, and needs no more than PUBLIC_URL and PROBE_URL; `flask mcp` and
`flask serve` start that.
"""

import sys
from typing import Any

import msgspec
import uvicorn
from mcp.server.transport_security import TransportSecuritySettings
from starlette.types import ASGIApp, Receive, Scope, Send

from api.mcp.server import Api, make_server
from core.environment import read_settings
from core.errors import PROBLEM_CONTENT_TYPE
from core.hosts import names_of
from core.settings import Environment, Settings
from core.settings_rules import FOR_AGENTS

MOST_BYTES = 65_536
STOPPED_WITHIN_S = 5
_MISSING = msgspec.json.encode(
    {
        "title": "An API key is missing",
        "status": 401,
        "code": "missing_api_key",
        "detail": "Send Authorization: Bearer aig_… with every request.",
    }
)


class NeedsKey:
    """Whether the key works is for the API to say; without one nothing is read."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not _has_key(scope):
            headers = [(b"content-type", PROBLEM_CONTENT_TYPE.encode()), (b"www-authenticate", b"Bearer")]
            await send({"type": "http.response.start", "status": 401, "headers": headers})
            await send({"type": "http.response.body", "body": _MISSING})
            return
        await self._app(scope, receive, send)


def _has_key(scope: Scope) -> bool:
    given = (value for name, value in scope["headers"] if name == b"authorization")
    return any(value[:7].lower() == b"bearer " for value in given)


def create_mcp() -> ASGIApp:
    """The ASGI app of the process."""
    settings = read_settings(in_production=FOR_AGENTS)
    return make_app(settings, Api(settings.probed_url))


def make_app(settings: Settings, api: Api) -> ASGIApp:
    app = make_server(api).streamable_http_app(
        json_response=True,
        stateless_http=True,
        max_request_body_size=MOST_BYTES,
        transport_security=_who_may_ask(settings),
    )
    return NeedsKey(app)


def _who_may_ask(settings: Settings) -> TransportSecuritySettings:
    names = set(names_of(settings))
    if settings.environment is Environment.DEVELOPMENT:
        names |= {"127.0.0.1", "localhost", "[::1]"}
    hosts: Any = sorted(found for name in names for found in (name, f"{name}:*"))
    return TransportSecuritySettings(allowed_hosts=hosts, allowed_origins=sorted(settings.allowed_origins))


def main() -> None:
    host, port = sys.argv[1:]
    uvicorn.run(
        create_mcp,
        factory=True,
        host=host,
        port=int(port),
        ws="none",
        log_level="error",
        server_header=False,
        timeout_graceful_shutdown=STOPPED_WITHIN_S,
    )


if __name__ == "__main__":
    main()
