"""Policy versions as they are kept: written once, never changed."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base


class PolicyVersion(Base):
    __tablename__ = "policy_version"

    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    document: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    created_by_kind: Mapped[str]
    created_by_id: Mapped[UUID | None]
    is_test_only: Mapped[bool] = mapped_column(default=False)
    """Of test keys alone, as long as it is the newest."""
    draft_id: Mapped[UUID | None]
    """Of which draft it is, where it is of test keys alone."""


class PolicyFile(Base):
    """The last file of policies that was pushed: the policies that it names, with their values."""

    __tablename__ = "policy_file"

    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id"), primary_key=True)
    policies: Mapped[dict[str, Any]]
    version: Mapped[int]
    """That was in force then."""
    pushed_at: Mapped[datetime]
    pushed_by_id: Mapped[UUID]
