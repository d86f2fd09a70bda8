"""Anthropic 2: `govern(Anthropic(), client)` is an Anthropic client that checks each call of a model first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from ai_governance.integrations import governed

if TYPE_CHECKING:
    from ai_governance.aio import AsyncClient
    from ai_governance.client import Client

ProviderClient = TypeVar("ProviderClient")

ANTHROPIC = governed.Provider(
    name="anthropic",
    resource_modules="anthropic.resources",
    operations={
        **dict.fromkeys(("messages.create", "messages.parse", "messages.stream"), "chat"),
        "completions.create": "text_completion",
    },
    free=frozenset(
        {"files", "models", "organization", "webhooks", "messages.count_tokens", "messages.batches.results"}
    ),
)


def govern(
    provider_client: ProviderClient,
    client: Client | AsyncClient,
    *,
    metadata: Mapping[str, Any] | None = None,
    operation: str | None = None,
    subject: str | None = None,
    with_tool_names: bool = False,
) -> ProviderClient:
    """Facts in `metadata` go with each check; `operation` replaces the one that is derived from the method.

    `with_tool_names` sends the names of the tools that the model may call.

    A blocked call raises BlockedError, one that is not covered NotCoveredError; neither reaches the provider.
    """
    found: ProviderClient = governed.govern(
        provider_client,
        client,
        ANTHROPIC,
        metadata=metadata,
        operation=operation,
        subject=subject,
        with_tool_names=with_tool_names,
    )
    return found
