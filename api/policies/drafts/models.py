"""Drafts as they are kept. `revision` counts the changes, so that nobody overwrites what they have not seen."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, Uuid
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base


class PolicyDraft(Base):
    __tablename__ = "policy_draft"
    __table_args__ = (Index("ix_policy_draft_organization_id", "organization_id", "status", "id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id"))
    name: Mapped[str]
    note: Mapped[str]
    status: Mapped[str]
    revision: Mapped[int]
    base_version: Mapped[int]
    document: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    created_by_kind: Mapped[str]
    created_by_id: Mapped[UUID | None]
    changed_at: Mapped[datetime]
    editors: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid))
    """Members and API keys that worked on it: none of them may approve it."""
    published_version: Mapped[int | None]
