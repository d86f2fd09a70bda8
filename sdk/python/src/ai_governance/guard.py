"""A check in front of a block, or of each call of a function."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from functools import wraps
from types import TracebackType
from typing import Any, Protocol, TypeVar

from ai_governance.decisions import CheckRequest, Decision

Function = TypeVar("Function", bound=Callable[..., Any])


class Checks(Protocol):
    def check(self, *, model: str, operation: str, metadata: Any, subject: str | None) -> Decision: ...


class AsyncChecks(Protocol):
    def check(self, *, model: str, operation: str, metadata: Any, subject: str | None) -> Awaitable[Decision]: ...


class Guard:
    """`with client.guard(…) as decision:` or `@client.guard(…)`. Raises BlockedError in place of the block."""

    def __init__(self, client: Checks, request: CheckRequest) -> None:
        self._client = client
        self._request = request

    def __enter__(self) -> Decision:
        request = self._request
        decision = self._client.check(
            model=request.model, operation=request.operation, metadata=request.metadata, subject=request.subject
        )
        return decision.raise_if_blocked()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        pass

    def __call__(self, function: Function) -> Function:
        if inspect.iscoroutinefunction(function):
            raise TypeError("The function is a coroutine: use the guard of AsyncClient.")

        @wraps(function)
        def run(*args: Any, **kwargs: Any) -> Any:
            with self:
                return function(*args, **kwargs)

        return run  # type: ignore[return-value]


class AsyncGuard:
    """The same for `async with`, and for coroutines."""

    def __init__(self, client: AsyncChecks, request: CheckRequest) -> None:
        self._client = client
        self._request = request

    async def __aenter__(self) -> Decision:
        request = self._request
        decision = await self._client.check(
            model=request.model, operation=request.operation, metadata=request.metadata, subject=request.subject
        )
        return decision.raise_if_blocked()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        pass

    def __call__(self, function: Function) -> Function:
        if not inspect.iscoroutinefunction(function):
            raise TypeError("The function is not a coroutine: use the guard of Client.")

        @wraps(function)
        async def run(*args: Any, **kwargs: Any) -> Any:
            async with self:
                return await function(*args, **kwargs)

        return run  # type: ignore[return-value]
