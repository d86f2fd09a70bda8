"""What we keep of an organization's money: its account, and the entitlement that follows from all that is known."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
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
    customer_id: Mapped[str | None] = mapped_column(unique=True)
    """Of the customer at Stripe; None before the first, and after one was deleted there."""
    customers_made: Mapped[int] = mapped_column(default=0)
    metered_since: Mapped[datetime | None]
    """Since when the organization pays as it goes; what was used before is never sent to the meter."""
    billing_email: Mapped[str | None]
    """Where invoices go, if not to the owners."""
    synced_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=0)
    """Counts what was mirrored, so that an answer which was asked for earlier never overwrites a later one."""
    asked_at: Mapped[datetime | None]
    """When a page last wanted the worker to ask Stripe."""
    customer: Mapped[dict[str, Any] | None]
    """The customer as Stripe gave it last, with `tax_ids`."""
    customer_gone_at: Mapped[datetime | None]
    """Since when Stripe knows no such customer, as long as no operator has looked at it."""
    pending: Mapped[dict[str, Any] | None]
    """Not used any more; the software of the version before wrote refunds that were under way."""
    preview: Mapped[dict[str, Any] | None]
    """What a switch would cost, as Stripe gave it last."""


class Subscription(Base):
    """A subscription as Stripe gave it last."""

    __tablename__ = "subscription"
    __table_args__ = (Index("ix_subscription_organization_id", "organization_id"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id"))
    status: Mapped[str]
    """Word for word, also one that nobody has heard of."""
    created_at: Mapped[datetime]
    snapshot: Mapped[dict[str, Any]]
    fetched_at: Mapped[datetime]
    unpaid_since: Mapped[datetime | None]
    """When the present run of unpaid invoices began; noted once, and gone with the run."""


class Invoice(Base):
    """An invoice as Stripe gave it last, with what became of the money."""

    __tablename__ = "invoice"
    __table_args__ = (Index("ix_invoice_organization_id", "organization_id", "created_at"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id"))
    subscription_id: Mapped[str | None]
    status: Mapped[str]
    created_at: Mapped[datetime]
    snapshot: Mapped[dict[str, Any]]
    charge: Mapped[dict[str, Any] | None]
    dispute: Mapped[dict[str, Any] | None]
    fetched_at: Mapped[datetime]

    @property
    def brought_money(self) -> bool:
        """Paid, and not one over nothing: only such a one can be refunded or charged back."""
        return self.status == "paid" and bool(self.snapshot.get("amount_paid"))


OPENING = "opening-"
"""Before the id of an attempt, as long as Stripe has not given its session."""


class Checkout(Base):
    """A checkout that was opened for an organization. At most one of them is open."""

    __tablename__ = "checkout"
    __table_args__ = (
        Index("uq_checkout_open", "organization_id", unique=True, postgresql_where=text("status = 'open'")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id"))
    session_id: Mapped[str] = mapped_column(unique=True)
    plan: Mapped[str]
    status: Mapped[str]
    payment_status: Mapped[str]
    subscription_id: Mapped[str | None]
    opened_at: Mapped[datetime]
    opened_by: Mapped[UUID | None] = mapped_column(ForeignKey("app_user.id"))

    @property
    def is_being_opened(self) -> bool:
        return self.session_id.startswith(OPENING)

    @property
    def is_settled(self) -> bool:
        """Whether nothing more will come of it."""
        return self.status == "expired" or (self.status == "complete" and self.payment_status != "unpaid")


class StripeEvent(Base):
    """What came in by webhook, once for each id. It says only that something happened; the facts are fetched."""

    __tablename__ = "stripe_event"
    __table_args__ = (
        CheckConstraint("status IN ('received', 'processed', 'ignored', 'failed')", name="status"),
        Index("ix_stripe_event_status", "status", postgresql_where=text("status IN ('received', 'failed')")),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    type: Mapped[str]
    is_thin: Mapped[bool]
    livemode: Mapped[bool]
    created_at: Mapped[datetime]
    received_at: Mapped[datetime]
    payload: Mapped[dict[str, Any]]
    organization_id: Mapped[UUID | None] = mapped_column(ForeignKey("organization.id"))
    status: Mapped[str]
    note: Mapped[str | None]
    """Why it was ignored, or what failed."""
    attempts: Mapped[int] = mapped_column(default=0)
    processed_at: Mapped[datetime | None]


class Entitlement(Base):
    """The access as it was last worked out, to notice when it changes."""

    __tablename__ = "entitlement"

    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id"), primary_key=True)
    state: Mapped[str]
    plan: Mapped[str | None]
    reason: Mapped[str]
    since: Mapped[datetime]
    plan_since: Mapped[datetime]
    changes_at: Mapped[datetime | None]
    """When time alone changes it."""
    quota_reached_at: Mapped[datetime | None]
    quota_until: Mapped[datetime | None]
    """End of the month whose checks are used up."""
    computed_at: Mapped[datetime]


class BillingEmail(Base):
    """An email about money that is sent once; `about` names the invoice, the day or the month that it is about."""

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
    attempted_at: Mapped[datetime | None]
    """When it was first tried to be sent to Stripe's meter; only for who pays as they go."""
    sent_at: Mapped[datetime | None]
    claimed_until: Mapped[datetime | None]
    """As long as somebody sends it."""
    metered_at: Mapped[datetime | None]
    """The time it has at the meter, where that is not its hour."""

    @property
    def identifier(self) -> str:
        """By which the meter takes it once."""
        return f"{self.organization_id}:{self.hour.astimezone(UTC):%Y%m%dT%H}:{self.part}"


class ReconciliationRun(Base):
    """A round in which all that we keep was compared with Stripe."""

    __tablename__ = "reconciliation_run"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    compared: Mapped[int]
    failed: Mapped[int]


class Drift(Base):
    """Something that we kept otherwise than Stripe says. What a round finds it also mends."""

    __tablename__ = "drift"
    __table_args__ = (Index("ix_drift_run_id", "run_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    run_id: Mapped[UUID] = mapped_column(ForeignKey("reconciliation_run.id"))
    organization_id: Mapped[UUID | None] = mapped_column(ForeignKey("organization.id"))
    about: Mapped[str]
    """The id of what differed at Stripe, or the day of a count."""
    ours: Mapped[dict[str, Any] | None]
    theirs: Mapped[dict[str, Any] | None]
