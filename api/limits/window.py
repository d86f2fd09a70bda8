"""What is counted and what comes of it: a sliding window, so that no 60 seconds ever hold more than the limit."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol

import msgspec

from billing.plans import KEYS_AT_FULL_RATE, PLANS, SANDBOX, PlanCode

WINDOW_S = 60
SLOTS = 10_000
"""Grants within such a part of a window are one, at the moment of the last: so no bucket remembers more of them."""
DEFAULT_LIMIT = PLANS[PlanCode.PILOT].limits.rate_per_key
SANDBOX_LIMIT = SANDBOX.rate_per_key
"""Requests of a key in 60 s before its organization is approved."""


def limit_of(own: int | None, plan: int | None, *, is_sandbox: bool) -> int:
    """What a key may ask in 60 s: its own limit, else its plan's, else the usual; less before the approval."""
    limit = own or plan or DEFAULT_LIMIT
    return min(limit, SANDBOX_LIMIT) if is_sandbox else limit


def organization_limit_of(own: int | None, plan: int | None, *, is_sandbox: bool) -> int:
    """What all keys of an organization may ask in 60 s together, as it binds a key with the limit `own`.

    A key to which operators gave more than that alone has its whole limit, and uses up the others' with it.
    """
    usual = KEYS_AT_FULL_RATE * limit_of(None, plan, is_sandbox=is_sandbox)
    return max(usual, limit_of(own, plan, is_sandbox=is_sandbox))


class Backend(StrEnum):
    REDIS = "redis"
    MEMORY = "memory"


class LimitScope(StrEnum):
    KEY = "key"
    ORGANIZATION = "organization"


class Shared(msgspec.Struct, frozen=True):
    """A second limit for the same requests, which other buckets use up too."""

    bucket: str
    limit: int


class Ask(msgspec.Struct, frozen=True):
    """`cost` requests at once out of `limit` in `window_s` seconds; `bucket` names who shares them.

    With `shared`, a request needs a place in both, and takes one in neither unless it gets both.
    """

    bucket: str
    limit: int
    cost: int = 1
    window_s: float = WINDOW_S
    shared: Shared | None = None

    @property
    def key(self) -> str:
        """In Redis. Its braces name all that a cluster chooses the slot by, so both limits are in one."""
        return f"aig:window:{{{self.shared.bucket}}}:{self.bucket}" if self.shared else f"aig:window:{{{self.bucket}}}"

    @property
    def shared_key(self) -> str:
        """Where there is no shared limit, that of its own."""
        return f"aig:window:{{{self.shared.bucket}}}" if self.shared else self.key


class Count(msgspec.Struct, frozen=True):
    """How a limit stands. `reset_s` is the time until its oldest granted request leaves the window."""

    limit: int
    remaining: int
    reset_s: float


class Verdict(msgspec.Struct, frozen=True):
    """How many of the asked were granted, and how the limits stand; in short, the one that is nearer to its end."""

    granted: int
    own: Count
    shared: Count | None
    window_s: float
    backend: Backend

    @property
    def scope(self) -> LimitScope:
        if self.shared is None:
            return LimitScope.KEY
        own, shared = (self.own.remaining, -self.own.reset_s), (self.shared.remaining, -self.shared.reset_s)
        return LimitScope.ORGANIZATION if shared < own else LimitScope.KEY

    @property
    def nearer(self) -> Count:
        return self.shared if self.shared is not None and self.scope is LimitScope.ORGANIZATION else self.own

    @property
    def limit(self) -> int:
        return self.nearer.limit

    @property
    def remaining(self) -> int:
        return self.nearer.remaining

    @property
    def reset_s(self) -> float:
        return self.nearer.reset_s


class Limiter(Protocol):
    def hit(self, asks: Sequence[Ask]) -> Sequence[Verdict]:
        """A verdict for each, in order."""
        ...

    async def hit_soon(self, asks: Sequence[Ask]) -> Sequence[Verdict]:
        """The same on an event loop, which goes on with others meanwhile. Called once at a time."""
        ...
