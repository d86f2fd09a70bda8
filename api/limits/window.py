"""What is counted and what comes of it: a sliding window, so that no 60 seconds ever hold more than the limit."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol

import msgspec

from billing.plans import PLANS, SANDBOX, PlanCode

WINDOW_S = 60
DEFAULT_LIMIT = PLANS[PlanCode.PILOT].limits.rate_per_key
SANDBOX_LIMIT = SANDBOX.rate_per_key
"""Requests of a key in 60 s before its organization is approved."""


def limit_of(own: int | None, plan: int | None, *, is_sandbox: bool) -> int:
    """What a key may ask in 60 s: its own limit, else its plan's, else the usual; less before the approval."""
    limit = own or plan or DEFAULT_LIMIT
    return min(limit, SANDBOX_LIMIT) if is_sandbox else limit


class Backend(StrEnum):
    REDIS = "redis"
    MEMORY = "memory"


class Ask(msgspec.Struct, frozen=True):
    """`cost` requests at once out of `limit` in `window_s` seconds; `bucket` names who shares them."""

    bucket: str
    limit: int
    cost: int = 1
    window_s: float = WINDOW_S


class Verdict(msgspec.Struct, frozen=True):
    """How many of the asked were granted, and what is left.

    `reset_s` is the time until the oldest granted request leaves the window and frees a place.
    """

    granted: int
    limit: int
    remaining: int
    reset_s: float
    window_s: float
    backend: Backend


class Limiter(Protocol):
    def hit(self, asks: Sequence[Ask]) -> Sequence[Verdict]:
        """A verdict for each, in order."""
        ...
