"""The tools that agents are offered, and the request of our API that each of them becomes."""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote, urlencode

import msgspec
from mcp_types import Tool, ToolAnnotations

from api.checks.schema import CheckRequest
from api.content.refusal import is_content
from api.decisions.schema import DecisionQuery
from api.v1.policy_schema import PolicyPreview

NEVER_CONTENT = (
    "Send facts about the operation only. Never send prompts, messages, documents, names, email addresses or any other "
    "content: it is rejected."
)


class Refused(Exception):
    """Arguments that are not sent on. Says which, and never with what value."""


class Forwarded(msgspec.Struct, frozen=True):
    """A request of our API."""

    method: str
    path: str
    body: bytes | None = None


Arguments = Mapping[str, Any]


class AgentTool(msgspec.Struct, frozen=True):
    tool: Tool
    forward: Callable[[Arguments], Forwarded]


def _schema_of(shape: Any) -> dict[str, Any]:
    """As JSON Schema with all that it needs within; nothing else may be sent."""
    (_, parts) = msgspec.json.schema_components([shape], ref_template="#/$defs/{name}")
    schema: dict[str, Any] = parts.pop(shape.__name__)
    return {**schema, "additionalProperties": False, **({"$defs": parts} if parts else {})}


_NOTHING: dict[str, Any] = {"type": "object", "properties": {}, "additionalProperties": False}
_ONE_DECISION: dict[str, Any] = {
    "type": "object",
    "properties": {"decision_id": {"type": "string", "description": "The ID of the decision, such as dec_…"}},
    "required": ["decision_id"],
    "additionalProperties": False,
}


def _need_known(arguments: Arguments, schema: Mapping[str, Any]) -> None:
    """Raises Refused for names that would otherwise stand in an address."""
    for name, value in arguments.items():
        if is_content(name, value):
            raise Refused(f"content_refused: content is not accepted. {NEVER_CONTENT}")
        if name not in schema["properties"]:
            raise Refused(f"unknown_argument: the arguments are {', '.join(schema['properties']) or 'none'}.")
        if isinstance(value, dict | list):
            raise Refused(f"wrong_type: {name} is one value.")


def _check(arguments: Arguments) -> Forwarded:
    return Forwarded("POST", "/v1/check", msgspec.json.encode(arguments))


def _simulate(arguments: Arguments) -> Forwarded:
    return Forwarded("POST", "/v1/policies/preview", msgspec.json.encode(arguments))


def _explain(arguments: Arguments) -> Forwarded:
    _need_known(arguments, _ONE_DECISION)
    return Forwarded("GET", f"/v1/decisions/{quote(str(arguments.get('decision_id')), safe='')}")


def _search(arguments: Arguments) -> Forwarded:
    _need_known(arguments, SEARCH)
    stated = {name: _shown(value) for name, value in arguments.items() if value is not None}
    return Forwarded("GET", f"/v1/decisions{'?' if stated else ''}{urlencode(stated)}")


def _list_policies(arguments: Arguments) -> Forwarded:
    _need_known(arguments, _NOTHING)
    return Forwarded("GET", "/v1/policies")


def _shown(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _tool(
    name: str, title: str, description: str, schema: dict[str, Any], forward: Callable[[Arguments], Forwarded]
) -> AgentTool:
    hints = ToolAnnotations(
        title=title,
        read_only_hint=forward is not _check,
        destructive_hint=False,
        idempotent_hint=forward is not _check,
        open_world_hint=False,
    )
    tool = Tool(name=name, title=title, description=description, input_schema=schema, annotations=hints)
    return AgentTool(tool, forward)


SEARCH = _schema_of(DecisionQuery)

TOOLS = {
    one.tool.name: one
    for one in (
        _tool(
            "check_operation",
            "Check an operation",
            "Ask whether an AI operation may go ahead, before you run it. Run it only if allowed is true; any other "
            f"answer means that it is blocked. The decision is stored. {NEVER_CONTENT}",
            _schema_of(CheckRequest),
            _check,
        ),
        _tool(
            "explain_decision",
            "Explain a decision",
            "Why an operation was allowed or blocked, and what would have to change. Takes only the ID of a decision. "
            f"{NEVER_CONTENT}",
            _ONE_DECISION,
            _explain,
        ),
        _tool(
            "search_decisions",
            "Search decisions",
            f"The latest stored decisions that match every filter, newest first. {NEVER_CONTENT}",
            SEARCH,
            _search,
        ),
        _tool(
            "list_policies",
            "List policies",
            f"All policies of the organization with their values and defaults. Takes no arguments. {NEVER_CONTENT}",
            _NOTHING,
            _list_policies,
        ),
        _tool(
            "simulate_policy",
            "Simulate a policy change",
            f"How many of the latest decisions would change with other policy values. Changes nothing. {NEVER_CONTENT}",
            _schema_of(PolicyPreview),
            _simulate,
        ),
    )
}
