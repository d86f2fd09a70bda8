"""The limit as every answer of a limited address tells it, and the refusal when it is reached."""

import math
from http import HTTPStatus

from api.limits.window import Verdict
from core.clock import unix_ms
from core.errors import AppError


class RateLimited(AppError):
    status, code, title = HTTPStatus.TOO_MANY_REQUESTS, "rate_limited", "The key's limit is reached"
    advice = "Wait as long as Retry-After says, then go on more slowly."


def headers_of(verdict: Verdict) -> tuple[tuple[str, str], ...]:
    """RateLimit-Reset counts seconds, X-RateLimit-Reset is seconds since 1970; both tell of the next free place."""
    reset_s = math.ceil(verdict.reset_s)
    limit, remaining = str(verdict.limit), str(verdict.remaining)
    return (
        ("RateLimit-Limit", limit),
        ("RateLimit-Remaining", remaining),
        ("RateLimit-Reset", str(reset_s)),
        ("X-RateLimit-Limit", limit),
        ("X-RateLimit-Remaining", remaining),
        ("X-RateLimit-Reset", str(unix_ms() // 1000 + reset_s)),
        ("X-RateLimit-Backend", verdict.backend.value),
    )


def refusal_of(verdict: Verdict) -> RateLimited:
    seconds = max(1, math.ceil(verdict.reset_s))
    return RateLimited(
        f"This key may make {verdict.limit} requests in {verdict.window_s:g} s. "
        f"Wait {seconds} s and go on more slowly.",
        headers=(("Retry-After", str(seconds)),),
    )
