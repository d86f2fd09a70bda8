"""The audit log of account actions: who did what to which record, before and after. Append-only for the software."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import blinker
import msgspec
from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, db
from core.ids import new_uuid

written = blinker.Signal()
"""Sent with each `AuditEvent` in the transaction that keeps it, so that rooms above can tell people of it."""


class ActorKind(StrEnum):
    API_KEY = "api_key"
    MEMBER = "member"
    OPERATOR = "operator"
    COMMAND_LINE = "command_line"
    SYSTEM = "system"


class Actor(msgspec.Struct, frozen=True):
    """Who acts, from where, in which request."""

    kind: ActorKind
    id: UUID | None = None
    address: str | None = None
    request_id: str | None = None


COMMAND_LINE = Actor(kind=ActorKind.COMMAND_LINE)
SYSTEM = Actor(kind=ActorKind.SYSTEM)


class AuditEvent(Base):
    __tablename__ = "audit_event"
    __table_args__ = (
        Index("ix_audit_event_organization_id", "organization_id", "id"),
        Index("ix_audit_event_actor_id", "actor_id", "id", postgresql_where=text("actor_id IS NOT NULL")),
        Index("ix_audit_event_action", "organization_id", "action", "id"),
        Index(
            "ix_audit_event_actor", "organization_id", "actor_id", "id", postgresql_where=text("actor_id IS NOT NULL")
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organization_id: Mapped[UUID | None] = mapped_column(ForeignKey("organization.id"))
    """None for what a person does who belongs to no organization, such as an operator signing in."""
    occurred_at: Mapped[datetime]
    actor_kind: Mapped[str]
    actor_id: Mapped[UUID | None]
    action: Mapped[str]
    subject_id: Mapped[str | None]
    before: Mapped[dict[str, Any] | None]
    after: Mapped[dict[str, Any] | None]
    address: Mapped[str | None]
    request_id: Mapped[str | None]


def write(
    organization_id: UUID | None,
    action: str,
    *,
    by: Actor,
    now: datetime,
    subject_id: str | None = None,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    """Adds an event to the session; it is kept if, and only if, what it tells of is."""
    event = AuditEvent(
        id=new_uuid(),
        organization_id=organization_id,
        occurred_at=now,
        actor_kind=by.kind.value,
        actor_id=by.id,
        action=action,
        subject_id=subject_id,
        before=before,
        after=after,
        address=by.address,
        request_id=by.request_id,
    )
    db.session.add(event)
    written.send(event)
