"""Checking heads without their rows: signatures, the chain from one to the next, its end."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import select

from api.ledger import heads
from api.ledger.findings import Fault, Report
from api.ledger.heads import Head
from api.ledger.models import LogChain, LogHead
from core.db import db

HEADS_AT_ONCE = 500
SHORTEST_RETENTION = timedelta(days=29)
"""A day less than an organization can choose: days are purged whole, in UTC."""

Keys = Mapping[str, Ed25519PublicKey]


def check_chain(chain: LogChain, keys: Keys, report: Report, *, since: int = 1) -> dict[int, Head]:
    """Heads from that sequence on, those that are as they were signed; what is wrong is added to the report."""
    sound: dict[int, Head] = {}
    before: LogHead | None = None
    for row in _rows(chain, since):
        report.heads += 1
        head = verified(row, keys)
        if before is None and row.sequence > since:
            report.add(Fault.HEAD_MISSING, sequence=since)
        if before is not None and row.sequence != before.sequence + 1:
            report.add(Fault.HEAD_MISSING, sequence=before.sequence + 1)
        elif head is None or not _follows(head, before):
            report.add(Fault.HEAD_CHANGED, sequence=row.sequence)
        elif _is_purged_too_early(head):
            report.add(Fault.PURGED_TOO_EARLY, sequence=row.sequence)
        if head is not None:
            sound[row.sequence] = head
        before = row
    _check_end(chain, before, report)
    return sound


def verified(row: LogHead, keys: Keys) -> Head | None:
    """The head that a row holds, if it is signed by a key of ours and says what stands beside it."""
    key, head = keys.get(row.key_id), heads.read(row.body)
    if key is None or head is None or not heads.is_signed(row.body, row.signature, key):
        return None
    beside = (heads.name_of(row.organization_id), row.sequence, row.first, row.rows, row.key_id)
    return head if beside == (head.organization, head.sequence, head.first, head.rows, head.key) else None


def kept_head_fits(organization_id: UUID, text: str) -> bool:
    """Whether a head that somebody kept is in the chain, byte for byte."""
    kept = heads.read(text.strip())
    if kept is None:
        return False
    row = db.session.get(LogHead, (organization_id, kept.sequence))
    return row is not None and row.body == text.strip()


def _rows(chain: LogChain, since: int) -> Iterator[LogHead]:
    """Up to the end that the chain had when it was read: more may be signed meanwhile."""
    query = select(LogHead).where(
        LogHead.organization_id == chain.organization_id, LogHead.sequence.between(since, chain.last_sequence)
    )
    yield from db.session.scalars(
        query.order_by(LogHead.sequence), execution_options={"yield_per": HEADS_AT_ONCE, "populate_existing": True}
    )


def _follows(head: Head, before: LogHead | None) -> bool:
    if before is None:
        return head.sequence > 1 or (head.previous == heads.NO_HEAD.hex() and head.first == 1)
    is_next = head.previous == heads.hash_of(before.body).hex() and head.first == before.first + before.rows
    return is_next and head.total == head.first + head.rows - 1


def _is_purged_too_early(head: Head) -> bool:
    return head.purged_before is not None and head.purged_before > head.signed_at - SHORTEST_RETENTION


def _check_end(chain: LogChain, last: LogHead | None, report: Report) -> None:
    sequence, body = (last.sequence, last.body) if last else (0, "")
    if sequence != chain.last_sequence or (last and heads.hash_of(body) != chain.last_hash):
        report.add(Fault.CUT_OFF, sequence=sequence + 1)
