"""The MCP server, asked with the official client: over HTTP before the real API, and over pipes by `aig mcp`."""

import asyncio
import logging
import sys
from collections.abc import Callable, Iterator
from threading import Thread
from typing import Any

import httpx2
import pytest
import uvicorn
from flask import Flask
from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from mcp_types import CallToolResult

from api.keys.scopes import Scope
from api.keys.token import KeyEnvironment
from api.mcp.server import Api
from api.mcp.tools import NEVER_CONTENT
from api.mcp.web import make_app
from core.settings import Settings
from tests.cast import HARMLESS, Caller, Member, another_key
from tests.databases import ROOT
from tests.services import free_port, wait_until

URL = "http://127.0.0.1:8000"
WORDS = "Dear Ms Jones"
Call = Callable[..., CallToolResult]


class _OurApi(httpx2.AsyncBaseTransport):
    """The app itself, in place of the network."""

    def __init__(self, app: Flask) -> None:
        self._app = app

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        answer = self._app.test_client().open(
            request.url.raw_path.decode(),
            method=request.method,
            headers=dict(request.headers),
            data=await request.aread(),
        )
        return httpx2.Response(answer.status_code, content=answer.data)


async def _within(app: Flask, secret: str, ask: Callable[[Client], Any]) -> Any:
    served = make_app(Settings(), Api(URL, transport=_OurApi(app)))
    starlette: Any = served._app  # type: ignore[attr-defined]
    headers = {"Authorization": f"Bearer {secret}"}
    transport = httpx2.ASGITransport(served)
    async with (
        starlette.router.lifespan_context(starlette),
        httpx2.AsyncClient(transport=transport, base_url=URL, headers=headers) as http,
        Client(streamable_http_client(f"{URL}/mcp", http_client=http)) as client,
    ):
        return await ask(client)


def called(app: Flask, member: Member, tool: str, arguments: Any = None) -> CallToolResult:
    result: CallToolResult = asyncio.run(
        _within(app, member.secret, lambda client: client.call_tool(tool, arguments or {}))
    )
    return result


def words_of(result: CallToolResult) -> str:
    return "".join(getattr(part, "text", "") for part in result.content)


def test_an_agent_is_offered_five_tools_that_tell_it_never_to_send_content(app: Flask, ada: Member) -> None:
    offered = asyncio.run(_within(app, ada.secret, lambda client: client.list_tools())).tools

    assert [tool.name for tool in offered] == [
        "check_operation",
        "explain_decision",
        "search_decisions",
        "list_policies",
        "simulate_policy",
    ]
    assert [tool.name for tool in offered if not tool.annotations.read_only_hint] == ["check_operation"]
    assert all(NEVER_CONTENT in tool.description for tool in offered)
    assert all(tool.input_schema["additionalProperties"] is False for tool in offered)


def test_a_check_is_decided_recorded_explained_and_found(app: Flask, ada: Member, as_ada: Caller) -> None:
    facts = {"model": "gpt-4o", "operation": "chat", "metadata": {"contains_personal_data": True}}

    checked = called(app, ada, "check_operation", facts)

    decision_id = checked.structured_content["decision_id"]
    assert not checked.is_error
    assert words_of(checked).startswith("Blocked: do not run this operation.\nRemove or anonymize")
    assert as_ada.get(f"/v1/decisions/{decision_id}").json["key_id"] == ada.shown_key_id
    explained = called(app, ada, "explain_decision", {"decision_id": decision_id})
    assert explained.structured_content["reason"] == "contains_personal_data"
    found = called(app, ada, "search_decisions", {"allowed": False, "limit": 5}).structured_content
    assert [one["decision_id"] for one in found["decisions"]] == [decision_id]


def test_a_policy_is_listed_and_a_change_simulated_and_not_made(app: Flask, ada: Member, as_ada: Caller) -> None:
    as_ada.check(metadata={"is_external_model": True})

    simulated = called(app, ada, "simulate_policy", {"values": {"block_external_models": True}})

    assert simulated.structured_content["newly_blocked"] == 1
    assert [one["reason"] for one in simulated.structured_content["groups"]] == ["external_model_detected"]
    assert called(app, ada, "list_policies").structured_content["version"] == 1


