"""An hour's counts, and hours that have to be counted again."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base


class DecisionHour(Base):
    """Decisions of one organization in one hour, in one environment."""

    __tablename__ = "decision_hour"
    __table_args__ = (Index("ix_decision_hour_hour", "hour"),)

    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id"), primary_key=True)
    hour: Mapped[datetime] = mapped_column(primary_key=True)
    environment: Mapped[str] = mapped_column(primary_key=True)
    allowed: Mapped[int]
    blocked: Mapped[int]
    by_value: Mapped[dict[str, Any]]
    """For each kind the values that occurred, with how many were allowed and blocked: {"model": {"gpt-4o": [5, 2]}}."""
    busiest: Mapped[list[Any]]
    """Keys with their fullest minute, the fullest first: [[key's id, minute, decisions]]."""


class ChangedDecisionHour(Base):
    """An hour whose decisions became more or fewer after it had passed."""

    __tablename__ = "changed_decision_hour"

    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id"), primary_key=True)
    hour: Mapped[datetime] = mapped_column(primary_key=True)
