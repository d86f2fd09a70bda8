"""Opening an incident, saying what is known, and moving it on. A move is a compare-and-set on status and version.

What is published, and every update of it, is mailed to subscribers by a job that is committed with it; the static page
follows the audit log. Needs the system's scope.
"""

from datetime import datetime
from http import HTTPStatus
from typing import Any
from uuid import UUID

from sqlalchemy import delete, update
from sqlalchemy.dialects.postgresql import insert

from core import audit
from core.audit import Actor
from core.db import db
from core.errors import AppError
from core.ids import new_uuid
from core.jobs import defer
from core.scope import needs_system_scope
from portal.status import clocks
from portal.status.emails import mail_incident_update
from portal.status.incidents import find, updates_of
from portal.status.models import Incident, IncidentComponent, IncidentUpdate, States
from portal.status.states import (
    INCIDENT_LABELS,
    INCIDENT_MOVES,
    OPEN,
    Impact,
    IncidentStatus,
)


class IncidentMoved(AppError):
    status, code, title = HTTPStatus.CONFLICT, "incident_moved", "Someone else changed this"
    advice = "Reload the page to see the incident's current status. Your update was not posted."


class StillWatching(AppError):
    status, code, title = HTTPStatus.CONFLICT, "still_watching", "The incident cannot be resolved yet"
    advice = "Monitor for 30 minutes first, or set the impact to none if no customer was affected."


@needs_system_scope
def open_incident(
    incident_id: UUID,
    *,
    title: str,
    body: str,
    impact: Impact,
    components: States,
    began_at: datetime,
    is_public: bool,
    by: Actor,
    now: datetime,
) -> Incident:
    """With its first update. One that is not public yet is for operators alone. The same id again changes nothing."""
    opening = insert(Incident).values(
        id=incident_id,
        title=title,
        status=IncidentStatus.INVESTIGATING.value,
        impact=impact.value,
        version=1,
        began_at=min(began_at, now),
        opened_at=now,
        opened_by=by.id,
        published_at=now if is_public else None,
        updated_at=now,
        next_update_due_at=clocks.next_update_due(impact, now=now) if is_public else None,
    )
    opened = db.session.execute(opening.on_conflict_do_nothing().returning(Incident.id)).first()
    incident = find(incident_id)
    if opened is None:
        return incident
    _set_components(incident.id, components)
    _write(incident, "incident.opened", by=by, now=now)
    _say(incident, body, by=by, now=now)
    return incident


def publish(incident_id: UUID, *, version: int, by: Actor, now: datetime) -> Incident:
    """Shows an incident to everybody, with all that was said so far. Once it is public this changes nothing."""
    incident = find(incident_id)
    if incident.published_at is not None:
        return incident
    values = {"published_at": now, "next_update_due_at": clocks.next_update_due(incident.severity, now=now)}
    incident = _change(incident, version=version, now=now, **values)
    _write(incident, "incident.published", by=by, now=now)
    defer(mail_incident_update, update_id=str(updates_of(incident_id)[-1].id))
    return incident


def say(
    incident_id: UUID,
    *,
    version: int,
    status: IncidentStatus,
    impact: Impact,
    components: States,
    body: str,
    by: Actor,
    now: datetime,
) -> Incident:
    """An update, with or without a move. Raises IncidentMoved or StillWatching."""
    incident = find(incident_id)
    before = IncidentStatus(incident.status)
    if before not in OPEN or (status is not before and status not in INCIDENT_MOVES[before]):
        raise _moved(incident)
    values: dict[str, Any] = {"status": status.value, "impact": impact.value}
    if status is IncidentStatus.RESOLVED:
        _need_watch(incident, impact, now=now)
        values |= {"resolved_at": now, "next_update_due_at": None}
    elif incident.published_at is not None:
        values["next_update_due_at"] = clocks.next_update_due(impact, now=now)
    if status is not before:
        values["monitoring_from"] = now if status is IncidentStatus.MONITORING else incident.monitoring_from
    incident = _change(incident, version=version, now=now, **values)
    if status is not IncidentStatus.RESOLVED:
        _set_components(incident_id, components)  # a resolved one keeps what was affected last
    action = "incident.resolved" if status is IncidentStatus.RESOLVED else "incident.updated"
    _write(incident, action, by=by, now=now, before=before)
    _say(incident, body, by=by, now=now)
    return incident


def move_to_postmortem(incident: Incident, *, body: str, by: Actor, now: datetime) -> Incident:
    """Once the review is written. Writing it again changes the review alone."""
    if incident.status == IncidentStatus.RESOLVED:
        values = {"status": IncidentStatus.POSTMORTEM.value, "reviewed_at": now}
        incident = _change(incident, version=incident.version, now=now, **values)
        _write(incident, "incident.reviewed", by=by, now=now, before=IncidentStatus.RESOLVED)
        _say(incident, body, by=by, now=now)
    elif incident.status != IncidentStatus.POSTMORTEM:
        raise IncidentMoved("Resolve the incident before you write the post-mortem.")
    return incident


def _need_watch(incident: Incident, impact: Impact, *, now: datetime) -> None:
    until = clocks.may_resolve_at(impact, incident.monitoring_from)
    if until is not None and now < until:
        raise StillWatching(f"Monitor until {until:%H:%M} UTC, or set the impact to none if no customer was affected.")


def _say(incident: Incident, body: str, *, by: Actor, now: datetime) -> None:
    said = IncidentUpdate(
        id=new_uuid(),
        incident_id=incident.id,
        status=incident.status,
        body=body,
        written_at=now,
        written_by=by.id,
    )
    db.session.add(said)
    db.session.flush()
    if incident.published_at is not None:
        defer(mail_incident_update, update_id=str(said.id))


def _set_components(incident_id: UUID, components: States) -> None:
    db.session.execute(delete(IncidentComponent).where(IncidentComponent.incident_id == incident_id))
    for component, state in components.items():
        db.session.add(IncidentComponent(incident_id=incident_id, component=component.value, state=state.value))
    db.session.flush()


def _change(incident: Incident, *, version: int, now: datetime, **values: Any) -> Incident:
    changed = db.session.execute(
        update(Incident)
        .where(Incident.id == incident.id, Incident.status == incident.status, Incident.version == version)
        .values(version=version + 1, updated_at=now, **values)
        .returning(Incident.id)
        .execution_options(synchronize_session=False)
    ).first()
    if changed is None:
        raise _moved(incident)
    return find(incident.id)


def _moved(incident: Incident) -> IncidentMoved:
    words = INCIDENT_LABELS[IncidentStatus(find(incident.id).status)].lower()
    return IncidentMoved(f"The incident's status is now: {words}. Reload the page. Your update was not posted.")


def _write(incident: Incident, action: str, *, by: Actor, now: datetime, before: IncidentStatus | None = None) -> None:
    audit.write(
        None,
        action,
        by=by,
        now=now,
        subject_id=str(incident.id),
        before={"status": before.value} if before else None,
        after={"status": incident.status, "impact": incident.impact, "title": incident.title},
    )
