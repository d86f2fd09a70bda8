"""The asynchronous twin: the same client, whose calls run in threads of its own and never on the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from ai_governance.client import Client
from ai_governance.decisions import (
    ApiKey,
    BatchResult,
    CheckRequest,
    Decision,
    DecisionRecord,
    Policies,
    PolicyDraft,
)
from ai_governance.guard import AsyncGuard
from ai_governance.transport import MOST_IDLE

if TYPE_CHECKING:
    from ai_governance.local.decider import LocalDecisions

Result = TypeVar("Result")


def _next_of(found: Iterator[Result]) -> tuple[Result] | None:
    """StopIteration can't be raised out of a future."""
    for one in found:
        return (one,)
    return None


class AsyncClient:
    """Takes what `Client` takes. Up to 32 calls are under way at a time; others wait for a thread."""

    def __init__(self, base_url: str | None = None, api_key: str | None = None, **options: Any) -> None:
        self._client = Client(base_url, api_key, **options)
        self._threads = ThreadPoolExecutor(MOST_IDLE, thread_name_prefix="ai-governance")

    def __repr__(self) -> str:
        return f"Async{self._client!r}"

    async def __aenter__(self) -> AsyncClient:  # noqa: PYI034  Self is of Python 3.11
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def local(self) -> LocalDecisions:
        """As of `Client`."""
        return self._client.local

    async def close(self) -> None:
        await self._run(self._client.close)
        self._threads.shutdown(wait=False)

    async def check(
        self,
        *,
        model: str,
        operation: str,
        metadata: Mapping[str, Any] | None = None,
        subject: str | None = None,
        idempotency_key: str | None = None,
    ) -> Decision:
        return await self._run(
            partial(
                self._client.check,
                model=model,
                operation=operation,
                metadata=metadata,
                subject=subject,
                idempotency_key=idempotency_key,
            )
        )

    async def check_many(
        self, requests: Sequence[CheckRequest], *, idempotency_key: str | None = None
    ) -> list[BatchResult]:
        return await self._run(partial(self._client.check_many, requests, idempotency_key=idempotency_key))

    def guard(
        self,
        *,
        model: str,
        operation: str,
        metadata: Mapping[str, Any] | None = None,
        subject: str | None = None,
    ) -> AsyncGuard:
        return AsyncGuard(self, CheckRequest(model, operation, metadata or {}, subject))

    async def reconcile(self) -> list[dict[str, Any]]:
        return await self._run(self._client.reconcile)

    def decisions(self, *, limit: int | None = None, **filters: Any) -> AsyncIterator[DecisionRecord]:
        return self._each(self._client.decisions(limit=limit, **filters))

    async def decision(self, decision_id: str) -> DecisionRecord:
        return await self._run(partial(self._client.decision, decision_id))

    def export_decisions(self, **filters: Any) -> AsyncIterator[DecisionRecord]:
        return self._each(self._client.export_decisions(**filters))

    async def inspect_key(self) -> Mapping[str, Any]:
        return await self._run(self._client.inspect_key)

    def keys(self) -> AsyncIterator[ApiKey]:
        return self._each(self._client.keys())

    async def create_key(self, name: str, **options: Any) -> ApiKey:
        return await self._run(partial(self._client.create_key, name, **options))

    async def rotate_key(self, key_id: str, *, overlap_hours: float | None = None) -> ApiKey:
        return await self._run(partial(self._client.rotate_key, key_id, overlap_hours=overlap_hours))

    async def revoke_key(self, key_id: str, *, reason: str | None = None) -> ApiKey:
        return await self._run(partial(self._client.revoke_key, key_id, reason=reason))

    async def policies(self) -> Policies:
        return await self._run(self._client.policies)

    async def update_policy(self, key: str, value: Any, *, expected_version: int | None = None) -> int:
        return await self._run(partial(self._client.update_policy, key, value, expected_version=expected_version))

    async def policy_drafts(self) -> list[PolicyDraft]:
        return await self._run(self._client.policy_drafts)

    async def create_policy_draft(self, name: str, values: Mapping[str, Any], *, note: str = "") -> PolicyDraft:
        return await self._run(partial(self._client.create_policy_draft, name, values, note=note))

    async def _run(self, call: Callable[[], Result]) -> Result:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, copy_context().run, call)

    async def _each(self, found: Iterator[Result]) -> AsyncIterator[Result]:
        while (one := await self._run(partial(_next_of, found))) is not None:
            yield one[0]
