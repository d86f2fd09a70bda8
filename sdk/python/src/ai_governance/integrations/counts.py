"""How many messages and tools a call has: the length of each list, and of what is in it only names of tools."""

from __future__ import annotations

import re
from typing import Any

MOST_TOKENS = 20
TOKEN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/+\-]{0,127}", re.ASCII)
"""What the service takes in a list of tokens."""


def counts_of(*, messages: object = None, tools: object = None, with_tool_names: bool = False) -> dict[str, Any]:
    """What is no list is left out; so are the names if one of them is none, for others would pass for all of them."""
    facts: dict[str, Any] = {}
    if type(messages) is list:
        facts["message_count"] = len(messages)
    if type(tools) is list:
        facts["tool_count"] = len(tools)
        names = [_name_of(tool) for tool in tools] if with_tool_names and len(tools) <= MOST_TOKENS else [None]
        if all(isinstance(name, str) and TOKEN.fullmatch(name) for name in names):
            facts["tool_names"] = names
    return facts


def joined(*lists: object) -> list[Any] | None:
    """None where one of them is no list."""
    found: list[Any] = []
    for one in lists:
        if type(one) is not list:
            return None
        found += one
    return found


def _name_of(tool: object) -> object:
    """OpenAI's chat completions have it one level down; a handoff of its agents calls it otherwise."""
    if not isinstance(tool, dict):
        return getattr(tool, "name", None) or getattr(tool, "tool_name", None)
    places = (tool, tool.get("function"), tool.get("custom"))
    return next((place["name"] for place in places if isinstance(place, dict) and "name" in place), None)
