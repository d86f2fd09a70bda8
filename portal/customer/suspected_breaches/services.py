"""Reporting a suspicion, and what an organization reads of its own."""

from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from core import audit
from core.audit import Actor
from core.db import db
from core.errors import NotFound
from core.formats import utc
from core.rows import read_anew
from portal.customer.suspected_breaches.models import SuspectedBreach
from portal.customer.suspected_breaches.states import ASSESSED_WITHIN
from portal.support import services as support
from portal.support.records import Author
from portal.support.services import Question
from portal.support.severities import Category, Severity


class Suspicion(msgspec.Struct, frozen=True):
    """What somebody noticed. Ids are as they are shown outside; never a secret."""

    what: str
    noticed_at: datetime
    began_at: datetime | None = None
    api_key_id: str | None = None
    request_id: str | None = None
    measures: str | None = None


def report(
    ticket_id: UUID, suspicion: Suspicion, *, organization_id: UUID, author: Author, by: Actor, now: datetime
) -> SuspectedBreach:
    """A critical request, which calls whoever is on call, and the 24 hours. The same id again changes nothing."""
    ticket = support.open_ticket(
        ticket_id, _question(suspicion), organization_id=organization_id, author=author, by=by, now=now
    )
    made = db.session.execute(
        insert(SuspectedBreach)
        .values(
            ticket_id=ticket.id,
            organization_id=organization_id,
            noticed_at=suspicion.noticed_at,
            began_at=suspicion.began_at,
            reported_at=now,
            due_at=now + ASSESSED_WITHIN,
        )
        .on_conflict_do_nothing()
        .returning(SuspectedBreach.ticket_id)
    ).first()
    if made is not None:
        after = {"number": ticket.number, "due_at": (now + ASSESSED_WITHIN).isoformat()}
        audit.write(
            organization_id, "suspected_breach.reported", by=by, now=now, subject_id=str(ticket.id), after=after
        )
    return find(ticket.id)


def find(ticket_id: UUID) -> SuspectedBreach:
    """Raises NotFound, also for another organization's where the scope is one organization's."""
    found = db.session.scalar(read_anew(select(SuspectedBreach).where(SuspectedBreach.ticket_id == ticket_id)))
    if found is None:
        raise NotFound("This report does not exist.")
    return found


def list_for(organization_id: UUID) -> list[SuspectedBreach]:
    """The newest first."""
    query = select(SuspectedBreach).where(SuspectedBreach.organization_id == organization_id)
    return list(db.session.scalars(query.order_by(SuspectedBreach.reported_at.desc()).limit(50)))


def _question(suspicion: Suspicion) -> Question:
    began = utc(suspicion.began_at) if suspicion.began_at else "not known"
    body = (
        f"What was noticed:\n{suspicion.what}\n\nNoticed: {utc(suspicion.noticed_at)}\nBegan: {began}\n\n"
        f"What was done so far:\n{suspicion.measures or 'not given'}"
    )
    return Question(
        subject="Suspected breach",
        body=body,
        category=Category.BUG,
        severity=Severity.CRITICAL,
        happened_at=suspicion.began_at or suspicion.noticed_at,
        api_key_id=suspicion.api_key_id,
        request_id=suspicion.request_id,
    )
