"""The addresses that the sandbox plays, each a function of the request."""

import re
from collections.abc import Callable
from typing import Any

import msgspec

from local.stripe_sandbox.blank import list_of
from local.stripe_sandbox.store import Refused


class Call(msgspec.Struct, frozen=True):
    """A request as the SDK sends it: the ids in its address, and its parameters, all of them text."""

    ids: tuple[str, ...]
    params: dict[str, Any]

    @property
    def id(self) -> str:
        return self.ids[0]

    def need(self, name: str) -> Any:
        """Raises Refused."""
        if not self.params.get(name):
            raise Refused(f"Missing required param: {name}.", code="parameter_missing", param=name)
        return self.params[name]


def page_of(call: Call, found: list[dict[str, Any]], url: str) -> dict[str, Any]:
    """A part of a list, as much as was asked for, after the object that was asked for."""
    after, size = call.params.get("starting_after"), int(call.params.get("limit", 10))
    first = next((number + 1 for number, one in enumerate(found) if one["id"] == after), 0)
    return {**list_of(found[first : first + size], url), "has_more": len(found) > first + size}


Play = Callable[[Call], dict[str, Any]]

_played: list[tuple[str, re.Pattern[str], Play]] = []


def plays(method: str, path: str) -> Callable[[Play], Play]:
    """Declares what answers an address such as `/v1/customers/{}`."""
    pattern = re.compile(re.escape(path).replace(r"\{\}", "([^/]+)"))

    def decorate(play: Play) -> Play:
        _played.append((method, pattern, play))
        return play

    return decorate


def play(method: str, path: str, params: dict[str, Any]) -> dict[str, Any]:
    """Raises Refused, also for what is not played."""
    for wanted, pattern, answer in _played:
        match = pattern.fullmatch(path) if wanted == method else None
        if match is not None:
            return answer(Call(match.groups(), params))
    raise Refused(f"The sandbox does not play {method} {path}.", status=404)
