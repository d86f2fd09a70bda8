"""The log with its heads as a file that a stranger verifies offline: NDJSON, as `verify_decision_log.py` reads it.

First the public keys, then each head and its rows: the exact text and the salt of a row that is there, the bare
commitment of one that is gone by right. The last line says how much there was.
"""

import base64
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import select

from api.ledger import merkle, records, signing_keys
from api.ledger.models import LogHead, LogSigningKey
from core.db import db
from core.ids import public_id

PROGRAM = Path(__file__).with_name("verify_decision_log.py")
HEADS_AT_ONCE = 100


def lines(organization_id: UUID, *, since: datetime | None) -> Iterator[bytes]:
    """Heads that were signed since, or all, each with its rows; no more than one head's rows are in memory."""
    count = 0
    yield _line({"keys": keys_as_data()})
    for sequence in _sequences(organization_id, since):
        head = db.session.get_one(LogHead, (organization_id, sequence))
        yield _line({"head": head.body, "signature": _base64(head.signature)})
        yield from _rows_of(head)
        db.session.expunge(head)
        count += 1
    yield _line({"complete": True, "heads": count})


def keys_as_data() -> list[dict[str, Any]]:
    """Newest first. Only the worker has the private one."""
    return [_key_as_data(row) for row in signing_keys.every_key()]


def head_as_data(head: LogHead) -> dict[str, str]:
    return {"head": head.body, "signature": _base64(head.signature)}


def _sequences(organization_id: UUID, since: datetime | None) -> Iterator[int]:
    query = select(LogHead.sequence).where(LogHead.organization_id == organization_id)
    if since is not None:
        query = query.where(LogHead.signed_at >= since)
    yield from db.session.scalars(query.order_by(LogHead.sequence)).all()


def _rows_of(head: LogHead) -> Iterator[bytes]:
    if head.ids is None or head.salts is None or head.commitments is None:
        return
    after, through = head.recorded_after, head.recorded_through
    found = dict(records.of_organization(head.organization_id, after=after, through=through))
    ids = merkle.pieces(head.ids, merkle.ID_BYTES)
    salts = merkle.pieces(head.salts, merkle.SALT_BYTES)
    for decision_id, salt, commitment in zip(
        ids, salts, merkle.pieces(head.commitments, merkle.HASH_BYTES), strict=True
    ):
        row = {"decision_id": public_id("dec", UUID(bytes=decision_id)), "commitment": commitment.hex()}
        if decision_id in found:
            row |= {"salt": salt.hex(), "record": found[decision_id].decode()}
        yield _line(row)


def _key_as_data(row: LogSigningKey) -> dict[str, Any]:
    return {
        "id": row.id,
        "public_key": _base64(row.public_key),
        "statement": row.statement,
        "signature": _base64(row.signature),
        "predecessor_signature": _base64(row.predecessor_signature) if row.predecessor_signature else None,
    }


def _line(data: dict[str, Any]) -> bytes:
    return msgspec.json.encode(data) + b"\n"


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode()
