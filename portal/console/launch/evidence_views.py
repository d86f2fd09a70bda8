"""Where our own tools hand in evidence, signed. Without a key in the settings there is no such address."""

from http import HTTPStatus

import msgspec
from flask import Blueprint, Response, request

from core import signed_bodies
from core.clock import utc_now
from core.current import settings
from core.db import acting_as_system, transaction
from core.errors import AppError, InvalidRequest, NotFound, fault_of
from portal.console.launch import evidence_records
from portal.console.launch.evidence import Evidence

bp = Blueprint("evidence", __name__)

PATH = "/webhooks/evidence"
MOST_BYTES = 200_000


class WrongSignature(AppError):
    status, code, title = HTTPStatus.UNAUTHORIZED, "wrong_signature", "The signature is not right, or too old"
    advice = "Sign with the EVIDENCE_KEY of this installation, and compare the clocks of the two machines."


@bp.post(PATH)
def receive() -> Response:
    """204 for what counts, new or not; 422 says why something does not."""
    key, body, now = settings().evidence_key, request.get_data(cache=False), utc_now()
    if not key:
        raise NotFound
    if not signed_bodies.is_signed(request.headers.get(signed_bodies.HEADER), body, key=key, now=now):
        raise WrongSignature
    try:
        with acting_as_system(), transaction():
            evidence_records.keep(_read(body), settings=settings(), now=now)
    except msgspec.ValidationError as error:
        raise InvalidRequest(errors=(fault_of(error),)) from error
    return Response(status=204)


def _read(body: bytes) -> Evidence:
    if len(body) > MOST_BYTES:
        raise InvalidRequest("Evidence is not that long.")
    try:
        return msgspec.json.decode(body, type=Evidence)
    except msgspec.ValidationError:
        raise
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidRequest("The body is no JSON.") from error
