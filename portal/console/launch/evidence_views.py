"""Where our own tools hand in evidence, signed. Without a key in the settings there is no such address."""

import msgspec
from flask import Blueprint, Response

from core.clock import utc_now
from core.current import settings
from core.db import acting_as_system, transaction
from core.errors import InvalidRequest, fault_of
from core.signed_posts import decoded, signed_body
from portal.console.launch import evidence_records
from portal.console.launch.evidence import Evidence

bp = Blueprint("evidence", __name__)

PATH = "/webhooks/evidence"
MOST_BYTES = 200_000


@bp.post(PATH)
def receive() -> Response:
    """204 for what counts, new or not; 422 says why something does not."""
    evidence = decoded(signed_body(settings().evidence_key), Evidence, most_bytes=MOST_BYTES)
    try:
        with acting_as_system(), transaction():
            evidence_records.save(evidence, settings=settings(), now=utc_now())
    except msgspec.ValidationError as error:
        raise InvalidRequest(errors=(fault_of(error),)) from error
    return Response(status=204)
