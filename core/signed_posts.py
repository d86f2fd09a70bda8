"""Addresses where our own tools hand something in, signed with a key of the settings; without the key there is none."""

from http import HTTPStatus
from typing import Any, TypeVar

import msgspec
from flask import request

from core import signed_bodies
from core.clock import utc_now
from core.errors import AppError, InvalidRequest, NotFound, fault_of

Shape = TypeVar("Shape")


class WrongSignature(AppError):
    status, code, title = HTTPStatus.UNAUTHORIZED, "wrong_signature", "The signature is not valid, or is too old"
    advice = "Sign with the key in this installation's settings, and compare the clocks of both machines."


def signed_body(key: str | None) -> bytes:
    """The bytes of this request. Raises NotFound without a key, else WrongSignature."""
    if not key:
        raise NotFound
    body: bytes = request.get_data(cache=False)
    if not signed_bodies.is_signed(request.headers.get(signed_bodies.HEADER), body, key=key, now=utc_now()):
        raise WrongSignature
    return body


def decoded(body: bytes, shape: type[Shape], *, most_bytes: int) -> Shape:
    """Raises InvalidRequest, naming the field at fault."""
    if len(body) > most_bytes:
        raise InvalidRequest(f"The body has more than {most_bytes} bytes.")
    try:
        found: Any = msgspec.json.decode(body, type=shape)
    except msgspec.ValidationError as error:
        raise InvalidRequest(errors=(fault_of(error),)) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidRequest("The body is not valid JSON.") from error
    return found  # type: ignore[no-any-return]
