"""Assessing a suspicion. A breach of ours opens the breach room, with the organization in it, discovered when it was
reported to us; or it joins one that is open.
"""

from datetime import datetime, timedelta
from http import HTTPStatus
from uuid import UUID

import msgspec
from sqlalchemy import func, select, update

from core import audit
from core.accounts import Organization
from core.audit import Actor
from core.db import db
from core.errors import AppError
from core.ids import new_uuid
from core.scope import needs_system_scope
from portal.customer.suspected_breaches import services as suspicions
from portal.customer.suspected_breaches.models import SuspectedBreach
from portal.customer.suspected_breaches.states import PRESSING, Verdict
from portal.status import breach_defaults, breaches, handling
from portal.status.breach_models import Breach
from portal.status.models import Incident
from portal.status.states import Impact
from portal.support import desk
from portal.support.models import Ticket
from portal.support.records import Author
from portal.support.states import RequestStatus

_BEFORE_IT_BEGAN = timedelta(hours=1)


class AlreadyAssessed(AppError):
    status, code, title = HTTPStatus.CONFLICT, "already_assessed", "This report was already assessed"
    advice = "Reload the page to see the result."


class Report(msgspec.Struct, frozen=True):
    suspicion: SuspectedBreach
    ticket: Ticket
    organization: Organization


@needs_system_scope
def every_report() -> list[Report]:
    """Those that wait first, the soonest due first."""
    rows = db.session.execute(
        select(SuspectedBreach, Ticket, Organization)
        .join(Ticket, Ticket.id == SuspectedBreach.ticket_id)
        .join(Organization, Organization.id == SuspectedBreach.organization_id)
        .order_by(SuspectedBreach.assessed_at.is_not(None), SuspectedBreach.due_at)
        .limit(200)
    )
    return [Report(row[0], row[1], row[2]) for row in rows]


@needs_system_scope
def open_rooms() -> list[tuple[Breach, Incident]]:
    """Real breaches that a suspicion may belong to."""
    return [(row[0], row[1]) for row in breaches.register() if not row[0].is_drill and row[0].closed_at is None]


@needs_system_scope
def pressing(*, now: datetime) -> int:
    """How many wait, and have little time left or none."""
    waiting = select(func.count()).where(
        SuspectedBreach.assessed_at.is_(None), SuspectedBreach.due_at <= now + PRESSING
    )
    return db.session.scalar(waiting) or 0


@needs_system_scope
def assess(
    ticket_id: UUID, verdict: Verdict, words: str, *, into: UUID | None, author: Author, by: Actor, now: datetime
) -> SuspectedBreach:
    """Once; the customer gets `words` as our reply. `into`: the incident whose breach it is. Raises AlreadyAssessed."""
    suspicion = _claim(ticket_id, verdict, by=by, now=now)
    if verdict is Verdict.BREACH:
        suspicion.incident_id = into or _open_room(suspicion, words, by=by, now=now)
        organization = db.session.get_one(Organization, suspicion.organization_id)
        breaches.add(suspicion.incident_id, organization.slug, by=by, now=now)
    desk.answer(ticket_id, words, then=RequestStatus.OPEN, message_id=new_uuid(), author=author, by=by, now=now)
    after = {"verdict": verdict.value, "in_time": now <= suspicion.due_at}
    audit.write(
        suspicion.organization_id, "suspected_breach.assessed", by=by, now=now, subject_id=str(ticket_id), after=after
    )
    return suspicion


def _claim(ticket_id: UUID, verdict: Verdict, *, by: Actor, now: datetime) -> SuspectedBreach:
    """Of two operators who assess at once, the first one counts."""
    claimed = db.session.execute(
        update(SuspectedBreach)
        .where(SuspectedBreach.ticket_id == ticket_id, SuspectedBreach.assessed_at.is_(None))
        .values(verdict=verdict.value, assessed_at=now, assessed_by=by.id)
        .returning(SuspectedBreach.ticket_id)
    ).first()
    suspicion = suspicions.find(ticket_id)
    if claimed is None:
        raise AlreadyAssessed
    return suspicion


def _open_room(suspicion: SuspectedBreach, words: str, *, by: Actor, now: datetime) -> UUID:
    """An incident of no public impact, and its breach: discovered when it was reported to us."""
    ticket = db.session.get_one(Ticket, suspicion.ticket_id)
    began_at = suspicion.began_at or suspicion.noticed_at
    incident = handling.open_incident(
        new_uuid(),
        title=f"Breach reported in ticket {ticket.number}",
        body=words,
        impact=Impact.NONE,
        components={},
        began_at=began_at,
        is_public=False,
        by=by,
        now=now,
    )
    breaches.open_breach(
        incident.id,
        is_drill=False,
        discovered_at=suspicion.reported_at,
        from_at=began_at - _BEFORE_IT_BEGAN,
        until_at=now,
        facts={**breach_defaults.facts(), "nature": words},
        by=by,
        now=now,
    )
    return incident.id
