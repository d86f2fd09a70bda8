"""One organization's chain of heads, as its members see it."""

from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import select

from api.ledger import heads
from api.ledger.heads import Head
from api.ledger.models import LogChain, LogHead
from core.db import db


class ChainStatus(msgspec.Struct, frozen=True):
    """`findings`: of the last verification, or None if there was none yet."""

    head: Head
    hash: str
    started_at: datetime
    verified_at: datetime | None
    findings: list[str] | None


def status_of(organization_id: UUID) -> ChainStatus | None:
    """None before the first head."""
    chain, last = db.session.get(LogChain, organization_id), last_head(organization_id)
    head = heads.read(last.body) if last else None
    if chain is None or last is None or head is None:
        return None
    return ChainStatus(
        head=head,
        hash=heads.hash_of(last.body).hex(),
        started_at=chain.started_at,
        verified_at=chain.verified_at,
        findings=chain.findings,
    )


def last_head(organization_id: UUID) -> LogHead | None:
    query = select(LogHead).where(LogHead.organization_id == organization_id)
    return db.session.scalar(query.order_by(LogHead.sequence.desc()).limit(1))
