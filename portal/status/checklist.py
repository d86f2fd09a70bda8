"""The playbook of one incident: which items are done, by whom, when. Needs the system's scope."""

from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from core import audit
from core.audit import Actor
from core.db import db
from core.errors import NotFound
from core.members import User
from core.scope import needs_system_scope
from portal.status.models import IncidentTick
from portal.status.playbook import CODES


class Tick(msgspec.Struct, frozen=True):
    by: str
    at: datetime
    note: str | None


@needs_system_scope
def ticks_of(incident_id: UUID) -> dict[str, Tick]:
    rows = db.session.execute(
        select(IncidentTick, User.name)
        .join(User, User.id == IncidentTick.ticked_by)
        .where(IncidentTick.incident_id == incident_id)
    )
    return {tick.code: Tick(name, tick.ticked_at, tick.note) for tick, name in rows}


def tick(incident_id: UUID, code: str, *, is_done: bool, note: str | None, by: Actor, now: datetime) -> None:
    """Who ticked an item first stays; a second tick changes nothing. Raises NotFound for an item there is none of."""
    if code not in CODES:
        raise NotFound("This playbook item does not exist.")
    changed = _add(incident_id, code, note=note, by=by, now=now) if is_done else _take_back(incident_id, code)
    if changed:
        action = "incident.step_done" if is_done else "incident.step_undone"
        audit.write(None, action, by=by, now=now, subject_id=str(incident_id), after={"step": code, "note": note})


def _add(incident_id: UUID, code: str, *, note: str | None, by: Actor, now: datetime) -> bool:
    values = {"incident_id": incident_id, "code": code, "note": note, "ticked_at": now, "ticked_by": by.id}
    adding = insert(IncidentTick).values(values).on_conflict_do_nothing().returning(IncidentTick.code)
    return db.session.execute(adding).first() is not None


def _take_back(incident_id: UUID, code: str) -> bool:
    removing = delete(IncidentTick).where(IncidentTick.incident_id == incident_id, IncidentTick.code == code)
    return db.session.execute(removing.returning(IncidentTick.code)).first() is not None
