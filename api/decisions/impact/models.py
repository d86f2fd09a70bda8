"""Impact analyses as they are kept: what is compared, how far it has come, and what was found so far."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base


class PolicyImpact(Base):
    __tablename__ = "policy_impact"
    __table_args__ = (Index("ix_policy_impact_draft_id", "organization_id", "draft_id", "id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id"))
    draft_id: Mapped[UUID] = mapped_column(ForeignKey("policy_draft.id", ondelete="CASCADE"))
    base_version: Mapped[int]
    document: Mapped[dict[str, Any]]
    """The draft's at the time."""
    since: Mapped[datetime]
    until: Mapped[datetime]
    status: Mapped[str]
    total: Mapped[int]
    cursor: Mapped[UUID | None]
    """The last decision that was looked at."""
    tally: Mapped[dict[str, Any]]
    asked_at: Mapped[datetime]
    asked_by_kind: Mapped[str]
    asked_by_id: Mapped[UUID | None]
    finished_at: Mapped[datetime | None]
