"""Feeding the store: the rows that were recorded since, slice by slice, in the order in which they were recorded.

A slice is inserted first, and then the cursor moves, in PostgreSQL: what ends between the two is inserted again, and
the store keeps one row of each decision. Whoever feeds holds the cursor, so nobody erases meanwhile.
"""

from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from api.analytics import rows
from api.analytics.models import AnalyticsCursor, AnalyticsErasure
from api.analytics.store import Store
from backups import erasures
from core.db import db
from core.ids import new_uuid
from core.scope import needs_system_scope

MOST_ROWS = 20_000
_BEFORE_ALL = UUID(int=0)
_EXISTS = "SELECT count() FROM system.tables WHERE database = currentDatabase() AND name = {table:String}"
_OTHERS = """
    SELECT name FROM system.tables
    WHERE database = currentDatabase() AND startsWith(name, {prefix:String}) AND name != {table:String}
"""


class Fed(msgspec.Struct, frozen=True):
    rows: int
    is_all: bool
    """Whether nothing that was complete is left."""


@needs_system_scope
def held_cursor() -> AnalyticsCursor | None:
    """Held until the transaction ends; None if there never was a store."""
    query = select(AnalyticsCursor).with_for_update()
    return db.session.scalar(query, execution_options={"populate_existing": True})


@needs_system_scope
def prepare(store: Store, *, now: datetime) -> None:
    """Makes the table, and drops those of before. A store that lost it is filled from the beginning."""
    first = {**_from_the_beginning(now), "id": 1}
    db.session.execute(insert(AnalyticsCursor).values(first).on_conflict_do_nothing())
    cursor = held_cursor()
    assert cursor is not None  # noqa: S101  it was just made
    [[tables]] = store.rows(_EXISTS, table=cursor.table_name)
    if not tables:
        begin_again(now=now)
    store.run(rows.creation_of(cursor.table_name))
    for [name] in store.rows(_OTHERS, prefix=rows.PREFIX, table=cursor.table_name):
        store.run(f"DROP TABLE IF EXISTS {name}")


@needs_system_scope
def begin_again(*, now: datetime) -> bool:
    """Forgets how far the store was fed: it is filled from the beginning, in a new table. Whether there is a store."""
    cursor = held_cursor()
    if cursor is None:
        return False
    for name, value in _from_the_beginning(now).items():
        setattr(cursor, name, value)
    db.session.flush()
    return True


@needs_system_scope
def forget() -> None:
    """There is no store any more, so nothing has to reach it."""
    for model in (AnalyticsErasure, AnalyticsCursor):
        db.session.execute(delete(model))


@needs_system_scope
def feed_slice(store: Store, *, now: datetime, complete_through: int, most_rows: int = MOST_ROWS) -> Fed:
    """Feeds the next rows. `complete_through`: as `api.ledger.fence` says."""
    cursor = held_cursor()
    assert cursor is not None  # noqa: S101  it is prepared
    if cursor.unnumbered_after is not None:
        lines, cursor.unnumbered_after = rows.unnumbered(after=cursor.unnumbered_after, most=most_rows)
        is_all = False
    else:
        through = max(cursor.recorded_through, min(complete_through, cursor.recorded_through + most_rows))
        lines = rows.numbered(after=cursor.recorded_through, through=through)
        cursor.recorded_through, is_all = through, through >= complete_through
    if lines:
        store.insert(cursor.table_name, rows.block_of(lines))
    if is_all:
        cursor.complete_at = now
    db.session.flush()
    return Fed(rows=len(lines), is_all=is_all)


@erasures.restored.connect
def _begin_again_after_restore(_sender: object, *, now: datetime) -> None:
    """What the store has from after the backup is not in the log any more, and its numbers are given again."""
    begin_again(now=now)


def _from_the_beginning(now: datetime) -> dict[str, object]:
    return {
        "table_name": f"{rows.PREFIX}{new_uuid().hex}",
        "unnumbered_after": _BEFORE_ALL,
        "recorded_through": 0,
        "begun_at": now,
        "complete_at": None,
    }
