"""The limit as every answer of a limited address tells it, and the refusal when it is reached."""

import math
from http import HTTPStatus

from api.limits.window import LimitScope, Verdict
from core.clock import unix_ms
from core.errors import AppError
from core.serving import HeaderLines


class RateLimited(AppError):
    status, code, title = HTTPStatus.TOO_MANY_REQUESTS, "rate_limited", "This API key has reached its rate limit"
    advice = "Wait for Retry-After, then send requests more slowly."


class OrganizationRateLimited(RateLimited):
    code, title = "organization_rate_limited", "The organization has reached its rate limit"
    advice = "Wait for Retry-After, then send fewer requests across all of the organization's software."


class TooManyAtOnce(RateLimited):
    """Of requests under way in one process, whatever they count."""

    code, title = "organization_busy", "The organization has too many concurrent requests"
    advice = (
        "Wait for the time in Retry-After and for earlier responses before you send more. This request was not counted."
    )

    def __init__(self, most: int) -> None:
        super().__init__(
            f"An organization can have {most} concurrent checks. Wait for responses before you send more.",
            headers=(("Retry-After", "1"),),
        )


def limit_lines(verdict: Verdict) -> str:
    """RateLimit-Reset counts seconds, X-RateLimit-Reset is seconds since 1970; both tell of the next free place."""
    scope, nearer = verdict.scope, verdict.nearer
    reset_s = math.ceil(nearer.reset_s)
    return (
        f"ratelimit-limit: {nearer.limit}\r\n"
        f"ratelimit-remaining: {nearer.remaining}\r\n"
        f"ratelimit-reset: {reset_s}\r\n"
        f"x-ratelimit-limit: {nearer.limit}\r\n"
        f"x-ratelimit-remaining: {nearer.remaining}\r\n"
        f"x-ratelimit-reset: {unix_ms() // 1000 + reset_s}\r\n"
        f"x-ratelimit-scope: {scope}\r\n"
        f"x-ratelimit-backend: {verdict.backend}\r\n"
    )


def headers_of(verdict: Verdict) -> tuple[tuple[str, str], ...]:
    return tuple(HeaderLines(limit_lines(verdict).encode("ascii")))


def refusal_of(verdict: Verdict) -> RateLimited:
    seconds = max(1, math.ceil(verdict.reset_s))
    kind, who = RateLimited, "This key"
    if verdict.scope is LimitScope.ORGANIZATION:
        kind, who = OrganizationRateLimited, "All keys of this organization together"
    return kind(
        f"{who} can make {verdict.limit} requests in {verdict.window_s:g} s. Wait {seconds} s, then slow down.",
        headers=(("Retry-After", str(seconds)),),
    )
