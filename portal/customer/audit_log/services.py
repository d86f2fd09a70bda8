"""Reading the audit log with the names of those who acted."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Select, select

from core.audit import ActorKind, AuditEvent
from core.db import db
from core.ids import public_id
from core.members import User
from portal.customer.audit_log.changes import changes_of

ROWS_AT_ONCE = 500
PAGE_SIZE = 50


class Entry(msgspec.Struct, frozen=True):
    """One line of the trail. `actor` is a person's name, a key's id, or what acted by itself."""

    id: UUID
    occurred_at: datetime
    actor: str
    actor_kind: str
    action: str
    subject: str | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    address: str | None
    request_id: str | None

    @property
    def changes(self) -> list[str]:
        return changes_of(self.before, self.after)


class TrailFilter(msgspec.Struct, frozen=True):
    """`action` is a whole action or the noun before its point; `since` and `until` are days in UTC, both counted in."""

    action: str | None = None
    actor_id: UUID | None = None
    since: date | None = None
    until: date | None = None


EVERYTHING = TrailFilter()


class Page(msgspec.Struct, frozen=True):
    entries: list[Entry]
    next_after: UUID | None
    """Where the next page starts; None on the last."""


def list_page(
    organization_id: UUID, chosen: TrailFilter = EVERYTHING, *, after: UUID | None = None, size: int = PAGE_SIZE
) -> Page:
    """Newest first."""
    query = _every(organization_id, chosen)
    if after is not None:
        query = query.where(AuditEvent.id < after)
    rows = db.session.execute(query.order_by(AuditEvent.id.desc()).limit(size + 1)).all()
    entries = [_entry(event, name) for event, name in rows[:size]]
    return Page(entries, entries[-1].id if len(rows) > size else None)


def stream(organization_id: UUID, chosen: TrailFilter = EVERYTHING) -> Iterator[Entry]:
    """Oldest first, some in memory at a time."""
    rows = db.session.execute(
        _every(organization_id, chosen).order_by(AuditEvent.id), execution_options={"yield_per": ROWS_AT_ONCE}
    )
    for event, name in rows:
        yield _entry(event, name)


def members_on(organization_id: UUID) -> list[tuple[UUID, str]]:
    """Members, also former ones, who did something; by name."""
    query = (
        select(User.id, User.name)
        .where(
            User.id.in_(
                select(AuditEvent.actor_id).where(
                    AuditEvent.organization_id == organization_id, AuditEvent.actor_kind == ActorKind.MEMBER.value
                )
            )
        )
        .order_by(User.name)
    )
    return [(row.id, row.name) for row in db.session.execute(query)]


def actions_of(organization_id: UUID) -> list[str]:
    """What kinds of actions there are on the trail."""
    query = select(AuditEvent.action).where(AuditEvent.organization_id == organization_id).distinct()
    return sorted(db.session.scalars(query))


def _every(organization_id: UUID, chosen: TrailFilter) -> Select[AuditEvent, str]:
    query = (
        select(AuditEvent, User.name)
        .outerjoin(User, User.id == AuditEvent.actor_id)
        .where(AuditEvent.organization_id == organization_id)
    )
    if chosen.action:
        query = query.where(AuditEvent.action.startswith(chosen.action, autoescape=True))
    if chosen.actor_id is not None:
        query = query.where(AuditEvent.actor_id == chosen.actor_id)
    if chosen.since is not None:
        query = query.where(AuditEvent.occurred_at >= _midnight(chosen.since))
    if chosen.until is not None:
        query = query.where(AuditEvent.occurred_at < _midnight(chosen.until) + timedelta(days=1))
    return query


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _entry(event: AuditEvent, name: str | None) -> Entry:
    return Entry(
        id=event.id,
        occurred_at=event.occurred_at,
        actor=_name_of(event, name),
        actor_kind=event.actor_kind,
        action=event.action,
        subject=event.subject_id,
        before=event.before,
        after=event.after,
        address=None if event.actor_kind == ActorKind.OPERATOR else event.address,
        request_id=event.request_id,
    )


def _name_of(event: AuditEvent, name: str | None) -> str:
    if event.actor_kind == ActorKind.OPERATOR:
        return f"AI Governance operator{f' {name}' if name else ''}"
    if event.actor_kind == ActorKind.API_KEY and event.actor_id is not None:
        return public_id("key", event.actor_id)
    if event.actor_kind == ActorKind.MEMBER:
        return name or "Former member"
    return {str(ActorKind.COMMAND_LINE): "AI Governance operator (command line)"}.get(event.actor_kind, "System")
