"""The post-mortem: seven fields, written once the incident is over. Needs the system's scope."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert

from core.audit import Actor
from core.db import db
from core.rows import find_fresh
from core.scope import needs_system_scope
from portal.status import handling, incidents
from portal.status.models import Incident, IncidentReview

FIELDS = {
    "what_happened": "Timeline",
    "impact": "Impact on customers, billing and data",
    "root_cause": "Root cause",
    "prevention": "Prevention",
    "actions": "Actions, owners and due dates",
    "lessons": "Lessons learned",
    "explanation": "Explanation for customers",
}
PUBLIC = ("explanation", "what_happened", "impact", "root_cause", "prevention", "actions", "lessons")


@needs_system_scope
def find(incident_id: UUID) -> IncidentReview | None:
    return find_fresh(IncidentReview, incident_id)


@needs_system_scope
def write(incident_id: UUID, *, words: dict[str, str], by: Actor, now: datetime) -> Incident:
    """Writes or corrects it; the first time it ends the incident's last clock. Raises IncidentMoved."""
    incident = handling.move_to_postmortem(incidents.find(incident_id), body=words["explanation"], by=by, now=now)
    values: dict[str, Any] = {**words, "written_at": now, "written_by": by.id}
    writing = insert(IncidentReview).values(incident_id=incident_id, **values)
    db.session.execute(writing.on_conflict_do_update(index_elements=["incident_id"], set_=values))
    return incident
