"""OpenAI Agents SDK: models that are checked before each request.

`RunConfig(model_provider=GovernedProvider(client))` covers each agent of a run that names its model, with handoffs and
agents that are used as tools. An agent that was given a model object needs `GovernedModel(model, client)`.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from agents import (
    GuardrailFunctionOutput,
    InputGuardrail,
    InputGuardrailResult,
    InputGuardrailTripwireTriggered,
    Model,
    ModelProvider,
    MultiProvider,
)
from agents.items import ModelResponse, TResponseStreamEvent
from openai import AsyncOpenAI

from ai_governance.aio import AsyncClient
from ai_governance.client import Client
from ai_governance.decisions import Decision
from ai_governance.errors import BlockedError
from ai_governance.integrations.checker import Checker, facts_of
from ai_governance.integrations.counts import counts_of, joined

_MOST_FAILED = 64


class RunBlockedError(BlockedError, InputGuardrailTripwireTriggered):
    """A BlockedError that is also caught where a guardrail's tripwire is. `guardrail_result` holds the decision."""

    def __init__(self, decision: Decision) -> None:
        BlockedError.__init__(self, decision)
        self.run_data = None
        self.guardrail_result = InputGuardrailResult(
            guardrail=InputGuardrail(guardrail_function=_never_run, name="ai_governance"),
            output=GuardrailFunctionOutput(output_info=decision, tripwire_triggered=True),
        )


@dataclass
class _Attempt:
    decision: Decision | None = None


class GovernedProvider(ModelProvider):
    """Gives out the models of another provider, the SDK's own where none is given, each with its check."""

    def __init__(
        self,
        client: Client | AsyncClient,
        provider: ModelProvider | None = None,
        *,
        metadata: Mapping[str, Any] | None = None,
        operation: str | None = None,
        subject: str | None = None,
        with_tool_names: bool = False,
    ) -> None:
        self._provider = provider or MultiProvider()
        self._client = client
        self._options = {
            "metadata": metadata,
            "operation": operation,
            "subject": subject,
            "with_tool_names": with_tool_names,
        }

    def get_model(self, model_name: str | None) -> Model:
        model = self._provider.get_model(model_name)
        return GovernedModel(model, self._client, **self._options)  # type: ignore[arg-type]

    async def aclose(self) -> None:
        await self._provider.aclose()


class GovernedModel(Model):
    """A model that is asked if the check allows it. Raises RunBlockedError in place of a blocked request.

    A request that the runner sends again, after the model failed, is part of the same decision.
    """

    def __init__(
        self,
        model: Model,
        client: Client | AsyncClient,
        *,
        metadata: Mapping[str, Any] | None = None,
        operation: str | None = None,
        subject: str | None = None,
        with_tool_names: bool = False,
    ) -> None:
        self.wrapped = model
        self._checker = Checker(client, operation, metadata or {}, subject)
        self._with_tool_names = with_tool_names
        self._failed: OrderedDict[int, tuple[object, _Attempt]] = OrderedDict()

    def __getattr__(self, name: str) -> Any:
        if name == "wrapped":
            raise AttributeError(name)
        return getattr(self.wrapped, name)

    async def get_response(
        self,
        system_instructions: Any,
        input: Any,  # noqa: A002  as its base names it
        model_settings: Any,
        *given: Any,
        **named: Any,
    ) -> ModelResponse:
        with self._attempt(input) as attempt:
            counts = self._counts(input, given, named)
            await self._pass(attempt, self._facts(model_settings, is_streaming=False) | counts)
            return await self.wrapped.get_response(system_instructions, input, model_settings, *given, **named)

    async def stream_response(
        self,
        system_instructions: Any,
        input: Any,  # noqa: A002  as its base names it
        model_settings: Any,
        *given: Any,
        **named: Any,
    ) -> AsyncIterator[TResponseStreamEvent]:
        with self._attempt(input) as attempt:
            counts = self._counts(input, given, named)
            await self._pass(attempt, self._facts(model_settings, is_streaming=True) | counts)
            async for event in self.wrapped.stream_response(
                system_instructions, input, model_settings, *given, **named
            ):
                yield event

    async def close(self) -> None:
        await self.wrapped.close()

    async def _cleanup_on_run_end(self, owner: object) -> None:
        await self.wrapped._cleanup_on_run_end(owner)  # noqa: SLF001  the runner calls it on what it was given

    def get_retry_advice(self, request: Any) -> Any:
        return self.wrapped.get_retry_advice(request)

    @contextmanager
    def _attempt(self, given: object) -> Iterator[_Attempt]:
        """The runner sends a failed request again as the same list, which is compared by identity and never read."""
        _, attempt = self._failed.pop(id(given), (None, _Attempt()))
        try:
            yield attempt
        except BaseException:
            if isinstance(given, list):
                self._failed[id(given)] = (given, attempt)
                while len(self._failed) > _MOST_FAILED:
                    self._failed.popitem(last=False)
            raise

    async def _pass(self, attempt: _Attempt, facts: Mapping[str, Any]) -> None:
        if attempt.decision is None:
            attempt.decision = await self._checker.check_async(getattr(self.wrapped, "model", None), "chat", facts)
        if not attempt.decision.allowed:
            raise RunBlockedError(attempt.decision)

    def _facts(self, model_settings: Any, *, is_streaming: bool) -> dict[str, Any]:
        asks = getattr(self.wrapped, "_client", None)
        return facts_of(
            provider="openai" if isinstance(asks, AsyncOpenAI) else None,
            base_url=asks.base_url if isinstance(asks, AsyncOpenAI) else None,
            is_streaming=is_streaming,
            max_tokens=model_settings.max_tokens,
        )

    def _counts(self, messages: object, given: Sequence[Any], named: Mapping[str, Any]) -> dict[str, Any]:
        """The runner hands over tools by place or by name. To the model, a handoff is a tool, too."""
        by_name = {**dict(zip(("tools", "output_schema", "handoffs"), given, strict=False)), **named}
        tools = joined(by_name.get("tools"), by_name.get("handoffs"))
        return counts_of(messages=messages, tools=tools, with_tool_names=self._with_tool_names)


def _never_run(*_: Any) -> GuardrailFunctionOutput:
    raise AssertionError("the check was made before the model, not by this guardrail")
