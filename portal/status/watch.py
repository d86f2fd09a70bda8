"""Clocks that ran out are put on the audit log, once each. Needs the system's scope."""

from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.dialects.postgresql import insert

from core import audit
from core.audit import SYSTEM
from core.db import db
from core.scope import needs_system_scope
from portal.status import breaches, clocks, incidents
from portal.status.clocks import Clock, ClockKind
from portal.status.models import Incident, IncidentWarning
from portal.status.states import OPEN, IncidentStatus

_ACTIONS = {
    ClockKind.NOTICE: "incident.notice_overdue",
    ClockKind.UPDATE: "incident.update_overdue",
    ClockKind.REVIEW: "incident.review_overdue",
    ClockKind.BREACH_NOTICE: "breach.notice_overdue",
}


@needs_system_scope
def warn(*, now: datetime) -> int:
    """How many warnings are new."""
    unfinished = select(Incident).where(
        or_(Incident.status.in_(OPEN), Incident.status == IncidentStatus.RESOLVED.value)
    )
    told = 0
    for incident in db.session.scalars(unfinished).all():
        for clock in clocks.overdue(incidents.times_of(incident), now=now):
            told += _warn_once(incident, clock, now=now)
    for incident, clock in breaches.overdue(now=now):
        told += _warn_once(incident, clock, now=now)
    return told


def _warn_once(incident: Incident, clock: Clock, *, now: datetime) -> bool:
    is_new = db.session.execute(
        insert(IncidentWarning)
        .values(incident_id=incident.id, kind=clock.kind.value, due_at=clock.due_at, warned_at=now)
        .on_conflict_do_nothing()
        .returning(IncidentWarning.kind)
    ).first()
    if is_new is None:
        return False
    audit.write(
        None,
        _ACTIONS[clock.kind],
        by=SYSTEM,
        now=now,
        subject_id=str(incident.id),
        after={"title": incident.title, "impact": incident.impact, "due_at": clock.due_at.isoformat()},
    )
    return True
