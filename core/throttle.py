"""Limits on what strangers may try: signing up, signing in, asking for mails. Shared in Redis if there is one."""

import logging
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, TypeVar, cast

import structlog
from email_validator import EmailNotValidError, validate_email
from flask import Flask, current_app, request
from flask.typing import ResponseReturnValue
from flask_limiter import Limiter
from flask_limiter.errors import RateLimitExceeded
from redis import RedisError
from redis.exceptions import RedisClusterException

from core.access import address, current_user_or_none
from core.errors import AppError
from core.formats import duration
from core.network import sender_of
from core.settings import CLUSTER, SENTINEL, Settings
from core.views import ViewResponse

log = structlog.get_logger()

View = TypeVar("View", bound=Callable[..., ViewResponse])


def sender() -> str:
    """Who is counted where nothing but the address is known."""
    return sender_of(address())


limiter = Limiter(key_func=sender, headers_enabled=False, swallow_errors=True, in_memory_fallback_enabled=True)


class TooManyTries(AppError):
    status, code, title = HTTPStatus.TOO_MANY_REQUESTS, "too_many_tries", "Too many attempts"
    advice = "Wait a few minutes and try again."

    def __init__(self, *, wait_s: int | None = None) -> None:
        if wait_s is None:
            super().__init__()
            return
        super().__init__(f"Wait {duration(wait_s)} and try again.", headers=(("Retry-After", str(wait_s)),))


def init_app(app: Flask, settings: Settings) -> None:
    app.config.setdefault("RATELIMIT_STORAGE_URI", _storage_of(settings.redis_url))
    app.config.setdefault("RATELIMIT_KEY_PREFIX", "aig:pages")
    app.config.setdefault("RATELIMIT_STRATEGY", "moving-window")
    app.config.setdefault("RATELIMIT_STORAGE_OPTIONS", _options_of(settings.redis_url or ""))
    try:
        limiter.init_app(app)
    except (RedisError, RedisClusterException):  # a cluster is asked at once who is in it
        log.exception("throttle.redis_lost")
        app.config["RATELIMIT_STORAGE_URI"], app.config["RATELIMIT_STORAGE_OPTIONS"] = "memory://", {}
        limiter.init_app(app)
    logging.getLogger("flask-limiter").setLevel(logging.WARNING)  # its lines name addresses and mailboxes; ours do not
    app.register_error_handler(RateLimitExceeded, _refuse)


def _storage_of(redis_url: str | None) -> str:
    """As the limits library names it: a Redis on a socket has a scheme of its own there."""
    if redis_url is None:
        return "memory://"
    if CLUSTER in redis_url or SENTINEL in redis_url:
        return redis_url.replace("rediss", "redis", 1)
    return f"redis+{redis_url}" if redis_url.startswith("unix:") else redis_url


def _options_of(redis_url: str) -> dict[str, Any]:
    options: dict[str, Any] = {"ssl": True} if redis_url.startswith(("rediss" + CLUSTER, "rediss" + SENTINEL)) else {}
    return {**options, "use_replicas": False} if SENTINEL in redis_url else options


def per_address(limits: str, *, unless: Callable[[], bool] | None = None) -> Callable[[View], View]:
    """Counts what is sent from one address (with IPv6, one line), not what is only looked at."""
    return cast("Callable[[View], View]", limiter.limit(limits, methods=["POST"], exempt_when=unless))


def per_account(limits: str, *, key: Callable[[], str] | None = None) -> Callable[[View], View]:
    """Counts what is sent about one e-mail address, or what `key` names, from wherever."""
    return cast("Callable[[View], View]", limiter.limit(limits, methods=["POST"], key_func=key or account))


def per_person(limits: str) -> Callable[[View], View]:
    """Counts what whoever is signed in sends, from wherever."""
    return per_account(limits, key=_person)


def _person() -> str:
    who = current_user_or_none()
    return f"person:{who.user_id}" if who else f"address:{sender()}"


def account() -> str:
    """The address as the forms understand it, however it is spelled."""
    given = request.form.get("email", "").strip()[:320]
    try:
        return "account:" + validate_email(given, check_deliverability=False).normalized.lower()
    except EmailNotValidError:
        return "address:" + sender()


def _refuse(error: RateLimitExceeded) -> ResponseReturnValue:
    limit = str(error.limit.limit) if error.limit else None
    log.info("throttle.refused", limit=limit, endpoint=request.endpoint)
    return current_app.handle_user_exception(TooManyTries())
