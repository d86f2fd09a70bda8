"""The header `Idempotency-Key`, and recording what was asked under one."""

import re
from collections.abc import Mapping, Sequence
from wsgiref.types import WSGIEnvironment

from api.checks import idempotency
from api.checks.service import Decided
from api.recording.idempotency import Keyed, KeyedRecorder
from api.v1.check_calls import Call
from core.errors import AppError, FieldProblem, InvalidRequest

HEADER = "Idempotency-Key"
IN_ENVIRON = "HTTP_IDEMPOTENCY_KEY"
FORMAT = "[!-~]{1,255}"


def key_of(environ: WSGIEnvironment) -> str:
    """Raises InvalidRequest."""
    key: str = environ[IN_ENVIRON]
    if not re.fullmatch(FORMAT, key, re.ASCII):
        detail = "Send 1 to 255 printable ASCII characters without spaces, such as a UUID."
        raise InvalidRequest(errors=(FieldProblem(HEADER, "invalid_value", detail),))
    return key


def record_keyed(decided: Mapping[Call, Sequence[Decided]], recorder: KeyedRecorder) -> None:
    """Puts decisions on record, or lets their calls answer with those that hold their keys."""
    asked = {call: _asked(call, ones) for call, ones in decided.items()}
    try:
        holders = recorder.record([keyed for group in asked.values() for keyed in group])
    except AppError as refusal:
        for call in decided:
            call.refusal = refusal
        return
    for call, ones in decided.items():
        try:
            settled = idempotency.settle(ones, asked[call], holders)
        except AppError as refusal:
            call.refusal = refusal
        else:
            call.is_replayed = any(new is not old for new, old in zip(settled, ones, strict=True))
            call.settle(settled)


def _asked(call: Call, decided: Sequence[Decided]) -> list[Keyed]:
    key, lineage_id, body = call.environ[IN_ENVIRON], call.caller.key.lineage_id, call.body()
    return [
        idempotency.keyed(one, lineage_id=lineage_id, key=key, position=position, body=body)
        for position, one in zip(call.positions(), decided, strict=True)
    ]
