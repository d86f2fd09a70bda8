"""The server itself: lists the tools, and passes each call on to our API with the key of whoever called."""

import logging
from typing import Any

import httpx2
import msgspec
from mcp.server import Server, ServerRequestContext
from mcp_types import (
    CallToolRequestParams,
    CallToolResult,
    ListToolsResult,
    PaginatedRequestParams,
    TextContent,
)

from api.mcp.tools import NEVER_CONTENT, TOOLS, Forwarded, Refused
from core.errors import JSON_CONTENT_TYPE

VERSION = "1"
INSTRUCTIONS = (
    "Use check_operation before every AI operation: a model call, a tool call, a hand-off to another agent. "
    f"Go ahead only if allowed is true. {NEVER_CONTENT}"
)
WITHIN_S = 10.0
_NO_ANSWER = "The service did not respond. Treat the operation as blocked, and try again later."

logging.getLogger("mcp").setLevel(logging.WARNING)
logging.getLogger("httpx2").setLevel(logging.WARNING)


class Api:
    """Our HTTP API, asked with the key of whoever calls."""

    def __init__(self, url: str, *, transport: httpx2.AsyncBaseTransport | None = None) -> None:
        self._http = httpx2.AsyncClient(base_url=url, timeout=WITHIN_S, transport=transport)

    async def send(self, request: Forwarded, headers: Any) -> httpx2.Response:
        given = {
            "Authorization": headers.get("authorization", ""),
            "User-Agent": f"ai-governance-mcp/{VERSION}",
        }
        if forwarded_for := headers.get("x-forwarded-for"):  # believed by our API as far as its own settings say
            given["X-Forwarded-For"] = forwarded_for
        if request.body is not None:
            given["Content-Type"] = JSON_CONTENT_TYPE
        return await self._http.request(request.method, request.path, content=request.body, headers=given)


def make_server(api: Api) -> Server[Any]:
    async def list_tools(
        _context: ServerRequestContext[Any, Any], _params: PaginatedRequestParams | None
    ) -> ListToolsResult:
        return ListToolsResult(tools=[one.tool for one in TOOLS.values()])

    async def call_tool(context: ServerRequestContext[Any, Any], params: CallToolRequestParams) -> CallToolResult:
        return await _called(api, params, getattr(context.request, "headers", {}))

    return Server(
        "ai-governance",
        version=VERSION,
        title="AI Governance",
        instructions=INSTRUCTIONS,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )


async def _called(api: Api, params: CallToolRequestParams, headers: Any) -> CallToolResult:
    known = TOOLS.get(params.name)
    if known is None:
        return _failed(f"Unknown tool. The tools are {', '.join(TOOLS)}.")
    try:
        response = await api.send(known.forward(params.arguments or {}), headers)
        answer = msgspec.json.decode(response.content)
    except Refused as refusal:
        return _failed(str(refusal))
    except (httpx2.HTTPError, msgspec.MsgspecError):
        return _failed(_NO_ANSWER)
    if not response.is_success:
        return _failed(_words_of(answer), answer)
    return CallToolResult(content=[_text(_shown(answer))], structured_content=answer)


def _shown(answer: dict[str, Any]) -> str:
    """The JSON, after what it comes to where there is something to decide."""
    words = msgspec.json.encode(answer).decode()
    if "allowed" not in answer:
        return words
    verdict = "Allowed." if answer["allowed"] is True else "Blocked: do not run this operation."
    fixes = [reason["fix"] for reason in answer.get("reasons", ()) if reason.get("fix")]
    return "\n".join([verdict, *fixes, words])


def _words_of(problem: Any) -> str:
    if not isinstance(problem, dict):
        return _NO_ANSWER
    faults = [f"{one.get('path')}: {one.get('detail')}" for one in problem.get("errors", ())]
    lines = [f"{problem.get('code')}: {problem.get('detail')}", *faults, f"Request {problem.get('request_id')}"]
    return "\n".join(lines)


def _failed(words: str, problem: Any = None) -> CallToolResult:
    return CallToolResult(content=[_text(words)], structured_content=problem, is_error=True)


def _text(words: str) -> TextContent:
    return TextContent(type="text", text=words)
