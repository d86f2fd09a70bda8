"""Reports of machines, and reading them. In the system's scope."""

from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from api.machines.models import WebMachine
from api.machines.spools import WaitingRows
from core.db import db
from core.scope import needs_system_scope

SILENT_AFTER = timedelta(minutes=1)
FORGOTTEN_AFTER = timedelta(days=7)
"""A machine that is gone, with nothing on its disk as far as it said."""


class MachineStatus(msgspec.Struct, frozen=True):
    """`is_silent`: not heard of lately, so that its disk may hold more than it last said."""

    id: UUID
    name: str
    waiting: WaitingRows
    reported_at: datetime
    is_silent: bool

    @property
    def is_well(self) -> bool:
        return not (self.is_silent and self.waiting.rows) and not self.waiting.quarantined


@needs_system_scope
def report(machine_id: UUID, name: str, waiting: WaitingRows, *, now: datetime) -> None:
    values = {"name": name, **_columns(waiting), "reported_at": now}
    statement = insert(WebMachine).values(id=machine_id, **values)
    db.session.execute(statement.on_conflict_do_update(index_elements=["id"], set_=values))
    db.session.execute(
        delete(WebMachine).where(WebMachine.reported_at < now - FORGOTTEN_AFTER, WebMachine.spool_rows == 0)
    )


@needs_system_scope
def note_replayed(machine_id: UUID, waiting: WaitingRows) -> None:
    """What its disk holds after it was read elsewhere; when the machine itself was heard stays as it is."""
    machine = db.session.get(WebMachine, machine_id)
    if machine is not None:
        for column, value in _columns(waiting).items():
            setattr(machine, column, value)


@needs_system_scope
def every_machine(*, now: datetime) -> list[MachineStatus]:
    """Those with rows that wait first."""
    query = select(WebMachine).order_by(WebMachine.spool_rows.desc(), WebMachine.name, WebMachine.id)
    return [
        MachineStatus(
            id=row.id,
            name=row.name,
            waiting=WaitingRows(row.spool_rows, row.spool_bytes, row.oldest_at, row.quarantined_rows),
            reported_at=row.reported_at,
            is_silent=row.reported_at < now - SILENT_AFTER,
        )
        for row in db.session.scalars(query)
    ]


def _columns(waiting: WaitingRows) -> dict[str, int | datetime | None]:
    return {
        "spool_rows": waiting.rows,
        "spool_bytes": waiting.bytes,
        "oldest_at": waiting.oldest_at,
        "quarantined_rows": waiting.quarantined,
    }
