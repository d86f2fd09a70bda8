"""Rows that are gone by right: erased ones, whose salt goes along and whom the next head names, and purged ones.

The functions of the database that erase decisions note each one in their own transaction.
"""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select, text, update

from api.ledger import merkle
from api.ledger.models import LogChain, LogErasure, LogHead
from backups import erasures as outliving
from core.db import acting_as_system, acting_for_retention, db
from core.scope import needs_system_scope

MOST_AT_ONCE = 5_000
_CUTOFFS = "unnest(CAST(:ids AS uuid[]), CAST(:cutoffs AS timestamptz[])) AS kept (organization_id, since)"
_SAY_WHAT_IS_PURGED = text(f"""
    UPDATE log_chain AS chain SET purged_before = kept.since, has_news = true FROM {_CUTOFFS}
    WHERE chain.organization_id = kept.organization_id
        AND (chain.purged_before IS NULL OR chain.purged_before < kept.since)
""")  # noqa: S608  our own words
_DROP_WHAT_PURGED_ROWS_NEED = text(f"""
    UPDATE log_head AS head SET ids = NULL, salts = NULL, commitments = NULL FROM {_CUTOFFS}
    WHERE head.organization_id = kept.organization_id AND head.newest_at < kept.since AND head.ids IS NOT NULL
""")  # noqa: S608  our own words


@needs_system_scope
def enter(*, through: int) -> dict[UUID, list[int]]:
    """Takes the salts of what was erased up to that number, and gives the positions, for the next heads to name."""
    noted = select(LogErasure).where(LogErasure.recorded_number <= through).order_by(LogErasure.recorded_number)
    by_head: dict[tuple[UUID, int], list[UUID]] = defaultdict(list)
    waiting = db.session.scalars(noted.limit(MOST_AT_ONCE)).all()
    for one in waiting:
        sequence = _sequence_of(one.organization_id, one.recorded_number)
        if sequence is not None:
            by_head[one.organization_id, sequence].append(one.decision_id)
        db.session.delete(one)
    positions: dict[UUID, list[int]] = defaultdict(list)
    for (organization_id, sequence), ids in by_head.items():
        positions[organization_id] += _take_salts(organization_id, sequence, frozenset(one.bytes for one in ids))
    return {organization_id: found for organization_id, found in positions.items() if found}


def pending(organization_id: UUID) -> frozenset[bytes]:
    """Those that the next head will name."""
    query = select(LogErasure.decision_id).where(LogErasure.organization_id == organization_id)
    return frozenset(one.bytes for one in db.session.scalars(query))


def note_purge(cutoffs: Mapping[UUID, datetime]) -> None:
    """What was decided before is gone; the next head says so. What only such rows need goes with them."""
    given = {"ids": list(cutoffs), "cutoffs": list(cutoffs.values())}
    with acting_as_system():
        for statement in (_SAY_WHAT_IS_PURGED, _DROP_WHAT_PURGED_ROWS_NEED):
            db.session.execute(statement, given)


def forget_organization(organization_id: UUID) -> None:
    """With the last of its decisions."""
    with acting_for_retention():
        for table in (LogHead, LogErasure, LogChain):
            db.session.execute(delete(table).where(table.organization_id == organization_id))


@outliving.restored.connect
def _say_that_it_was_restored(_sender: object, *, now: datetime) -> None:
    """Heads that were signed after the dump are gone with their rows; whoever kept one is to know why."""
    db.session.execute(update(LogChain).values(restored_at=now, has_news=True))


def _sequence_of(organization_id: UUID, recorded_number: int) -> int | None:
    """None for a row that was erased before a head covered it."""
    return db.session.scalar(
        select(LogHead.sequence)
        .where(
            LogHead.organization_id == organization_id,
            LogHead.recorded_after < recorded_number,
            LogHead.recorded_through >= recorded_number,
            LogHead.rows > 0,
        )
        .limit(1)
    )


def _take_salts(organization_id: UUID, sequence: int, erased: frozenset[bytes]) -> list[int]:
    head = db.session.get_one(LogHead, (organization_id, sequence), with_for_update=True)
    if head.ids is None or head.salts is None:
        return []
    salts, positions = bytearray(head.salts), []
    for place, decision_id in enumerate(merkle.pieces(head.ids, merkle.ID_BYTES)):
        if decision_id in erased:
            start = place * merkle.SALT_BYTES
            salts[start : start + merkle.SALT_BYTES] = merkle.ERASED
            positions.append(head.first + place)
    head.salts = bytes(salts)
    return positions
