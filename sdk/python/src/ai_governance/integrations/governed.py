"""A provider's client, seen through a check: the same attributes, and a decision before each call of a model.

Which calls ask a model is a table for each provider. What is in no table is refused: a method that a new version
brings is blocked until somebody has looked at it, and never passes unchecked.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import wraps
from typing import Any
from urllib.parse import urlsplit

from ai_governance.aio import AsyncClient
from ai_governance.client import Client
from ai_governance.errors import AiGovernanceError, ConfigurationError
from ai_governance.integrations.counts import counts_of

_HARMLESS_VERBS = frozenset({"list", "retrieve", "delete", "cancel"})
_PASSED_THROUGH = frozenset({"with_raw_response", "with_streaming_response"})
_SENDS_ANYTHING = frozenset({"post", "put", "patch", "request"})
_COPIES = frozenset({"copy", "with_options"})


class NotCoveredError(AiGovernanceError):
    """The call may ask a model, and this version of the integration does not know how to check it."""


@dataclass(frozen=True)
class Provider:
    """What is known of a provider's client. Paths leave out `beta`."""

    name: str
    resource_modules: str
    operations: Mapping[str, str]
    free: frozenset[str] = field(default_factory=frozenset)

    def is_free(self, path: str) -> bool:
        """Whether it asks no model: a family of calls, or one that only reads or deletes."""
        return path in self.free or path.partition(".")[0] in self.free or path.rpartition(".")[2] in _HARMLESS_VERBS


@dataclass(frozen=True)
class _Governance:
    provider: Provider
    client: Client | AsyncClient
    metadata: Mapping[str, Any]
    operation: str | None
    subject: str | None
    with_tool_names: bool
    base_url: str
    is_streaming: bool = False


class Governed:
    """Stands for an object of the provider's library, and says that it is one."""

    def __init__(self, target: Any, governance: _Governance, path: str) -> None:
        object.__setattr__(self, "_governed", (target, governance, path))

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        return type(object.__getattribute__(self, "_governed")[0])

    def __repr__(self) -> str:
        return f"Governed({object.__getattribute__(self, '_governed')[0]!r})"

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(object.__getattribute__(self, "_governed")[0], name, value)

    def __enter__(self) -> Any:
        object.__getattribute__(self, "_governed")[0].__enter__()
        return self

    def __exit__(self, *given: object) -> Any:
        return object.__getattribute__(self, "_governed")[0].__exit__(*given)

    async def __aenter__(self) -> Any:
        await object.__getattribute__(self, "_governed")[0].__aenter__()
        return self

    async def __aexit__(self, *given: object) -> Any:
        return await object.__getattribute__(self, "_governed")[0].__aexit__(*given)

    def __getattr__(self, name: str) -> Any:
        target, governance, path = object.__getattribute__(self, "_governed")
        value = getattr(target, name)
        if name.startswith("_"):
            return value
        if not path and name in _COPIES:
            return _copying(value, governance)
        if name in _PASSED_THROUGH:
            is_streaming = name == "with_streaming_response"
            return Governed(value, replace(governance, is_streaming=is_streaming), path)
        below = path if not path and name == "beta" else f"{path}.{name}".lstrip(".")
        if type(value).__module__.startswith(governance.provider.resource_modules):
            return Governed(value, governance, below)
        if not callable(value) or (not path and name not in _SENDS_ANYTHING) or governance.provider.is_free(below):
            return value
        operation = governance.provider.operations.get(below)
        return _refusing(below) if operation is None else _checked(value, governance, operation)


def govern(
    target: Any,
    client: Client | AsyncClient,
    provider: Provider,
    *,
    metadata: Mapping[str, Any] | None,
    operation: str | None,
    subject: str | None,
    with_tool_names: bool,
) -> Any:
    """Raises ConfigurationError where one of the two clients is asynchronous and the other is not."""
    is_async = hasattr(type(target), "__aenter__")
    if is_async != isinstance(client, AsyncClient):
        raise ConfigurationError("Use AsyncClient with an asynchronous client, and Client with another.")
    governance = _Governance(
        provider, client, metadata or {}, operation, subject, with_tool_names, str(target.base_url)
    )
    return Governed(target, governance, "")


