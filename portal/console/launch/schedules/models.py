"""When the plan or a customer's go-live begins, which person each lead is, and who was reminded. Operators' alone."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base


class LaunchStart(Base):
    """Without an organization it is the start of the plan."""

    __tablename__ = "launch_start"
    __table_args__ = (UniqueConstraint("organization_id", postgresql_nulls_not_distinct=True),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organization_id: Mapped[UUID | None] = mapped_column(ForeignKey("organization.id"))
    starts_at: Mapped[datetime]
    set_at: Mapped[datetime]


class LaunchLead(Base):
    __tablename__ = "launch_lead"
    __table_args__ = (CheckConstraint("lead IN ('engineering', 'operations', 'legal', 'product')", name="lead"),)

    lead: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("app_user.id"))
    named_at: Mapped[datetime]


class LaunchReminder(Base):
    """That an email about a task was sent for this start, once."""

    __tablename__ = "launch_reminder"

    start_id: Mapped[UUID] = mapped_column(ForeignKey("launch_start.id"), primary_key=True)
    task_code: Mapped[str] = mapped_column(primary_key=True)
    sent_at: Mapped[datetime]
