"""What checks found last, who confirmed what, who signed, and what was decided. Operators' alone."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base


class LaunchResult(Base):
    """The last word of a check."""

    __tablename__ = "launch_result"

    check_code: Mapped[str] = mapped_column(primary_key=True)
    is_green: Mapped[bool]
    seen: Mapped[str]
    to_do: Mapped[str]
    checked_at: Mapped[datetime]


class LaunchConfirmation(Base):
    """That a named person stands for an item, in a period: a day, a week, a month, or `launch`."""

    __tablename__ = "launch_confirmation"

    item_code: Mapped[str] = mapped_column(primary_key=True)
    period: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("app_user.id"))
    words: Mapped[str]
    confirmed_at: Mapped[datetime]


class LaunchSignature(Base):
    """One of the four leads, for the next decision."""

    __tablename__ = "launch_signature"
    __table_args__ = (CheckConstraint("lead IN ('engineering', 'operations', 'legal', 'product')", name="lead"),)

    lead: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("app_user.id"))
    signed_at: Mapped[datetime]


class LaunchDecision(Base):
    """GO or NO GO, with all that was seen then. Append-only."""

    __tablename__ = "launch_decision"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    is_go: Mapped[bool]
    reason: Mapped[str]
    decided_by: Mapped[UUID] = mapped_column(ForeignKey("app_user.id"))
    decided_at: Mapped[datetime]
    seen: Mapped[dict[str, Any]]


class LaunchEvidence(Base):
    """What a signed run of the load test, the audit or the attack test found. Append-only."""

    __tablename__ = "launch_evidence"
    __table_args__ = (
        CheckConstraint("kind IN ('load', 'audit', 'attack')", name="kind"),
        UniqueConstraint("kind", "host", "finished_at"),
        Index("ix_launch_evidence_kind", "kind", "received_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    host: Mapped[str]
    release: Mapped[str]
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime]
    keys: Mapped[int]
    answers: Mapped[int]
    found: Mapped[dict[str, Any]]
    received_at: Mapped[datetime]
