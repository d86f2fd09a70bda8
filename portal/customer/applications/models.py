"""Applications and what was said about them. Internal notes are for operators; the database keeps them from others."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base


class MessageKind(StrEnum):
    QUESTION = "question"
    ANSWER = "answer"
    INTERNAL_NOTE = "internal_note"


class Application(Base):
    __tablename__ = "application"
    __table_args__ = (
        CheckConstraint(
            "status IN ('draft', 'submitted', 'information_requested', 'deferred', 'approved', 'declined',"
            " 'withdrawn', 'expired')",
            name="status",
        ),
        Index(
            "uq_application_open",
            "organization_id",
            unique=True,
            postgresql_where=text("status IN ('draft', 'submitted', 'information_requested', 'deferred')"),
        ),
        Index("ix_application_queue", "submitted_at", postgresql_where=text("status IN ('submitted', 'deferred')")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id"))
    status: Mapped[str]
    version: Mapped[int]
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    submitted_at: Mapped[datetime | None]
    due_at: Mapped[datetime | None]
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[UUID | None] = mapped_column(ForeignKey("app_user.id"))
    reason: Mapped[str | None]


class ApplicationMessage(Base):
    __tablename__ = "application_message"
    __table_args__ = (
        CheckConstraint("kind IN ('question', 'answer', 'internal_note')", name="kind"),
        Index("ix_application_message_application_id", "application_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    application_id: Mapped[UUID] = mapped_column(ForeignKey("application.id"))
    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id"))
    kind: Mapped[str]
    author_id: Mapped[UUID] = mapped_column(ForeignKey("app_user.id"))
    body: Mapped[str]
    created_at: Mapped[datetime]
