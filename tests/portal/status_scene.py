"""What tests of status and incidents are set in."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from flask import Flask
from sqlalchemy import select

from core.accounts import Organization
from core.audit import SYSTEM, Actor, ActorKind, AuditEvent
from core.clock import utc_now
from core.db import acting_as_system, db, transaction
from core.ids import new_uuid
from core.members import User
from portal.status import breach_notices, breaches, handling, probes, subscribers
from portal.status.detection import Sample
from portal.status.models import Incident, Subscriber
from portal.status.states import Component, ComponentState, Impact
from tests.people import Person

INCIDENT = {
    "title": "Checks fail",
    "impact": "critical",
    "check_api": "major_outage",
    "began_at": "2026-01-05T10:00",
    "body": "We are looking into it.",
    "is_public": "y",
}


def probe(app: Flask, marks: str, *, component: Component = Component.CHECK_API, until: datetime | None = None) -> None:
    """Probes a minute apart, the oldest first: `.` was answered, `x` failed."""
    until = until or utc_now()
    with app.app_context(), acting_as_system():
        for back, mark in zip(range(len(marks) - 1, -1, -1), marks, strict=True):
            at = until - timedelta(minutes=back)
            failure = None if mark == "." else "not reachable"
            sample = Sample(component=component, probed_at=at, is_ok=mark == ".", seconds=0.02, failure=failure)
            with transaction():
                probes.note([sample], now=at)


def open_incident(app: Flask, *, now: datetime | None = None, **changes: Any) -> UUID:
    with app.app_context(), acting_as_system(), transaction():
        values: dict[str, Any] = {
            "title": "Checks fail",
            "body": "We are looking into it.",
            "impact": Impact.CRITICAL,
            "components": {Component.CHECK_API: ComponentState.MAJOR_OUTAGE},
            "began_at": now or utc_now(),
            "is_public": True,
            "by": SYSTEM,
            "now": now or utc_now(),
            **changes,
        }
        return handling.open_incident(new_uuid(), **values).id


def incident(app: Flask, incident_id: UUID) -> Incident:
    with app.app_context(), acting_as_system():
        return db.session.get_one(Incident, incident_id, populate_existing=True)


def subscribe(app: Flask, email: str) -> str:
    """A confirmed address; its secret."""
    with app.app_context(), acting_as_system(), transaction():
        subscribers.ask(email, now=utc_now())
        secret = db.session.scalars(select(Subscriber.secret).where(Subscriber.email == email)).one()
        subscribers.confirm(secret, now=utc_now())
        return secret


def trail(app: Flask, noun: str) -> list[str]:
    """The actions of a noun that are on the audit log, in their order."""
    with app.app_context(), acting_as_system():
        query = select(AuditEvent.action).where(AuditEvent.action.startswith(f"{noun}.")).order_by(AuditEvent.id)
        return list(db.session.scalars(query))


def say(operator: Person, app: Flask, incident_id: UUID, **changes: Any) -> Any:
    found = incident(app, incident_id)
    fields = {"version": found.version, "status": found.status, "impact": found.impact, "body": "We know more."}
    return operator.post(f"/console/incidents/{incident_id}/updates", **{**fields, **changes})


FACTS = {
    "nature": "Keys were read by somebody who should not have.",
    "people": "",
    "records": "Decisions.",
    "contact": "Olga, security@provider.example",
    "consequences": "",
    "measures": "The keys were revoked.",
}


def breach_told_to(organization_id: UUID, *, now: datetime, is_drill: bool = False) -> UUID:
    """A breach of which one organization was told in one phase; its id. Runs in the system's scope."""
    by = Actor(kind=ActorKind.OPERATOR, id=db.session.scalars(select(User.id).limit(1)).one())
    incident_id = handling.open_incident(
        new_uuid(),
        title="Keys were read",
        body="We are looking into it.",
        impact=Impact.CRITICAL,
        components={},
        began_at=now,
        is_public=False,
        by=by,
        now=now,
    ).id
    breach = breaches.open_breach(
        incident_id,
        is_drill=is_drill,
        discovered_at=now,
        from_at=now - timedelta(days=1),
        until_at=now,
        facts=FACTS,
        by=by,
        now=now,
    )
    breaches.add(incident_id, db.session.get_one(Organization, organization_id).slug, by=by, now=now)
    breach_notices.send(incident_id, version=breach.version, by=by, now=now)
    return breach.id
