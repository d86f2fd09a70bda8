"""LangChain 1: a middleware for agents that checks each call of a model first.

It covers what `create_agent` asks. A model that a tool, a node or another middleware asks by itself is not covered.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from langchain.agents.middleware import AgentMiddleware

from ai_governance.aio import AsyncClient
from ai_governance.client import Client
from ai_governance.integrations.checker import Checker, facts_of
from ai_governance.integrations.counts import counts_of


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
        operation: str | None = None,
        subject: str | None = None,
        with_tool_names: bool = False,
    ) -> None:
        super().__init__()
        self._checker = Checker(client, operation, metadata or {}, subject)
        self._with_tool_names = with_tool_names

    def wrap_model_call(self, request: Any, handler: Callable[[Any], Any]) -> Any:
        self._checker.check(*self._question_of(request)).raise_if_blocked()
        return handler(request)

    async def awrap_model_call(self, request: Any, handler: Callable[[Any], Awaitable[Any]]) -> Any:
        (await self._checker.check_async(*self._question_of(request))).raise_if_blocked()
        return await handler(request)

    def _question_of(self, request: Any) -> tuple[object, str, dict[str, Any]]:
        """From the model's own settings; the request's messages are counted and not touched."""
        model = request.model
        known = model._get_ls_params()  # noqa: SLF001  what LangChain tells its own tracing
        name = known.get("ls_model_name") or getattr(model, "model_name", None) or getattr(model, "model", None)
        facts = facts_of(provider=known.get("ls_provider"), max_tokens=known.get("ls_max_tokens"))
        counts = counts_of(messages=request.messages, tools=request.tools, with_tool_names=self._with_tool_names)
        return name, "chat", facts | counts
