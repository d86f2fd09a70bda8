"""Error reports: which kind of error, and where. What else an event could hold is left out, not cleaned."""

from typing import Any

import sentry_sdk
from sentry_sdk.transport import Transport
from sentry_sdk.types import Event, Hint

from core.observability.metrics import UNHANDLED_ERRORS
from core.settings import Settings

_OF_EVENT = frozenset({"event_id", "timestamp", "platform", "level", "environment", "release", "sdk"})
_OF_EXCEPTION = frozenset({"type", "module", "mechanism"})
_OF_MECHANISM = frozenset({"type", "handled"})
_OF_FRAME = frozenset({"filename", "abs_path", "module", "function", "lineno", "in_app"})
_TAGS = frozenset({"request_id"})
"""Ours; a caller cannot set it."""


def set_up_error_reports(settings: Settings, *, transport: Transport | None = None) -> None:
    """Sentry, if there is an address for it. No integration is automatic: they would make every check dearer."""
    if not settings.sentry_dsn:
        return
    sentry_sdk.init(
        dsn=settings.sentry_dsn,
        environment=settings.environment.value,
        default_integrations=False,
        auto_enabling_integrations=False,
        include_local_variables=False,
        include_source_context=False,
        max_request_body_size="never",
        max_breadcrumbs=0,
        before_send=_only_our_words,
        transport=transport,
    )


def report_error(error: BaseException, *, request_id: str | None = None) -> None:
    """To the error tracker, with nothing but the place and the request id; a job has none."""
    UNHANDLED_ERRORS.inc()
    with sentry_sdk.new_scope() as scope:
        if request_id is not None:
            scope.set_tag("request_id", request_id)
        sentry_sdk.capture_exception(error)


def _only_our_words(event: Event, _hint: Hint) -> Event:
    """A new event of what is known to be ours: what a later SDK adds stays here until somebody has looked at it."""
    told: Any = _only(event, _OF_EVENT)
    told["tags"] = _only(event.get("tags") or {}, _TAGS)
    told["exception"] = {"values": [_place_of(one) for one in (event.get("exception") or {}).get("values", ())]}
    return told  # type: ignore[no-any-return]


def _place_of(exception: dict[str, Any]) -> dict[str, Any]:
    told = _only(exception, _OF_EXCEPTION)
    told["mechanism"] = _only(exception.get("mechanism") or {}, _OF_MECHANISM)
    frames = (exception.get("stacktrace") or {}).get("frames", ())
    told["stacktrace"] = {"frames": [_only(frame, _OF_FRAME) for frame in frames]}
    return told


def _only(given: Any, names: frozenset[str]) -> dict[str, Any]:
    return {name: value for name, value in given.items() if name in names}
