"""Reading a request's body: its type and size are checked before a byte of it is looked at."""

from http import HTTPStatus
from typing import Any
from wsgiref.types import WSGIEnvironment

import msgspec

from api import strict_json
from core.errors import AppError, InvalidRequest, TooLarge, fault_of
from core.network import need_plain_body


class CutShort(AppError):
    status, code, title = HTTPStatus.BAD_REQUEST, "cut_short", "The body ended too early"
    advice = "Send as many bytes as Content-Length says."


class UnsupportedMediaType(AppError):
    status, code, title = HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", "The body must be JSON"
    advice = "Send Content-Type: application/json and a JSON object."


def read_body(environ: WSGIEnvironment, *, at_most_bytes: int, may_be_empty: bool = False) -> bytes:
    """The raw body. Raises UnsupportedEncoding, UnsupportedMediaType, CutShort or TooLarge.

    Whether there is one at all is told by its bytes: a body in chunks has no length in its headers.
    """
    need_plain_body(environ)
    if not may_be_empty:
        _need_json(environ)
    _declared(environ, at_most_bytes=at_most_bytes)
    body: bytes = environ["wsgi.input"].read(at_most_bytes + 1)
    if body and may_be_empty:
        _need_json(environ)
    _need_whole(environ, body, at_most_bytes=at_most_bytes)
    return body


def need_json_body(environ: WSGIEnvironment, body: bytes, *, at_most_bytes: int) -> None:
    """For a body that was read already, at most one byte more than it may have. Raises what `read_body` raises."""
    need_plain_body(environ)
    _need_json(environ)
    _need_whole(environ, body, at_most_bytes=at_most_bytes)


def _declared(environ: WSGIEnvironment, *, at_most_bytes: int) -> int:
    """How long the body says it is; 0 where it does not say. Raises TooLarge."""
    declared = environ.get("CONTENT_LENGTH") or ""
    length = int(declared) if declared.isdigit() else 0
    if length > at_most_bytes:
        raise TooLarge(f"The body can have at most {at_most_bytes} bytes. Send less at once.")
    return length


def _need_whole(environ: WSGIEnvironment, body: bytes, *, at_most_bytes: int) -> None:
    if len(body) < _declared(environ, at_most_bytes=at_most_bytes):
        raise CutShort
    if len(body) > at_most_bytes:
        raise TooLarge(f"The body can have at most {at_most_bytes} bytes. Send less at once.")


def _need_json(environ: WSGIEnvironment) -> None:
    media_type = environ.get("CONTENT_TYPE", "")
    if media_type == "application/json":
        return
    media_type = media_type.partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise UnsupportedMediaType


@strict_json.within_the_stack()
def read_struct(
    environ: WSGIEnvironment, shape: Any, *, at_most_bytes: int = 262_144, may_be_empty: bool = False
) -> Any:
    """The body as a value of `shape`. Raises the refusals of `read_body` and InvalidJson, or InvalidRequest."""
    body = read_body(environ, at_most_bytes=at_most_bytes, may_be_empty=may_be_empty)
    parsed: Any = strict_json.parse(body) if body or not may_be_empty else {}
    try:
        return msgspec.convert(parsed, shape)
    except msgspec.ValidationError as error:
        raise InvalidRequest(errors=(fault_of(error),)) from error
