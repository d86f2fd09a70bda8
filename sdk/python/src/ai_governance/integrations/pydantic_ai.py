"""Pydantic AI 2: a capability that checks each request of an agent to a model first.

It covers what an agent asks, on whichever model serves it. `pydantic_ai.direct`, realtime sessions, compaction by the
provider and a model that a tool asks by itself are not covered.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from pydantic_ai import AgentRunError, RunContext
from pydantic_ai.capabilities import AbstractCapability, CapabilityOrdering
from pydantic_ai.models import Model, ModelRequestContext
from pydantic_ai.models.fallback import FallbackModel
from pydantic_ai.models.wrapper import WrapperModel

from ai_governance.aio import AsyncClient
from ai_governance.client import Client
from ai_governance.decisions import Decision
from ai_governance.errors import BlockedError
from ai_governance.integrations.checker import Checker, facts_of
from ai_governance.integrations.counts import counts_of, joined
from ai_governance.integrations.governed import NotCoveredError


class RunBlockedError(BlockedError, AgentRunError):
    """A BlockedError that is also caught where errors of a run are."""

    def __init__(self, decision: Decision) -> None:
        BlockedError.__init__(self, decision)
        self.message = str(self.args[0])


class Governance(AbstractCapability[Any]):
    """`Agent(model, capabilities=[Governance(client)])`.

    A request that is blocked raises RunBlockedError and reaches no model. Attempts on the same model are one decision;
    another model is another.
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
        self._checker = Checker(client, operation, metadata or {}, subject)
        self._with_tool_names = with_tool_names
        self._passed: set[tuple[int, str]] = set()

    def get_ordering(self) -> CapabilityOrdering:
        """After all others, since those may choose another model."""
        return CapabilityOrdering(position="innermost")

    async def for_run(self, ctx: RunContext[Any]) -> Governance:  # noqa: ARG002  as its base has it
        one = copy.copy(self)
        one._passed = set()  # noqa: SLF001  its own
        return one

    async def prepare_model_request(
        self, ctx: RunContext[Any], request_context: ModelRequestContext
    ) -> ModelRequestContext:
        model = _serving(request_context.model)
        asked = (ctx.run_step, model.model_id)
        if asked not in self._passed:
            facts = _facts_of(model, request_context) | self._counts(request_context)
            decision = await self._checker.check_async(model.model_name, "chat", facts)
            if not decision.allowed:
                raise RunBlockedError(decision)
            self._passed.add(asked)
        return request_context

    def _counts(self, request_context: ModelRequestContext) -> dict[str, Any]:
        parameters = request_context.model_request_parameters
        kinds = ("function_tools", "output_tools", "native_tools")
        tools = joined(*(getattr(parameters, kind, None) for kind in kinds))
        return counts_of(messages=request_context.messages, tools=tools, with_tool_names=self._with_tool_names)


def _serving(model: Model) -> Model:
    while isinstance(model, WrapperModel):
        model = model.wrapped
    if isinstance(model, FallbackModel):
        raise NotCoveredError("A FallbackModel is not covered: use the capability ModelFallback in its place.")
    return model


def _facts_of(model: Model, request_context: ModelRequestContext) -> dict[str, Any]:
    """From the model and its settings; the request's messages are not touched."""
    return facts_of(
        provider=model.system,
        base_url=model.base_url,
        is_streaming=request_context.streaming,
        max_tokens=(request_context.model_settings or {}).get("max_tokens"),
    )
