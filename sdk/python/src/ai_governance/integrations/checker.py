"""One check for one call of a framework, by a client of either kind."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from ai_governance.aio import AsyncClient
from ai_governance.client import Client
from ai_governance.decisions import Decision
from ai_governance.errors import ConfigurationError


@dataclass(frozen=True)
class Checker:
    """What goes with each check beside what is read from the call. `metadata` comes before that."""

    client: Client | AsyncClient
    operation: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    subject: str | None = None

    def check(self, model: object, operation: str, facts: Mapping[str, Any]) -> Decision:
        if isinstance(self.client, AsyncClient):
            raise ConfigurationError("The call is synchronous: give the integration a Client.")
        return self.client.check(**self._question(model, operation, facts))

    async def check_async(self, model: object, operation: str, facts: Mapping[str, Any]) -> Decision:
        """A Client is asked in a thread, so that the event loop goes on."""
        question = self._question(model, operation, facts)
        if isinstance(self.client, AsyncClient):
            return await self.client.check(**question)
        return await asyncio.to_thread(self.client.check, **question)

    def _question(self, model: object, operation: str, facts: Mapping[str, Any]) -> dict[str, Any]:
        if not isinstance(model, str) or not model:
            raise ConfigurationError("The call names no model, so it can't be checked.")
        return {
            "model": model,
            "operation": self.operation or operation,
            "metadata": {**facts, **self.metadata},
            "subject": self.subject,
        }


def facts_of(
    *,
    provider: object = None,
    base_url: object = None,
    is_streaming: object = None,
    max_tokens: object = None,
) -> dict[str, Any]:
    """By the names that OpenTelemetry has for them. What is not of its type is left out."""
    facts: dict[str, Any] = {}
    if isinstance(provider, str) and provider:
        facts["gen_ai.provider.name"] = provider
    host = urlsplit(str(base_url)).hostname if base_url else None
    if host:
        facts["server.address"] = host
    if isinstance(is_streaming, bool):
        facts["gen_ai.request.stream"] = is_streaming
    if type(max_tokens) is int:
        facts["gen_ai.request.max_tokens"] = max_tokens
    return facts
