"""That a breach was suspected, when, and what we found. The words stand in its request."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base


class SuspectedBreach(Base):
    __tablename__ = "suspected_breach"
    __table_args__ = (
        CheckConstraint("verdict IN ('breach', 'customer_side', 'no_breach')", name="verdict"),
        CheckConstraint("(verdict IS NULL) = (assessed_at IS NULL)", name="assessed"),
        Index("ix_suspected_breach_due_at", "due_at", postgresql_where=text("assessed_at IS NULL")),
        Index("ix_suspected_breach_organization_id", "organization_id"),
    )

    ticket_id: Mapped[UUID] = mapped_column(ForeignKey("ticket.id"), primary_key=True)
    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id"))
    noticed_at: Mapped[datetime]
    began_at: Mapped[datetime | None]
    reported_at: Mapped[datetime]
    due_at: Mapped[datetime]
    verdict: Mapped[str | None]
    assessed_at: Mapped[datetime | None]
    assessed_by: Mapped[UUID | None] = mapped_column(ForeignKey("app_user.id"))
    incident_id: Mapped[UUID | None] = mapped_column(ForeignKey("incident.id"))
