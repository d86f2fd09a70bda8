"""Mail to those who subscribed: one for each update of what is public, once. Jobs, committed with the update."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from procrastinate import RetryStrategy
from sqlalchemy import select

from core import current
from core.clock import utc_now
from core.db import acting_as_system, db, transaction
from core.jobs import in_its_own_session, jobs
from core.mail import send_mail
from core.rows import locked
from portal.status.models import Incident, IncidentUpdate, Maintenance, MaintenanceUpdate, Subscriber
from portal.status.states import INCIDENT_LABELS, MAINTENANCE_LABELS, IncidentStatus, MaintenanceStatus

Update = TypeVar("Update", IncidentUpdate, MaintenanceUpdate)

_TRIES = RetryStrategy(max_attempts=5, wait=30)
"""It only writes rows, so what fails five times in three minutes is a fault of ours and is shown as a failed job."""


@jobs.task(retry=_TRIES)
@in_its_own_session
def mail_incident_update(update_id: str) -> None:
    """All of its mails are written in one transaction, so that a crash leaves none or every one."""
    now = utc_now()
    with acting_as_system(), transaction():
        said = _claimed(IncidentUpdate, update_id, now=now)
        if said is None:
            return
        incident = db.session.get_one(Incident, said.incident_id)
        words = {
            "title": incident.title,
            "status": INCIDENT_LABELS[IncidentStatus(said.status)],
            "body": said.body,
            "next_update_due_at": incident.next_update_due_at,
            "path": f"/status/incidents/{incident.id}",
        }
        _to_every_subscriber("status_incident", words, now=now)


@jobs.task(retry=_TRIES)
@in_its_own_session
def mail_maintenance_update(update_id: str) -> None:
    now = utc_now()
    with acting_as_system(), transaction():
        said = _claimed(MaintenanceUpdate, update_id, now=now)
        if said is None:
            return
        maintenance = db.session.get_one(Maintenance, said.maintenance_id)
        words = {
            "title": maintenance.title,
            "status": MAINTENANCE_LABELS[MaintenanceStatus(said.status)],
            "body": said.body,
            "starts_at": maintenance.starts_at,
            "ends_at": maintenance.ends_at,
            "path": f"/status/maintenances/{maintenance.id}",
        }
        _to_every_subscriber("status_maintenance", words, now=now)


def unsubscribe_url(subscriber: Subscriber) -> str:
    """Takes one POST, without a page before it (RFC 8058)."""
    return f"{current.settings().base_url}/status/unsubscribe/{subscriber.secret}"


def _claimed(model: type[Update], update_id: str, *, now: datetime) -> Update | None:
    """An update whose mails are to be written now; None if they are.

    A job that is tried again beside one that still runs waits, and then sees that they are.
    """
    update = locked(model, UUID(update_id))
    if update.mailed_at is not None:
        return None
    update.mailed_at = now
    return update


def _to_every_subscriber(template: str, words: Mapping[str, Any], *, now: datetime) -> None:
    for subscriber in db.session.scalars(select(Subscriber).where(Subscriber.confirmed_at.is_not(None))).all():
        send_mail(
            template,
            to=subscriber.email,
            now=now,
            context={**words, "secret": subscriber.secret},
            unsubscribe_url=unsubscribe_url(subscriber),
            is_bulk=True,
        )
