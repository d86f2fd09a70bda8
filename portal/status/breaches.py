"""The breach room: what is known, whom it affects, what each of them was told, and the register of all of them.

Needs the system's scope, but for what an organization reads of itself.
"""

from datetime import datetime
from http import HTTPStatus
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert

from core import audit
from core.accounts import Organization
from core.audit import Actor
from core.db import db
from core.errors import AppError, FieldProblem, InvalidRequest, NotFound
from core.ids import new_uuid
from core.rows import read_anew
from portal.status import clocks, incidents
from portal.status.breach_models import Breach, BreachNotice, BreachOrganization
from portal.status.clocks import Clock, ClockState
from portal.status.models import Incident
from portal.status.probes import SLUG

FACTS = ("nature", "people", "records", "contact", "consequences", "measures")
"""Article 33(3), (a) to (d)."""

_WITH_DATA = text("""
    SELECT DISTINCT organization_id FROM decision
    WHERE decided_at >= :since AND decided_at < :until
      AND organization_id NOT IN (SELECT id FROM organization WHERE slug = :ours)
""")


class BreachMoved(AppError):
    status, code, title = HTTPStatus.CONFLICT, "breach_moved", "Someone else changed this"
    advice = "Reload the page to see the current details. Your changes were not saved."


class BreachExists(AppError):
    status, code, title = HTTPStatus.CONFLICT, "breach_exists", "This incident already has a breach record"
    advice = "Reload this page."


class NotYetNotified(AppError):
    status, code, title = HTTPStatus.CONFLICT, "not_yet_told", "Some affected organizations have not been notified"
    advice = "Send them a notice, or remove organizations that are not affected."


class AlreadyNotified(AppError):
    status, code, title = HTTPStatus.CONFLICT, "already_told", "This organization was already notified"
    advice = "In the next notice, tell them that they are not affected."


def open_breach(
    incident_id: UUID,
    *,
    is_drill: bool,
    discovered_at: datetime,
    from_at: datetime,
    until_at: datetime,
    facts: dict[str, str],
    by: Actor,
    now: datetime,
) -> Breach:
    """Starts the 24 hours, from discovery. Raises BreachExists or InvalidRequest."""
    incidents.find(incident_id)
    _need_order(discovered_at, from_at, until_at, now=now)
    opened = db.session.execute(
        insert(Breach)
        .values(
            id=new_uuid(),
            incident_id=incident_id,
            is_drill=is_drill,
            discovered_at=discovered_at,
            from_at=from_at,
            until_at=until_at,
            version=1,
            phase=0,
            opened_at=now,
            opened_by=by.id,
            **facts,
        )
        .on_conflict_do_nothing(index_elements=["incident_id"])
        .returning(Breach.id)
    ).first()
    if opened is None:
        raise BreachExists
    breach = find(incident_id)
    _write(breach, "breach.opened", by=by, now=now)
    return breach


def save(
    incident_id: UUID,
    *,
    version: int,
    from_at: datetime,
    until_at: datetime,
    facts: dict[str, str],
    by: Actor,
    now: datetime,
) -> Breach:
    """What is known now; it is sent with the next phase. Raises BreachMoved or InvalidRequest."""
    breach = find(incident_id)
    _need_order(breach.discovered_at, from_at, until_at, now=now)
    breach = change(breach, version=version, from_at=from_at, until_at=until_at, **facts)
    _write(breach, "breach.changed", by=by, now=now)
    return breach


def close(incident_id: UUID, *, version: int, by: Actor, now: datetime) -> Breach:
    """Raises NotYetNotified, or BreachMoved."""
    breach = find(incident_id)
    if organizations_of(breach) and notified_at(breach) is None:
        raise NotYetNotified
    breach = change(breach, version=version, closed_at=now)
    _write(breach, "breach.closed", by=by, now=now)
    return breach


def add(incident_id: UUID, slug: str, *, by: Actor, now: datetime) -> None:
    """Raises NotFound."""
    organization_id = db.session.scalar(select(Organization.id).where(Organization.slug == slug.strip().lower()))
    if organization_id is None:
        raise NotFound(f"There is no organization with the slug {slug.strip()!r}. Find slugs under Organizations.")
    _add(find(incident_id), [organization_id], by=by, now=now)


def add_all_with_data(incident_id: UUID, *, by: Actor, now: datetime) -> int:
    """Every customer with decisions in the time concerned; how many there are."""
    breach = find(incident_id)
    found = db.session.scalars(_WITH_DATA, {"since": breach.from_at, "until": breach.until_at, "ours": SLUG}).all()
    _add(breach, list(found), by=by, now=now)
    return len(found)


