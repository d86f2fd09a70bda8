"""Reading the audit log with the names of those who acted."""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Select, or_, select, text

from core.audit import ActorKind, AuditEvent
from core.db import among, db
from core.ids import public_id
from core.members import Membership, User
from portal.changes import changes_of
from portal.customer.audit_log.subjects import names_of
from portal.support.severities import CATEGORY_LABELS, LEVEL_LABELS

ROWS_AT_ONCE = 500
PAGE_SIZE = 50
_WORDS: dict[str, Mapping[Any, str]] = {"category": CATEGORY_LABELS, "level": LEVEL_LABELS}


class Entry(msgspec.Struct, frozen=True):
    """One line of the audit log. `actor` is a person's name, a key's id, or what acted by itself."""

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
        return changes_of(_in_words(self.before), _in_words(self.after))


def _in_words(values: dict[str, Any] | None) -> dict[str, Any]:
    return {name: _WORDS[name].get(value, value) if name in _WORDS else value for name, value in (values or {}).items()}


class AuditLogFilter(msgspec.Struct, frozen=True):
    """`action` is a whole action or the noun before its point; `since` and `until` are days in UTC, both counted in."""

    action: str | None = None
    actor_id: UUID | None = None
    who: str | None = None
    """A part of the name or address of members who acted."""
    since: date | None = None
    until: date | None = None


EVERYTHING = AuditLogFilter()
_ACTIONS = text("""
    WITH RECURSIVE found (action) AS (
        (SELECT action FROM audit_event WHERE organization_id = :organization_id ORDER BY action LIMIT 1)
        UNION ALL
        SELECT (SELECT action FROM audit_event
                WHERE organization_id = :organization_id AND action > found.action ORDER BY action LIMIT 1)
        FROM found WHERE found.action IS NOT NULL
    )
    SELECT action FROM found WHERE action IS NOT NULL ORDER BY action
""")
_ACTORS = text("""
    WITH RECURSIVE found (actor_id, place) AS (
        (SELECT actor_id, 1 FROM audit_event WHERE organization_id = :organization_id AND actor_id IS NOT NULL
             AND actor_kind = 'member' ORDER BY actor_id LIMIT 1)
        UNION ALL
        SELECT (SELECT actor_id FROM audit_event WHERE organization_id = :organization_id
                    AND actor_kind = 'member' AND actor_id > found.actor_id ORDER BY actor_id LIMIT 1), place + 1
        FROM found WHERE found.actor_id IS NOT NULL AND place < :most
    )
    SELECT actor_id FROM found WHERE actor_id IS NOT NULL
""")


class Page(msgspec.Struct, frozen=True):
    entries: list[Entry]
    next_after: UUID | None
    """Where the next page starts; None on the last."""
    names: dict[UUID, str] = {}
    """What an entry is about, by the entry's id."""


def list_page(
    organization_id: UUID, chosen: AuditLogFilter = EVERYTHING, *, after: UUID | None = None, size: int = PAGE_SIZE
) -> Page:
    """Newest first."""
    query = _every(organization_id, chosen)
    if after is not None:
        query = query.where(AuditEvent.id < after)
    rows = db.session.execute(query.order_by(AuditEvent.id.desc()).limit(size + 1)).all()
    entries = [_entry(event, name) for event, name in rows[:size]]
    names = names_of(organization_id, (event for event, _ in rows[:size]))
    return Page(entries, entries[-1].id if len(rows) > size else None, names)


def stream(organization_id: UUID, chosen: AuditLogFilter = EVERYTHING) -> Iterator[Entry]:
    """Oldest first, some in memory at a time."""
    rows = db.session.execute(
        _every(organization_id, chosen).order_by(AuditEvent.id), execution_options={"yield_per": ROWS_AT_ONCE}
    )
    for event, name in rows:
        yield _entry(event, name)


def members_on(organization_id: UUID, *, most: int) -> list[tuple[UUID, str]]:
    """Members, also former ones, who did something; by name. One look into the index for each."""
    actors = db.session.scalars(_ACTORS, {"organization_id": organization_id, "most": most}).all()
    query = select(User.id, User.name).where(among(User.id, actors)).order_by(User.name)
    return [(row.id, row.name) for row in db.session.execute(query)]


def actions_of(organization_id: UUID) -> list[str]:
    """What kinds of actions there are on the audit log. One look into the index for each."""
    return list(db.session.scalars(_ACTIONS, {"organization_id": organization_id}))


def _every(organization_id: UUID, chosen: AuditLogFilter) -> Select[AuditEvent, str]:
    query = (
        select(AuditEvent, User.name)
        .outerjoin(User, User.id == AuditEvent.actor_id)
        .where(AuditEvent.organization_id == organization_id)
    )
    if chosen.action:
        query = query.where(AuditEvent.action.startswith(chosen.action, autoescape=True))
    if chosen.actor_id is not None:
        query = query.where(AuditEvent.actor_id == chosen.actor_id)
    if chosen.who:
        query = query.where(AuditEvent.actor_id.in_(_people(organization_id, chosen.who)))
    if chosen.since is not None:
        query = query.where(AuditEvent.occurred_at >= _midnight(chosen.since))
    if chosen.until is not None:
        query = query.where(AuditEvent.occurred_at < _midnight(chosen.until) + timedelta(days=1))
    return query


def _people(organization_id: UUID, who: str) -> Select[UUID]:
    """Members of today with this in their name or address."""
    return (
        select(User.id)
        .join(Membership, Membership.user_id == User.id)
        .where(
            Membership.organization_id == organization_id,
            or_(User.name.icontains(who, autoescape=True), User.email.icontains(who, autoescape=True)),
        )
    )


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
