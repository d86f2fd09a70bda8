"""Limits on what strangers may try: signing up, signing in, asking for mails. Shared in Redis if there is one."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any, TypeVar, cast

from flask import Flask, current_app, request
from flask_limiter import Limiter
from flask_limiter.errors import RateLimitExceeded

from core.access import address
from core.errors import AppError
from core.settings import Settings

View = TypeVar("View", bound=Callable[..., Any])

limiter = Limiter(key_func=address, headers_enabled=False, swallow_errors=True, in_memory_fallback_enabled=True)


class TooManyTries(AppError):
    status, code, title = HTTPStatus.TOO_MANY_REQUESTS, "too_many_tries", "That was tried too often"
    advice = "Wait a few minutes and try again."


def init_app(app: Flask, settings: Settings) -> None:
    app.config.setdefault("RATELIMIT_STORAGE_URI", settings.redis_url or "memory://")
    app.config.setdefault("RATELIMIT_KEY_PREFIX", "aig:pages")
    app.config.setdefault("RATELIMIT_STRATEGY", "moving-window")
    limiter.init_app(app)
    app.register_error_handler(RateLimitExceeded, _refuse)


def per_address(limits: str) -> Callable[[View], View]:
    """Counts what is sent from one address, not what is only looked at."""
    return cast("Callable[[View], View]", limiter.limit(limits, methods=["POST"]))


def per_account(limits: str) -> Callable[[View], View]:
    """Counts what is sent about one e-mail address, from wherever."""
    return cast("Callable[[View], View]", limiter.limit(limits, methods=["POST"], key_func=_account))


def _account() -> str:
    return "account:" + request.form.get("email", "").strip().lower()[:254]


def _refuse(_error: RateLimitExceeded) -> Any:
    return current_app.handle_user_exception(TooManyTries())
