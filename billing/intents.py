"""What is to be written at Stripe, on record before Stripe is asked: what was wanted, by whom, and what became of it.

An organization has one at a time whose outcome is open. Its id is the key that Stripe is given; once it is certain what
became of it, the next attempt has another one, since Stripe would answer the same key with the same error.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import CheckConstraint, ForeignKey, Index, func, select, text
from sqlalchemy.orm import Mapped, mapped_column

from billing.accounts import lock_account
from billing.errors import ChangeUnsure
from core.audit import Actor, ActorKind
from core.db import Base, db
from core.ids import new_uuid
from core.rows import find_fresh, locked, read_anew

UNSURE_FOR = timedelta(minutes=3)
"""So long a write may still be under way: some calls of a job, each by its deadline, and what Stripe takes for one."""
GIVEN_UP_AFTER = timedelta(hours=1)
"""After that somebody may try again, even if nobody could find out."""


class Outcome(StrEnum):
    MADE = "made"
    NOT_MADE = "not_made"
    REFUSED = "refused"
    GIVEN_UP = "given_up"


class ChangeIntent(Base):
    __tablename__ = "change_intent"
    __table_args__ = (
        CheckConstraint("outcome IN ('made', 'not_made', 'refused', 'given_up')", name="outcome"),
        Index("uq_change_intent_open", "organization_id", unique=True, postgresql_where=text("outcome IS NULL")),
        Index("ix_change_intent_organization_id", "organization_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id"))
    kind: Mapped[str]
    wanted: Mapped[dict[str, Any]]
    """Empty once the outcome is known: it may hold an address."""
    actor_kind: Mapped[str]
    actor_id: Mapped[UUID | None]
    begun_at: Mapped[datetime]
    unsure_until: Mapped[datetime]
    """Before that nobody can say that nothing will come of it."""
    outcome: Mapped[str | None]
    settled_at: Mapped[datetime | None]


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """An intent as it was committed."""

    id: UUID
    organization_id: UUID
    kind: str
    wanted: dict[str, Any]
    by: Actor
    unsure_until: datetime
    is_joined: bool = False
    """Whether somebody had begun it before, who may have been answered or not."""

    def key(self, step: str) -> str:
        """For Stripe: the same step is carried out once."""
        return f"{self.id}-{step}"


def settled(organization_id: UUID, kind: str) -> int:
    """How many there were whose outcome is known: who decides by what Stripe says now must not be overtaken by another.

    One that is open does not count yet: what Stripe says now may still be without it.
    """
    query = select(func.count()).where(
        ChangeIntent.organization_id == organization_id, ChangeIntent.kind == kind, ChangeIntent.outcome.is_not(None)
    )
    return db.session.scalar(query) or 0


def begin(organization_id: UUID, kind: str, wanted: dict[str, Any], *, by: Actor, now: datetime) -> Change:
    """The same that is open already is joined, by its key. Raises ChangeUnsure while another one is open."""
    lock_account(organization_id)
    wanted = msgspec.json.decode(msgspec.json.encode(wanted))  # as it is kept, to compare it
    query = select(ChangeIntent).where(ChangeIntent.organization_id == organization_id, ChangeIntent.outcome.is_(None))
    there = db.session.scalar(read_anew(query))
    if there is not None and there.begun_at > now - GIVEN_UP_AFTER:
        if (there.kind, there.wanted) != (kind, wanted):
            raise ChangeUnsure
        return _change_of(there, is_joined=True)
    if there is not None:
        _settle(there, Outcome.GIVEN_UP, now=now)
    intent = ChangeIntent(
        id=new_uuid(),
        organization_id=organization_id,
        kind=kind,
        wanted=wanted,
        actor_kind=by.kind.value,
        actor_id=by.id,
        begun_at=now,
        unsure_until=now + UNSURE_FOR,
    )
    db.session.add(intent)
    db.session.flush()
    return msgspec.structs.replace(_change_of(intent), by=by)


def find_open(intent_id: UUID) -> Change | None:
    found = find_fresh(ChangeIntent, intent_id)
    return _change_of(found) if found is not None and found.outcome is None else None


def settle(change: Change, outcome: Outcome, *, now: datetime) -> bool:
    """Whether it was open until now; of those who find out, one puts it on record."""
    lock_account(change.organization_id)
    found = locked(ChangeIntent, change.id)
    if found.outcome is not None:
        return False
    _settle(found, outcome, now=now)
    return True


def note_ended(change: Change, *, now: datetime) -> None:
    """Stripe gave an answer that leaves it open, and is not at work on it any more."""
    found = locked(ChangeIntent, change.id)
    found.unsure_until = min(found.unsure_until, now)


def _settle(intent: ChangeIntent, outcome: Outcome, *, now: datetime) -> None:
    intent.outcome, intent.settled_at, intent.wanted = outcome.value, now, {}
    db.session.flush()


def _change_of(intent: ChangeIntent, *, is_joined: bool = False) -> Change:
    return Change(
        id=intent.id,
        organization_id=intent.organization_id,
        kind=intent.kind,
        wanted=dict(intent.wanted),
        by=Actor(kind=ActorKind(intent.actor_kind), id=intent.actor_id),
        unsure_until=intent.unsure_until,
        is_joined=is_joined,
    )
