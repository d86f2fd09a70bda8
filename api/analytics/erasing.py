"""Erasures reach the store: noted in the transaction that erases, then asked of it, then seen to be done there.

ClickHouse erases by writing its files anew, in its own time. So an erasure stays noted until a count finds nothing of
it. Until then PostgreSQL alone answers for the organization.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import func, select

from api.analytics import rows
from api.analytics.feeding import held_cursor
from api.analytics.models import AnalyticsCursor, AnalyticsErasure
from api.analytics.store import Store
from api.ledger import fence
from core.db import acting_as_system, db
from core.ids import new_uuid
from core.scope import needs_system_scope

log = structlog.get_logger()

ERASED_WITHIN = timedelta(hours=24)
"""What operators are promised: nothing of an erasure is found in the store then. `flask analytics check` says so."""
ASKED_AGAIN_AFTER = timedelta(minutes=15)
MOST_AT_ONCE = 100


class Kind(StrEnum):
    SUBJECT = "subject"
    KEY = "key"
    BEFORE = "before"
    EVERYTHING = "everything"


_IN_POSTGRES = {
    Kind.SUBJECT: "subject = decode(:value, 'hex')",
    Kind.KEY: "api_key_id = CAST(:value AS uuid)",
    Kind.BEFORE: "decided_at < CAST(:value AS timestamptz)",
    Kind.EVERYTHING: ":value = ''",
}


def note_subject(organization_id: UUID, digest: bytes, *, now: datetime) -> None:
    _note({organization_id: digest.hex()}, Kind.SUBJECT, now=now)


def note_key(organization_id: UUID, key_id: UUID, *, now: datetime) -> None:
    _note({organization_id: str(key_id)}, Kind.KEY, now=now)


def note_purge(cutoffs: Mapping[UUID, datetime], *, now: datetime) -> None:
    """Of each organization what was decided before a moment."""
    _note({one: cutoff.astimezone(UTC).isoformat() for one, cutoff in cutoffs.items()}, Kind.BEFORE, now=now)


def note_everything(organization_id: UUID, *, now: datetime) -> None:
    _note({organization_id: ""}, Kind.EVERYTHING, now=now)


def _note(values: Mapping[UUID, str], kind: Kind, *, now: datetime) -> None:
    """Nothing, if there never was a store."""
    with acting_as_system():
        if not values or db.session.scalar(select(AnalyticsCursor.id)) is None:
            return
        through = fence.last_number()
        for organization_id, value in values.items():
            db.session.add(
                AnalyticsErasure(
                    id=new_uuid(),
                    organization_id=organization_id,
                    kind=kind.value,
                    value=value,
                    recorded_through=through,
                    noted_at=now,
                )
            )


@needs_system_scope
def erase_noted(store: Store, *, now: datetime, most: int = MOST_AT_ONCE) -> int:
    """Asks for what was not asked yet, or in vain, and forgets what is done. How many are done."""
    cursor = held_cursor()
    assert cursor is not None  # noqa: S101  it is prepared
    # those first that were asked longest ago, so that none is overlooked however many there are
    order = (AnalyticsErasure.asked_at.asc().nulls_first(), AnalyticsErasure.id)
    noted = list(db.session.scalars(select(AnalyticsErasure).order_by(*order).limit(most)))
    to_ask = [one for one in noted if one.asked_at is None or one.asked_at < now - ASKED_AGAIN_AFTER]
    if to_ask:
        meant = " OR ".join(f"({_in_store(one)})" for one in to_ask)
        store.run(f"ALTER TABLE {cursor.table_name} DELETE WHERE {meant}")
        for one in to_ask:
            one.asked_at = now
    done = [one for one in noted if not _is_left(store, cursor.table_name, one)]
    for one in done:
        _finish(store, cursor.table_name, one)
    db.session.flush()
    return len(done)


@needs_system_scope
def overdue(*, now: datetime) -> int:
    """How many did not reach the store within the time that is promised."""
    query = select(func.count()).where(AnalyticsErasure.noted_at < now - ERASED_WITHIN)
    return int(db.session.scalar(query) or 0)


def _is_left(store: Store, table: str, one: AnalyticsErasure) -> bool:
    [[left]] = store.rows(f"SELECT count() FROM {table} WHERE {_in_store(one)}")  # noqa: S608  our own words
    return bool(left)


def _finish(store: Store, table: str, one: AnalyticsErasure) -> None:
    """What was being recorded while it was erased is still in the log, and so it is to be in the store."""
    condition = f"organization_id = :organization_id AND recorded_number <= :through AND {_IN_POSTGRES[Kind(one.kind)]}"
    given: dict[str, Any] = {
        "organization_id": one.organization_id,
        "through": one.recorded_through,
        "value": one.value,
    }
    if kept := rows.meant_by(condition, given):
        store.insert(table, rows.block_of(kept))
    db.session.delete(one)
    log.info("analytics.erased", organization_id=str(one.organization_id), kind=one.kind)


def _in_store(one: AnalyticsErasure) -> str:
    """Of our own making: an id, a digest in hexadecimal or a moment, each read as what it is once more."""
    meant = f"organization_id = '{UUID(str(one.organization_id))}' AND recorded_number <= {int(one.recorded_through)}"
    match Kind(one.kind):
        case Kind.SUBJECT:
            return f"{meant} AND subject = '{bytes.fromhex(one.value).hex()}'"
        case Kind.KEY:
            return f"{meant} AND api_key_id = '{UUID(one.value)}'"
        case Kind.BEFORE:
            return (
                f"{meant} AND decided_at < toDateTime64('{rows.words_of(datetime.fromisoformat(one.value))}', 6, 'UTC')"
            )
        case Kind.EVERYTHING:
            return meant
