"""LangChain 1: a middleware for agents that checks each call of a model first.

It covers what `create_agent` asks. A model that a tool, a node or another middleware asks by itself is not covered.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from langchain.agents.middleware import AgentMiddleware

from ai_governance.aio import AsyncClient
from ai_governance.client import Client
from ai_governance.errors import ConfigurationError


class GovernanceMiddleware(AgentMiddleware[Any, Any]):
    """`create_agent(model, middleware=[GovernanceMiddleware(client)])`.

    A call that is blocked raises BlockedError and reaches no model. Put it last, so that a retry by another middleware
    is checked again.
    """

    def __init__(
        self,
        client: Client | AsyncClient,
        *,
        metadata: Mapping[str, Any] | None = None,
        operation: str = "chat",
        subject: str | None = None,
    ) -> None:
        super().__init__()
        self._client = client
        self._metadata = metadata or {}
        self._operation = operation
        self._subject = subject

    def wrap_model_call(self, request: Any, handler: Callable[[Any], Any]) -> Any:
        if isinstance(self._client, AsyncClient):
            raise ConfigurationError("The agent runs synchronously: give the middleware a Client.")
        self._client.check(**self._question(request.model)).raise_if_blocked()
        return handler(request)

    async def awrap_model_call(self, request: Any, handler: Callable[[Any], Awaitable[Any]]) -> Any:
        question = self._question(request.model)
        if isinstance(self._client, AsyncClient):
            decision = await self._client.check(**question)
        else:
            decision = await asyncio.to_thread(self._client.check, **question)
        decision.raise_if_blocked()
        return await handler(request)

    def _question(self, model: Any) -> dict[str, Any]:
        """From the model's own settings; the request's messages are not touched."""
        known = model._get_ls_params()  # noqa: SLF001  what LangChain tells its own tracing
        name = known.get("ls_model_name") or getattr(model, "model_name", None) or getattr(model, "model", None)
        if not isinstance(name, str):
            raise ConfigurationError("The model has no name, so it can't be checked.")
        facts: dict[str, Any] = {}
        if isinstance(known.get("ls_provider"), str):
            facts["gen_ai.provider.name"] = known["ls_provider"]
        if type(known.get("ls_max_tokens")) is int:
            facts["gen_ai.request.max_tokens"] = known["ls_max_tokens"]
        return {
            "model": name,
            "operation": self._operation,
            "metadata": {**facts, **self._metadata},
            "subject": self._subject,
        }
