"""OpenAI 3: `govern(OpenAI(), client)` is an OpenAI client that checks each call of a model first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from ai_governance.integrations import governed

if TYPE_CHECKING:
    from ai_governance.aio import AsyncClient
    from ai_governance.client import Client

ProviderClient = TypeVar("ProviderClient")

OPENAI = governed.Provider(
    name="openai",
    resource_modules="openai.resources",
    operations={
        **dict.fromkeys(("chat.completions.create", "chat.completions.parse", "chat.completions.stream"), "chat"),
        **dict.fromkeys(("responses.create", "responses.parse", "responses.stream", "responses.compact"), "chat"),
        "completions.create": "text_completion",
        "embeddings.create": "embeddings",
        "moderations.create": "moderation",
        "decisions.create": "decisions",
        **dict.fromkeys(("images.generate", "images.edit", "images.create_variation"), "image_generation"),
        "audio.speech.create": "speech",
        "audio.transcriptions.create": "transcription",
        "audio.translations.create": "translation",
        **dict.fromkeys(("videos.create", "videos.create_and_poll"), "generate_content"),
    },
    free=frozenset(
        {
            *("admin", "containers", "conversations", "files", "models", "uploads", "webhooks"),
            *("responses.input_tokens.count", "chat.completions.update", "videos.poll", "videos.download_content"),
        }
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
        OPENAI,
        metadata=metadata,
        operation=operation,
        subject=subject,
        with_tool_names=with_tool_names,
    )
    return found
