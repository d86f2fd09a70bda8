"""LiteLLM 1: a guardrail for its proxy, which checks each request for a model before the proxy chooses a deployment.

The proxy's configuration names it: `guardrail: ai_governance.integrations.litellm.GovernanceGuardrail`, with
`mode: pre_call`. It reads AIG_URL and AIG_KEY. Realtime sessions, MCP tools and pass-through routes are not covered:
what is not known to be checked or harmless is refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NoReturn

from fastapi import HTTPException
from litellm.integrations.custom_guardrail import CustomGuardrail
from litellm.types.guardrails import GuardrailEventHooks

from ai_governance.aio import AsyncClient
from ai_governance.client import Client
from ai_governance.errors import AiGovernanceError
from ai_governance.integrations.checker import Checker, facts_of
from ai_governance.integrations.counts import counts_of

_BLOCKED, _NOT_CHECKED = 403, 503
_OPERATIONS: Mapping[str, str] = {
    **dict.fromkeys(("completion", "anthropic_messages", "responses", "compact_responses"), "chat"),
    **dict.fromkeys(("generate_content", "generate_content_stream"), "generate_content"),
    **dict.fromkeys(("create_video", "video_generation"), "generate_content"),
    **dict.fromkeys(("image_generation", "image_edit"), "image_generation"),
    **dict.fromkeys(("decisions", "systemone"), "decisions"),
    "text_completion": "text_completion",
    "embedding": "embeddings",
    "moderation": "moderation",
    "rerank": "rerank",
    "ocr": "ocr",
    "speech": "speech",
    "transcription": "transcription",
}
_HARMLESS = re.compile(r"a?(?:(?:list|get|retrieve|delete|cancel)_\w+|file_\w+|create_file)")


class GovernanceGuardrail(CustomGuardrail):  # type: ignore[misc]
    """A request that is blocked is answered 403 with the reason and what would change it, and reaches no model."""

    def __init__(
        self,
        *,
        client: Client | AsyncClient | None = None,
        facts: Mapping[str, Any] | None = None,
        subject: str | None = None,
        with_tool_names: bool = False,
        guardrail_name: str = "ai-governance",
        **options: Any,
    ) -> None:
        """`facts` go with each check. Options are those of LiteLLM; it is on by default, and nobody can opt out."""
        options = {**options, "event_hook": GuardrailEventHooks.pre_call, "default_on": True}
        super().__init__(guardrail_name=guardrail_name, **options)
        self._checker = Checker(client or AsyncClient(), None, facts or {}, subject)
        self._with_tool_names = with_tool_names

    def should_run_guardrail(self, data: Any, event_type: Any) -> bool:  # noqa: ARG002  as its base has it
        """Not by what the request says: that could name guardrails to leave out."""
        return bool(event_type == GuardrailEventHooks.pre_call)

    async def async_pre_call_hook(self, user_api_key_dict: Any, cache: Any, data: Any, call_type: str) -> None:  # noqa: ARG002
        """From the request's model and limits; its messages are counted and not touched."""
        operation = _OPERATIONS.get(call_type) or _OPERATIONS.get(call_type.removeprefix("a"))
        if operation is None:
            if not _HARMLESS.fullmatch(call_type):
                _refuse(_BLOCKED, f"{call_type} is not covered by this guardrail")
            return
        facts = facts_of(
            is_streaming=data.get("stream"),
            max_tokens=data.get("max_tokens") or data.get("max_completion_tokens") or data.get("max_output_tokens"),
        )
        if operation == "chat":
            messages, tools = data.get("messages", data.get("input")), data.get("tools")
            facts |= counts_of(messages=messages, tools=tools, with_tool_names=self._with_tool_names)
        try:
            decision = await self._checker.check_async(data.get("model"), operation, facts)
        except AiGovernanceError as error:
            raise HTTPException(_NOT_CHECKED, detail={"error": f"The check failed: {error}"}) from error
        if not decision.allowed:
            why = {"reason": decision.reason, "fixes": list(decision.fixes), "decision_id": decision.decision_id}
            _refuse(_BLOCKED, f"blocked: {decision.reason}", **why)


def _refuse(status: int, message: str, **why: Any) -> NoReturn:
    raise HTTPException(status, detail={"error": message, **why})
