"""Reading a request's body: its type and size are checked before a byte of it is looked at."""

from http import HTTPStatus
from typing import Any
from wsgiref.types import WSGIEnvironment

import msgspec

from api import strict_json
from core.errors import AppError, InvalidRequest, TooLarge, fault_of


class CutShort(AppError):
    status, code, title = HTTPStatus.BAD_REQUEST, "cut_short", "The body ended too early"
    advice = "Send as many bytes as Content-Length says."


class UnsupportedMediaType(AppError):
    status, code, title = HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", "The body must be JSON"
    advice = "Send Content-Type: application/json and a JSON object."


def read_body(environ: WSGIEnvironment, *, at_most_bytes: int) -> bytes:
    """The raw body. Raises UnsupportedMediaType or TooLarge."""
    media_type = environ.get("CONTENT_TYPE", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise UnsupportedMediaType
    declared = environ.get("CONTENT_LENGTH") or ""
    if declared.isdigit() and int(declared) > at_most_bytes:
        raise TooLarge(f"The body may have at most {at_most_bytes} bytes. Send less at once.")
    body: bytes = environ["wsgi.input"].read(at_most_bytes + 1)
    if declared.isdigit() and len(body) < int(declared):
        raise CutShort
    if len(body) > at_most_bytes:
        raise TooLarge(f"The body may have at most {at_most_bytes} bytes. Send less at once.")
    return body


@strict_json.within_the_stack()
def read_struct(
    environ: WSGIEnvironment, shape: Any, *, at_most_bytes: int = 262_144, may_be_empty: bool = False
) -> Any:
    """The body as a value of `shape`. Raises the refusals of `read_body` and InvalidJson, or InvalidRequest."""
    if may_be_empty and environ.get("CONTENT_LENGTH") in {None, "", "0"}:
        parsed: Any = {}
    else:
        parsed = strict_json.parse(read_body(environ, at_most_bytes=at_most_bytes))
    try:
        return msgspec.convert(parsed, shape)
    except msgspec.ValidationError as error:
        raise InvalidRequest(errors=(fault_of(error),)) from error