def facts_of(
    provider: Provider, call: Mapping[str, Any], base_url: str, *, is_chat: bool = False, with_tool_names: bool = False
) -> dict[str, Any]:
    """From the arguments of a call: never a message, an input or a description of a tool."""
    facts: dict[str, Any] = {"gen_ai.provider.name": provider.name}
    host = urlsplit(base_url).hostname
    if host:
        facts["server.address"] = host
    if isinstance(call.get("stream"), bool):
        facts["gen_ai.request.stream"] = call["stream"]
    for name in ("max_tokens", "max_completion_tokens", "max_output_tokens"):
        if type(call.get(name)) is int:
            facts["gen_ai.request.max_tokens"] = call[name]
    if is_chat:
        messages = call.get("messages", call.get("input"))
        facts |= counts_of(messages=messages, tools=call.get("tools"), with_tool_names=with_tool_names)
    return facts


def _copying(copy: Callable[..., Any], governance: _Governance) -> Callable[..., Any]:
    @wraps(copy)
    def run(*args: Any, **kwargs: Any) -> Any:
        target = copy(*args, **kwargs)
        return Governed(target, replace(governance, base_url=str(target.base_url)), "")

    return run


def _refusing(path: str) -> Callable[..., Any]:
    def run(*_: Any, **__: Any) -> Any:
        raise NotCoveredError(
            f"{path} may ask a model and is not covered by this integration. "
            "Check it with client.check(), and call it on the client that is not governed."
        )

    return run


def _checked(call: Callable[..., Any], governance: _Governance, operation: str) -> Callable[..., Any]:
    client = governance.client

    @wraps(call)
    def run(*args: Any, **kwargs: Any) -> Any:
        assert isinstance(client, Client)  # noqa: S101  `govern` saw to it
        client.check(**_question(governance, operation, kwargs)).raise_if_blocked()
        return call(*args, **kwargs)

    @wraps(call)
    async def run_async(*args: Any, **kwargs: Any) -> Any:
        assert isinstance(client, AsyncClient)  # noqa: S101  `govern` saw to it
        (await client.check(**_question(governance, operation, kwargs))).raise_if_blocked()
        return await call(*args, **kwargs)

    if isinstance(client, Client):
        return run
    is_awaited = inspect.iscoroutinefunction(inspect.unwrap(call)) and not governance.is_streaming
    return run_async if is_awaited else _opened_later(call, governance, operation)


def _opened_later(call: Callable[..., Any], governance: _Governance, operation: str) -> Callable[..., Any]:
    """Of an asynchronous client, a method that gives back a context manager: the check is made on the way in."""

    @wraps(call)
    def run(*args: Any, **kwargs: Any) -> Any:
        return _CheckedManager(
            lambda: call(*args, **kwargs), governance.client, _question(governance, operation, kwargs)
        )

    return run


class _CheckedManager:
    def __init__(self, make: Callable[[], Any], client: Any, question: Mapping[str, Any]) -> None:
        self._make = make
        self._client = client
        self._question = question
        self._manager: Any = None

    async def __aenter__(self) -> Any:
        (await self._client.check(**self._question)).raise_if_blocked()
        self._manager = self._make()
        return await self._manager.__aenter__()

    async def __aexit__(self, *given: object) -> Any:
        return await self._manager.__aexit__(*given)


def _question(governance: _Governance, operation: str, kwargs: Mapping[str, Any]) -> dict[str, Any]:
    model = kwargs.get("model")
    if not isinstance(model, str):
        raise ConfigurationError("The call names no model, so it can't be checked.")
    facts = facts_of(
        governance.provider,
        kwargs,
        governance.base_url,
        is_chat=operation == "chat",
        with_tool_names=governance.with_tool_names,
    )
    return {
        "model": model,
        "operation": governance.operation or operation,
        "metadata": {**facts, **governance.metadata},
        "subject": governance.subject,
    }
