"""Signing: the rows that were recorded since, slice by slice, in the order in which they were recorded.

Every organization with rows in a slice gets a head of it, so that none waits for more than the rows that came before
its own. One transaction for each slice, which holds the cursor: two who sign at once sign nothing twice.
"""

import os
from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy import Row, select

from api.ledger import erasures, heads, merkle, records, signing_keys
from api.ledger.heads import Head
from api.ledger.models import LogChain, LogCursor, LogHead
from core import current
from core.db import among, db
from core.scope import needs_system_scope

MOST_ROWS = 20_000
MOST_WITH_NEWS = 500


class Signed(msgspec.Struct, frozen=True):
    rows: int
    heads: int
    is_all: bool
    """Whether nothing that was complete is left."""


class Entry(NamedTuple):
    """What a head keeps of a row, and when it was decided."""

    id: bytes
    decided_at: datetime
    salt: bytes
    commitment: bytes


@needs_system_scope
def sign_slice(*, now: datetime, complete_through: int, most_rows: int = MOST_ROWS) -> Signed:
    """Signs the next rows of the log. `complete_through`: as `fence` says."""
    cursor = db.session.scalars(
        select(LogCursor).with_for_update(), execution_options={"populate_existing": True}
    ).one()
    after = cursor.recorded_through
    through = max(after, min(complete_through, after + most_rows))
    erased = erasures.enter(through=after)
    found = {
        organization_id: [_committed(row) for row in rows]
        for organization_id, rows in groupby(records.since(after, through), key=attrgetter("organization_id"))
    }
    key_id = signing_keys.put_on_record(current.settings(), now=now)
    chains = _chains(found.keys() | erased.keys(), now=now)
    for organization_id, chain in chains.items():
        entries = found.get(organization_id, [])
        _append(chain, entries, erased.get(organization_id, []), after=after, through=through, key_id=key_id, now=now)
    cursor.recorded_through, cursor.advanced_at = through, now
    count = sum(map(len, found.values()))
    return Signed(rows=count, heads=len(chains), is_all=through >= complete_through)


def _committed(row: Row[Any]) -> Entry:
    salt = os.urandom(merkle.SALT_BYTES)
    return Entry(row.id.bytes, row.decided_at, salt, merkle.commitment_of(row.record.encode(), salt))


def _chains(organization_ids: set[UUID], *, now: datetime) -> dict[UUID, LogChain]:
    """Those of them, and those with news; new ones are begun."""
    known = {
        chain.organization_id: chain
        for query in (
            select(LogChain).where(among(LogChain.organization_id, organization_ids)),
            select(LogChain).where(LogChain.has_news).limit(MOST_WITH_NEWS),
        )
        for chain in db.session.scalars(query.with_for_update(), execution_options={"populate_existing": True})
    }
    for organization_id in organization_ids - known.keys():
        known[organization_id] = _begun(organization_id, now=now)
    return known


def _begun(organization_id: UUID, *, now: datetime) -> LogChain:
    chain = LogChain(
        organization_id=organization_id,
        started_at=now,
        last_sequence=0,
        last_hash=heads.NO_HEAD,
        total=0,
        has_news=False,
    )
    db.session.add(chain)
    return chain


def _append(
    chain: LogChain,
    entries: Sequence[Entry],
    erased: list[int],
    *,
    after: int,
    through: int,
    key_id: str,
    now: datetime,
) -> None:
    head = _head(chain, entries, erased, key_id=key_id, now=now)
    body = heads.text_of(head)
    db.session.add(
        LogHead(
            organization_id=chain.organization_id,
            sequence=head.sequence,
            body=body,
            signature=heads.sign(body, signing_keys.present_key(current.settings())),
            key_id=key_id,
            signed_at=now,
            first=head.first,
            rows=head.rows,
            recorded_after=after,
            recorded_through=through,
            newest_at=head.newest,
            ids=b"".join(entry.id for entry in entries),
            salts=b"".join(entry.salt for entry in entries),
            commitments=b"".join(entry.commitment for entry in entries),
        )
    )
    chain.last_sequence, chain.last_hash = head.sequence, heads.hash_of(body)
    chain.total, chain.has_news = head.total, False


def _head(chain: LogChain, entries: Sequence[Entry], erased: list[int], *, key_id: str, now: datetime) -> Head:
    moments = [entry.decided_at for entry in entries]
    return Head(
        organization=heads.name_of(chain.organization_id),
        sequence=chain.last_sequence + 1,
        first=chain.total + 1,
        rows=len(entries),
        total=chain.total + len(entries),
        oldest=min(moments, default=None),
        newest=max(moments, default=None),
        root=merkle.root_of([merkle.leaf_of(entry.id, entry.commitment) for entry in entries]).hex(),
        previous=chain.last_hash.hex(),
        erased=heads.spans_of(erased),
        purged_before=chain.purged_before,
        restored_at=chain.restored_at,
        signed_at=now,
        key=key_id,
    )
