"""What we keep of an organization's money: its account, and the entitlement that follows from all that is known."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base


class BillingAccount(Base):
    """Made when it is first needed."""

    __tablename__ = "billing_account"
    __table_args__ = (
        CheckConstraint("(grant_plan IS NULL) = (grant_reason IS NULL)", name="grant"),
        CheckConstraint("grant_plan IN ('pilot', 'free', 'pro', 'pay_as_you_go', 'enterprise')", name="grant_plan"),
    )

    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id"), primary_key=True)
    is_metered_offered: Mapped[bool] = mapped_column(default=False)
    """Whether an operator lets this organization choose to pay as it goes."""
    grant_plan: Mapped[str | None]
    grant_until: Mapped[datetime | None]
    grant_reason: Mapped[str | None]
    enterprise_asked_at: Mapped[datetime | None]


class Entitlement(Base):
    """The access as it was last worked out, to notice when it changes."""

    __tablename__ = "entitlement"

    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id"), primary_key=True)
    state: Mapped[str]
    plan: Mapped[str | None]
    reason: Mapped[str]
    since: Mapped[datetime]
    changes_at: Mapped[datetime | None]
    """When time alone changes it."""
    quota_reached_at: Mapped[datetime | None]
    quota_until: Mapped[datetime | None]
    """End of the month whose checks are used up."""
    computed_at: Mapped[datetime]


class BillingLetter(Base):
    """A mail about money that is sent once; `about` names the invoice, the day or the month that it is about."""

    __tablename__ = "billing_letter"

    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id"), primary_key=True)
    template: Mapped[str] = mapped_column(primary_key=True)
    about: Mapped[str] = mapped_column(primary_key=True)
    sent_at: Mapped[datetime]


class UsageProgress(Base):
    """How far the decision log is counted: one row. Every hour before `sealed_until` is sealed."""

    __tablename__ = "usage_progress"
    __table_args__ = (CheckConstraint("id = 1", name="only"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    sealed_until: Mapped[datetime]


class UsageHour(Base):
    """Live checks of one hour, counted from the decision log. What came late is a further part of the same hour."""

    __tablename__ = "usage_hour"
    __table_args__ = (CheckConstraint("checks > 0", name="checks"),)

    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id"), primary_key=True)
    hour: Mapped[datetime] = mapped_column(primary_key=True)
    part: Mapped[int] = mapped_column(primary_key=True)
    checks: Mapped[int]
    sealed_at: Mapped[datetime]
