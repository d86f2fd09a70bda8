"""Maintenance: announced, begun and ended by the clock, or by an operator who is done earlier.

Needs the system's scope.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from core import audit
from core.audit import SYSTEM, Actor
from core.db import db
from core.errors import AppError, FieldProblem, InvalidRequest, NotFound
from core.ids import new_uuid
from core.jobs import defer
from core.rows import find_fresh
from core.scope import needs_system_scope
from legal_docs import figures
from portal.status.emails import mail_maintenance_update
from portal.status.models import Maintenance, MaintenanceUpdate
from portal.status.states import (
    MAINTENANCE_LABELS,
    MAINTENANCE_MOVES,
    UNDER_WAY,
    Component,
    MaintenanceStatus,
)

ANNOUNCED_AHEAD = timedelta(hours=figures.MAINTENANCE_NOTICE_HOURS)
"""With less notice than this it counts as outage: Terms 6.4."""
PAGE_SIZE = 50
_BY_THE_CLOCK = {
    MaintenanceStatus.IN_PROGRESS: "Maintenance has started.",
    MaintenanceStatus.COMPLETED: "Maintenance is complete.",
}


class MaintenanceMoved(AppError):
    status, code, title = HTTPStatus.CONFLICT, "maintenance_moved", "The maintenance status has changed"
    advice = "Reload the page to see its current status. Nothing was changed."


@needs_system_scope
def schedule(
    maintenance_id: UUID,
    *,
    title: str,
    body: str,
    components: Sequence[Component],
    starts_at: datetime,
    ends_at: datetime,
    by: Actor,
    now: datetime,
) -> Maintenance:
    """Raises InvalidRequest, naming the field, where the times make no sense. The same id again changes nothing."""
    if starts_at <= now:
        raise InvalidRequest(errors=(FieldProblem("starts_at", "past", "Choose a time in the future."),))
    if ends_at <= starts_at:
        raise InvalidRequest(errors=(FieldProblem("ends_at", "order", "The end must be after the start."),))
    scheduling = insert(Maintenance).values(
        id=maintenance_id,
        title=title,
        body=body,
        status=MaintenanceStatus.SCHEDULED.value,
        version=1,
        components=[component.value for component in components],
        announced_at=now,
        starts_at=starts_at,
        ends_at=ends_at,
    )
    scheduled = db.session.execute(scheduling.on_conflict_do_nothing().returning(Maintenance.id)).first()
    maintenance = find(maintenance_id)
    if scheduled is not None:
        _write(maintenance, by=by, now=now)
        _say(maintenance, body, now=now)
    return maintenance


@needs_system_scope
def move(
    maintenance_id: UUID, to: MaintenanceStatus, *, version: int, body: str, by: Actor, now: datetime
) -> Maintenance:
    """Raises MaintenanceMoved."""
    maintenance = find(maintenance_id)
    before = MaintenanceStatus(maintenance.status)
    if to not in MAINTENANCE_MOVES[before]:
        raise _moved(maintenance)
    values: dict[str, Any] = {}
    if to is MaintenanceStatus.IN_PROGRESS and maintenance.started_at is None:
        values["started_at"] = now
    if not MAINTENANCE_MOVES[to]:
        values["ended_at"] = now
    changed = db.session.execute(
        update(Maintenance)
        .where(Maintenance.id == maintenance_id, Maintenance.status == before.value, Maintenance.version == version)
        .values(status=to.value, version=version + 1, **values)
        .returning(Maintenance.id)
        .execution_options(synchronize_session=False)
    ).first()
    if changed is None:
        raise _moved(maintenance)
    maintenance = find(maintenance_id)
    _write(maintenance, by=by, now=now, before=before)
    _say(maintenance, body, now=now)
    return maintenance


def advance(maintenance: Maintenance, *, now: datetime) -> None:
    """Begins and ends it by the clock. Raises MaintenanceMoved where somebody was quicker."""
    to = MaintenanceStatus.IN_PROGRESS if now < maintenance.ends_at else MaintenanceStatus.COMPLETED
    if maintenance.status == MaintenanceStatus.SCHEDULED and to is MaintenanceStatus.COMPLETED:
        maintenance = move(
            maintenance.id,
            MaintenanceStatus.IN_PROGRESS,
            version=maintenance.version,
            body=_BY_THE_CLOCK[MaintenanceStatus.IN_PROGRESS],
            by=SYSTEM,
            now=now,
        )
    if maintenance.status != to:
        move(maintenance.id, to, version=maintenance.version, body=_BY_THE_CLOCK[to], by=SYSTEM, now=now)


@needs_system_scope
def due(*, now: datetime) -> list[Maintenance]:
    """What the clock has to begin or to end."""
    begins = (Maintenance.status == MaintenanceStatus.SCHEDULED.value) & (Maintenance.starts_at <= now)
    ends = Maintenance.status.in_(UNDER_WAY) & (Maintenance.ends_at <= now)
    return list(db.session.scalars(select(Maintenance).where(begins | ends)))


@needs_system_scope
def find(maintenance_id: UUID) -> Maintenance:
    """Raises NotFound."""
    found = find_fresh(Maintenance, maintenance_id)
    if found is None:
        raise NotFound("This maintenance does not exist.")
    return found


@needs_system_scope
def ahead_and_under_way() -> list[Maintenance]:
    """The next first."""
    wanted = (MaintenanceStatus.SCHEDULED.value, *UNDER_WAY)
    query = select(Maintenance).where(Maintenance.status.in_(wanted)).order_by(Maintenance.starts_at)
    return list(db.session.scalars(query))


@needs_system_scope
def list_page(*, size: int = PAGE_SIZE) -> list[Maintenance]:
    """The latest first."""
    return list(db.session.scalars(select(Maintenance).order_by(Maintenance.starts_at.desc()).limit(size)))


@needs_system_scope
def updates_of(maintenance_id: UUID) -> list[MaintenanceUpdate]:
    """The oldest first."""
    query = select(MaintenanceUpdate).where(MaintenanceUpdate.maintenance_id == maintenance_id)
    return list(db.session.scalars(query.order_by(MaintenanceUpdate.id)))


def is_announced_in_time(maintenance: Maintenance) -> bool:
    return maintenance.starts_at - maintenance.announced_at >= ANNOUNCED_AHEAD


@needs_system_scope
def components_under_way() -> set[Component]:
    rows = db.session.scalars(select(Maintenance).where(Maintenance.status.in_(UNDER_WAY)))
    return {Component(name) for one in rows for name in one.components}


@needs_system_scope
def excused_components(*, now: datetime) -> set[Component]:
    """Whose failures now are no outage: their maintenance is under way, in its time, and was announced before."""
    rows = db.session.scalars(
        select(Maintenance).where(
            Maintenance.status.in_(UNDER_WAY), Maintenance.starts_at <= now, Maintenance.ends_at > now
        )
    )
    return {Component(name) for one in rows if is_announced_in_time(one) for name in one.components}


_ACTIONS = {
    MaintenanceStatus.SCHEDULED: "maintenance.scheduled",
    MaintenanceStatus.IN_PROGRESS: "maintenance.started",
    MaintenanceStatus.VERIFYING: "maintenance.verifying",
    MaintenanceStatus.COMPLETED: "maintenance.completed",
    MaintenanceStatus.CANCELLED: "maintenance.cancelled",
}


def _write(maintenance: Maintenance, *, by: Actor, now: datetime, before: MaintenanceStatus | None = None) -> None:
    audit.write(
        None,
        _ACTIONS[MaintenanceStatus(maintenance.status)],
        by=by,
        now=now,
        subject_id=str(maintenance.id),
        before={"status": before.value} if before else None,
        after={"status": maintenance.status, "title": maintenance.title},
    )


def _say(maintenance: Maintenance, body: str, *, now: datetime) -> None:
    said = MaintenanceUpdate(
        id=new_uuid(), maintenance_id=maintenance.id, status=maintenance.status, body=body, written_at=now
    )
    db.session.add(said)
    db.session.flush()
    defer(mail_maintenance_update, update_id=str(said.id))


def _moved(maintenance: Maintenance) -> MaintenanceMoved:
    words = MAINTENANCE_LABELS[MaintenanceStatus(find(maintenance.id).status)].lower()
    return MaintenanceMoved(f"The maintenance status is now: {words}. Reload the page. Nothing was changed.")
