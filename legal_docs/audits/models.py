"""A booking of an audit."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base


class Audit(Base):
    __tablename__ = "legal_audit"
    __table_args__ = (
        CheckConstraint("kind IN ('audit', 'penetration_test')", name="kind"),
        CheckConstraint("cause IN ('yearly', 'breach', 'authority')", name="cause"),
        CheckConstraint("status IN ('requested', 'confirmed', 'declined', 'canceled', 'completed')", name="status"),
        CheckConstraint("ends_on >= starts_on", name="days"),
        Index("ix_legal_audit_organization_id", "organization_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id"))
    kind: Mapped[str]
    cause: Mapped[str]
    scope: Mapped[str]
    """What is to be looked at, in the customer's words."""
    auditor: Mapped[str]
    """Who comes: names and company."""
    starts_on: Mapped[date]
    ends_on: Mapped[date]
    status: Mapped[str]
    requested_by: Mapped[UUID | None] = mapped_column(ForeignKey("app_user.id"))
    requested_at: Mapped[datetime]
    answer_due_at: Mapped[datetime]
    answer: Mapped[str | None]
    """What we said when we confirmed or declined it."""
    answered_at: Mapped[datetime | None]
    answered_by: Mapped[UUID | None] = mapped_column(ForeignKey("app_user.id"))
    findings: Mapped[str | None]
    ended_at: Mapped[datetime | None]
