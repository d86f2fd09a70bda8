"""What every page of the portal tells of the status: an incident that is open, a breach that was told."""

from datetime import datetime
from uuid import UUID

from core.db import acting_as_system, acting_for
from portal.notices import PageNotice
from portal.status import breach_notices, clocks, incidents
from portal.status.models import Incident
from portal.status.states import Component, Impact


def notices(organization_id: UUID | None, *, now: datetime) -> list[PageNotice]:
    with acting_as_system():
        told = [_of_incident(one) for one in incidents.every_open()]
    return told + (_of_breaches(organization_id, now=now) if organization_id else [])


def _of_incident(incident: Incident) -> PageNotice:
    components = incidents.components_of(incident.id)
    concerns_checks = Component.CHECK_API in components
    words = " Checks are not affected." if components and not concerns_checks else ""
    is_grave = concerns_checks or incident.severity in {Impact.MAJOR, Impact.CRITICAL}
    return PageNotice(
        f"Ongoing incident: {incident.title}.{words}", f"/status/incidents/{incident.id}", "View incident", is_grave
    )


def _of_breaches(organization_id: UUID, *, now: datetime) -> list[PageNotice]:
    """As long as the organization's own 72 hours run."""
    with acting_for(organization_id):
        first = {one.breach_id: one for one in reversed(breach_notices.every_one_of(organization_id))}
    return [
        PageNotice(
            "We notified you of a personal data breach. You have 72 hours to notify your supervisory authority.",
            f"/organization/breaches/{breach_id}",
            "View notice",
        )
        for breach_id, notice in first.items()
        if now < clocks.authority_clock(notice.sent_at).due_at
    ]