@pytest.mark.parametrize(
    ("tool", "arguments", "code"),
    [
        ("check_operation", {**HARMLESS, "prompt": WORDS}, "content_refused"),
        ("check_operation", {**HARMLESS, "metadata": {"messages": [WORDS]}}, "content_refused"),
        ("check_operation", {**HARMLESS, "metadata": {"department": WORDS}}, "invalid_request"),
        ("explain_decision", {"decision_id": "dec_0", "prompt": WORDS}, "content_refused"),
        ("explain_decision", {"decision_id": WORDS}, "not_found"),
        ("search_decisions", {"query": WORDS}, "content_refused"),
        ("search_decisions", {"because": WORDS}, "unknown_argument"),
        ("list_policies", {"text": WORDS}, "content_refused"),
        ("simulate_policy", {"values": {"max_risk_score": 40}, "prompt": WORDS}, "invalid_request"),
        ("simulate_policy", {"values": {"no_policy": WORDS}}, "invalid_request"),
        ("write_policy", {"prompt": WORDS}, "Unknown tool"),
    ],
)
def test_content_is_refused_and_never_repeated_nor_logged(
    app: Flask, ada: Member, caplog: pytest.LogCaptureFixture, tool: str, arguments: dict[str, Any], code: str
) -> None:
    caplog.set_level(logging.INFO)

    refused = called(app, ada, tool, arguments)

    assert refused.is_error
    assert code in words_of(refused)
    assert WORDS not in f"{refused.model_dump()}{caplog.text}"


def test_a_tool_can_do_what_the_key_can_and_no_more(app: Flask, ada: Member, cleo: Member, as_cleo: Caller) -> None:
    checking = another_key(app, ada, scopes=(Scope.CHECKS_WRITE,))
    testing = another_key(app, ada, environment=KeyEnvironment.TEST)
    of_cleo = as_cleo.check().json["decision_id"]

    assert "missing_scope" in words_of(called(app, checking, "list_policies"))
    assert "wrong_environment" in words_of(called(app, testing, "simulate_policy", {"values": {"max_risk_score": 9}}))
    assert "not_found" in words_of(called(app, ada, "explain_decision", {"decision_id": of_cleo}))
    revoked = called(app, Member(ada.organization_id, ada.slug, ada.key_id, f"{ada.secret}x"), "list_policies")
    assert "api_key" in words_of(revoked)


@pytest.mark.parametrize(
    ("headers", "status"),
    [({}, 401), ({"Authorization": "Basic QTpC"}, 401), ({"Authorization": "Bearer x", "Host": "evil.example"}, 421)],
    ids=["no key", "another scheme", "another host"],
)
def test_who_brings_no_key_or_another_name_is_turned_away(app: Flask, headers: dict[str, str], status: int) -> None:
    async def sent() -> int:
        served = make_app(Settings(), Api(URL, transport=_OurApi(app)))
        starlette: Any = served._app  # type: ignore[attr-defined]
        async with (
            starlette.router.lifespan_context(starlette),
            httpx2.AsyncClient(transport=httpx2.ASGITransport(served), base_url=URL) as http,
        ):
            return int((await http.post("/mcp", json={}, headers=headers)).status_code)

    assert asyncio.run(sent()) == status


def over_pipes(url: str, secret: str, *, mode: str = "auto") -> CallToolResult:
    """What an agent that starts `aig mcp` is told of a check."""
    program = StdioServerParameters(
        command=sys.executable,
        args=["-c", "from ai_governance.cli.main import main; main()", "mcp"],
        env={"AIG_URL": url, "AIG_KEY": secret, "PYTHONPATH": str(ROOT / "sdk" / "python" / "src")},
    )

    async def ask() -> CallToolResult:
        async with Client(stdio_client(program), mode=mode) as client:
            result: Any = await client.call_tool("check_operation", HARMLESS)
            assert isinstance(result, CallToolResult)
            return result

    return asyncio.run(ask())


@pytest.fixture
def served(app: Flask) -> Iterator[str]:
    """The server's address, at a port of its own."""
    port = free_port()
    asgi = make_app(Settings(), Api(URL, transport=_OurApi(app)))
    server = uvicorn.Server(uvicorn.Config(asgi, port=port, ws="none", log_level="error"))
    thread = Thread(target=server.run)
    thread.start()
    wait_until(lambda: server.started, "the MCP server listens")
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join()


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_the_command_line_serves_an_agent_over_pipes(served: str, ada: Member, as_ada: Caller, mode: str) -> None:
    answer = over_pipes(served, ada.secret, mode=mode)

    assert answer.structured_content["allowed"] is True
    (kept,) = as_ada.get("/v1/decisions").json["decisions"]
    assert kept["decision_id"] == answer.structured_content["decision_id"]


def test_over_pipes_an_agent_hears_that_a_service_away_means_blocked() -> None:
    told = pytest.RaisesExc(MCPError, match="Treat the operation as blocked")
    with pytest.RaisesGroup(told, flatten_subgroups=True):
        over_pipes("http://127.0.0.1:9", "aig_test_x")
