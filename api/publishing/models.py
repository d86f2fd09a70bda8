"""Reviews as they are kept. `digest` stands for what was reviewed: the draft, its base, its tests and its impact."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base


class PolicyReview(Base):
    __tablename__ = "policy_review"
    __table_args__ = (
        Index("ix_policy_review_draft_id", "organization_id", "draft_id", "id"),
        Index(
            "uq_policy_review_requested",
            "organization_id",
            "draft_id",
            unique=True,
            postgresql_where=text("status = 'requested'"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id"))
    draft_id: Mapped[UUID] = mapped_column(ForeignKey("policy_draft.id", ondelete="CASCADE"))
    digest: Mapped[str]
    status: Mapped[str]
    requested_by_id: Mapped[UUID]
    requested_at: Mapped[datetime]
    decided_by_id: Mapped[UUID | None]
    decided_at: Mapped[datetime | None]
    comment: Mapped[str]
