"""What a customer was asked, or an operator has to find out, and what was answered."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base


class Feedback(Base):
    """The link's secret is kept as a hash; without one an operator records it."""

    __tablename__ = "feedback"
    __table_args__ = (
        CheckConstraint("kind IN ('pulse', 'survey', 'check_in', 'quarterly_review', 'pilot_review')", name="kind"),
        CheckConstraint("(answers IS NULL) = (answered_at IS NULL)", name="answered"),
        Index("ix_feedback_organization_id", "organization_id", "kind", "asked_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id"))
    kind: Mapped[str]
    asked_at: Mapped[datetime]
    due_at: Mapped[datetime]
    token_hash: Mapped[bytes | None] = mapped_column(unique=True)
    answers: Mapped[dict[str, Any] | None]
    answered_at: Mapped[datetime | None]
    recorded_by: Mapped[UUID | None] = mapped_column(ForeignKey("app_user.id"))
    stopped_at: Mapped[datetime | None]
    """When the customer asked to get no more of these emails."""