def remove(incident_id: UUID, organization_id: UUID, *, by: Actor, now: datetime) -> None:
    """Raises AlreadyNotified."""
    breach = find(incident_id)
    told = select(BreachNotice.id).where(
        BreachNotice.breach_id == breach.id, BreachNotice.organization_id == organization_id
    )
    if db.session.scalar(told.limit(1)) is not None:
        raise AlreadyNotified
    row = db.session.get(BreachOrganization, (breach.id, organization_id))
    if row is not None:
        db.session.delete(row)
        _write_of_list(breach, "breach.organization_removed", organization_id, by=by, now=now)


def find(incident_id: UUID) -> Breach:
    """Raises NotFound."""
    breach = find_or_none(incident_id)
    if breach is None:
        raise NotFound("This incident has no breach record.")
    return breach


def find_or_none(incident_id: UUID) -> Breach | None:
    query = select(Breach).where(Breach.incident_id == incident_id)
    return db.session.scalar(read_anew(query))


def organizations_of(breach: Breach) -> list[Organization]:
    return list(
        db.session.scalars(
            select(Organization)
            .join(BreachOrganization, BreachOrganization.organization_id == Organization.id)
            .where(BreachOrganization.breach_id == breach.id)
            .order_by(Organization.name)
        )
    )


def notices_of(breach: Breach) -> list[BreachNotice]:
    query = select(BreachNotice).where(BreachNotice.breach_id == breach.id)
    return list(db.session.scalars(query.order_by(BreachNotice.phase, BreachNotice.id)))


def notified_at(breach: Breach) -> datetime | None:
    """When the last of those that are affected heard of it first; None while one has not."""
    first = dict(
        db.session.execute(
            select(BreachNotice.organization_id, func.min(BreachNotice.sent_at))
            .where(BreachNotice.breach_id == breach.id)
            .group_by(BreachNotice.organization_id)
        ).all()
    )
    affected = [organization.id for organization in organizations_of(breach)]
    if not affected or any(organization_id not in first for organization_id in affected):
        return None
    return max(first[organization_id] for organization_id in affected)


def clock_of(breach: Breach) -> Clock:
    """Ours. A breach that turned out to affect nobody is met when it is closed."""
    return clocks.breach_notice_clock(breach.discovered_at, notified_at(breach) or breach.closed_at)


def overdue(*, now: datetime) -> list[tuple[Incident, Clock]]:
    """Breaches whose affected were not all told in time."""
    late = []
    for breach in db.session.scalars(select(Breach).where(Breach.closed_at.is_(None))).all():
        clock = clock_of(breach)
        if clock.state(now) is ClockState.OVERDUE:
            late.append((incidents.find(breach.incident_id), clock))
    return late


def register() -> list[tuple[Breach, Incident, int]]:
    """Every breach with its incident and how many organizations it affects; the latest first."""
    count = select(func.count()).where(BreachOrganization.breach_id == Breach.id).scalar_subquery()
    rows = db.session.execute(
        select(Breach, Incident, count)
        .join(Incident, Incident.id == Breach.incident_id)
        .order_by(Breach.discovered_at.desc())
    )
    return [(row[0], row[1], row[2]) for row in rows]


def change(breach: Breach, *, version: int, **values: Any) -> Breach:
    """A compare-and-set on the version; a closed breach stays as it is. Raises BreachMoved."""
    changed = db.session.execute(
        update(Breach)
        .where(Breach.id == breach.id, Breach.version == version, Breach.closed_at.is_(None))
        .values(version=version + 1, **values)
        .returning(Breach.id)
        .execution_options(synchronize_session=False)
    ).first()
    if changed is None:
        raise BreachMoved
    return find(breach.incident_id)


def _add(breach: Breach, organization_ids: list[UUID], *, by: Actor, now: datetime) -> None:
    rows = [{"breach_id": breach.id, "organization_id": one, "added_at": now} for one in organization_ids]
    if not rows:
        return
    adding = insert(BreachOrganization).values(rows).on_conflict_do_nothing()
    for added in db.session.scalars(adding.returning(BreachOrganization.organization_id)).all():
        _write_of_list(breach, "breach.organization_added", added, by=by, now=now)


def _write_of_list(breach: Breach, action: str, organization_id: UUID, *, by: Actor, now: datetime) -> None:
    """On our own audit log: an organization hears of it by the notice."""
    after = {"organization_id": str(organization_id)}
    audit.write(None, action, by=by, now=now, subject_id=str(breach.id), after=after)


def _need_order(discovered_at: datetime, from_at: datetime, until_at: datetime, *, now: datetime) -> None:
    if discovered_at > now:
        raise InvalidRequest(errors=(FieldProblem("discovered_at", "future", "Choose a time in the past."),))
    if from_at >= until_at:
        raise InvalidRequest(errors=(FieldProblem("until_at", "order", "The end must be after the start."),))


def _write(breach: Breach, action: str, *, by: Actor, now: datetime) -> None:
    after = {"is_drill": breach.is_drill, "phase": breach.phase, "discovered_at": breach.discovered_at.isoformat()}
    audit.write(None, action, by=by, now=now, subject_id=str(breach.id), after=after)
