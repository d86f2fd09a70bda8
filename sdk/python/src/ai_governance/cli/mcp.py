"""`aig mcp`: the service's MCP server for an agent that starts a program and talks to it over pipes.

Each message goes on to `/mcp` as it came, with the API key of this machine. Nothing is kept but the protocol's version.
"""

from __future__ import annotations

import argparse
import base64
import json
import sys
from collections.abc import Mapping
from typing import Any

from ai_governance.cli.credentials import client_from
from ai_governance.transport import Deadline, Pool, Unreachable

WITHIN_S = 15.0
NO_RESPONSE = "The service did not respond. Treat the operation as blocked, and try again later."
NO_SERVER = "This service has no MCP server. Ask whoever runs it to enable it, and treat the operation as blocked."
_FAILED, _NOT_JSON, _INVALID = -32603, -32700, -32600
_NOT_FOUND = 404
_VERSION = "io.modelcontextprotocol/protocolVersion"
_NAMED_BY = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}


def add_to(commands: Any) -> None:
    mcp = commands.add_parser("mcp", help="serve an agent on this machine over standard input and output (MCP)")
    mcp.set_defaults(run=_mcp)


def _mcp(given: argparse.Namespace) -> int:
    with client_from(given) as client:
        bridge = Bridge(client.calls.pool)
        for line in sys.stdin.buffer:
            answer = bridge.answer(line)
            if answer is not None:
                sys.stdout.buffer.write(answer + b"\n")
                sys.stdout.buffer.flush()
    return 0


class Bridge:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._version = ""

    def answer(self, line: bytes) -> bytes | None:
        """The line to answer with; None where a message has no answer."""
        try:
            message = json.loads(line)
        except ValueError:
            return _error(None, _NOT_JSON, "A message is one line of JSON.")
        if not isinstance(message, dict) or not isinstance(message.get("method"), str):
            return _error(None, _INVALID, "A message is one request or notification.")
        told, words = self._told(line, message)
        if "id" not in message:
            return None
        if told is None:
            return _error(message["id"], _FAILED, words)
        if message["method"] == "initialize" and "result" in told:
            self._version = str(told["result"].get("protocolVersion", ""))
        return json.dumps(told, separators=(",", ":")).encode()

    def _told(self, line: bytes, message: Mapping[str, Any]) -> tuple[dict[str, Any] | None, str]:
        """What the server answers, or why it does not."""
        try:
            reply = self._pool.send(
                "POST", "/mcp", body=line.strip(), headers=self._headers_of(message), deadline=Deadline(WITHIN_S)
            )
            told = json.loads(reply.body)
        except (Unreachable, ValueError):
            return None, NO_RESPONSE
        if isinstance(told, dict) and "jsonrpc" in told:
            return told, ""
        if reply.status == _NOT_FOUND:
            return None, NO_SERVER
        return None, str(told.get("detail") or NO_RESPONSE) if isinstance(told, dict) else NO_RESPONSE

    def _headers_of(self, message: Mapping[str, Any]) -> dict[str, str]:
        """As a client over HTTP sends them: what the message says itself, for whoever routes it."""
        params = message.get("params")
        params = params if isinstance(params, dict) else {}
        meta = params.get("_meta")
        stated = meta.get(_VERSION) if isinstance(meta, dict) else None
        if not isinstance(stated, str):
            return {"MCP-Protocol-Version": self._version} if self._version else {}
        headers = {"MCP-Protocol-Version": _shown(stated), "Mcp-Method": _shown(message["method"])}
        name = params.get(_NAMED_BY.get(message["method"], ""))
        return {**headers, "Mcp-Name": _shown(name)} if isinstance(name, str) else headers


def _shown(value: str) -> str:
    """In a header as it is, or encoded where it would not survive that."""
    is_plain = value.isascii() and value.isprintable() and value == value.strip() and not value.startswith("=?base64?")
    return value if is_plain else f"=?base64?{base64.b64encode(value.encode()).decode()}?="


def _error(message_id: Any, code: int, words: str) -> bytes:
    told = {"jsonrpc": "2.0", "id": message_id, "error": {"code": code, "message": words}}
    return json.dumps(told, separators=(",", ":")).encode()
