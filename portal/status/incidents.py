"""Reading incidents. Needs the system's scope."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from core.db import db
from core.errors import NotFound
from core.rows import find_fresh
from core.scope import needs_system_scope
from portal.status.clocks import Times
from portal.status.models import Incident, IncidentComponent, IncidentUpdate, States
from portal.status.states import OPEN, Component, ComponentState

PAGE_SIZE = 50


@needs_system_scope
def find(incident_id: UUID, *, is_public: bool = False) -> Incident:
    """Raises NotFound, also for what the public may not see yet."""
    incident = find_fresh(Incident, incident_id)
    if incident is None or (is_public and incident.published_at is None):
        raise NotFound("This incident does not exist.")
    return incident


@needs_system_scope
def every_open(*, is_public: bool = True) -> list[Incident]:
    query = select(Incident).where(Incident.status.in_(OPEN)).order_by(Incident.id.desc())
    if is_public:
        query = query.where(Incident.published_at.is_not(None))
    return list(db.session.scalars(query))


@needs_system_scope
def list_page(
    *, is_public: bool = True, after: UUID | None = None, since: datetime | None = None, size: int = PAGE_SIZE
) -> list[Incident]:
    """The newest first; `since`: open then, or opened later."""
    query = select(Incident).order_by(Incident.id.desc()).limit(size)
    if is_public:
        query = query.where(Incident.published_at.is_not(None))
    if after is not None:
        query = query.where(Incident.id < after)
    if since is not None:
        query = query.where(Incident.status.in_(OPEN) | (Incident.opened_at >= since))
    return list(db.session.scalars(query))


@needs_system_scope
def updates_of(incident_id: UUID) -> list[IncidentUpdate]:
    """The oldest first."""
    query = select(IncidentUpdate).where(IncidentUpdate.incident_id == incident_id).order_by(IncidentUpdate.id)
    return list(db.session.scalars(query))


@needs_system_scope
def components_of(incident_id: UUID) -> States:
    rows = db.session.scalars(
        select(IncidentComponent)
        .where(IncidentComponent.incident_id == incident_id)
        .order_by(IncidentComponent.component)
    )
    return {Component(row.component): ComponentState(row.state) for row in rows}


def times_of(incident: Incident) -> Times:
    return Times(
        impact=incident.severity,
        opened_at=incident.opened_at,
        published_at=incident.published_at,
        updated_at=incident.updated_at,
        next_update_due_at=incident.next_update_due_at,
        monitoring_from=incident.monitoring_from,
        resolved_at=incident.resolved_at,
        reviewed_at=incident.reviewed_at,
    )
