"""Channels and what was sent through them. Those without an organization are the operators'."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base


class Channel(Base):
    __tablename__ = "notification_channel"
    __table_args__ = (
        CheckConstraint("kind IN ('mail', 'slack', 'webhook')", name="kind"),
        CheckConstraint("state IN ('unconfirmed', 'active', 'paused', 'failing')", name="state"),
        CheckConstraint("stopped_because IN ('failures', 'gone')", name="stopped_because"),
        CheckConstraint("(state = 'failing') = (stopped_because IS NOT NULL)", name="stopped"),
        CheckConstraint("(kind = 'webhook') = (sealed_secret IS NOT NULL)", name="secret"),
        UniqueConstraint("organization_id", "name", postgresql_nulls_not_distinct=True),
        Index("ix_notification_channel_reader_id", "reader_id", postgresql_where=text("reader_id IS NOT NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organization_id: Mapped[UUID | None] = mapped_column(ForeignKey("organization.id"))
    kind: Mapped[str]
    name: Mapped[str]
    sealed_target: Mapped[bytes]
    target_shown: Mapped[str]
    """The target without what may be a secret of it."""
    reader_id: Mapped[UUID | None] = mapped_column(ForeignKey("app_user.id"))
    """Whose membership vouches, or once vouched, for an address that was never asked; see `readers`."""
    events: Mapped[list[Any]]
    includes_test: Mapped[bool] = mapped_column(default=False)
    """Whether blocked decisions of test keys are told too."""
    state: Mapped[str]
    stopped_because: Mapped[str | None]
    sealed_secret: Mapped[bytes | None]
    sealed_old_secret: Mapped[bytes | None]
    old_secret_until: Mapped[datetime | None]
    confirmation: Mapped[bytes | None] = mapped_column(unique=True)
    """Hash of what the mail holds with which somebody agrees to get mail."""
    blocked_until: Mapped[datetime]
    """Decisions up to then were told of, or looked at."""
    busy_until: Mapped[datetime | None]
    """Until then somebody sends through it; one delivery at a time."""
    is_isolated: Mapped[bool] = mapped_column("is_apart", default=False)
    """Whether it was slow or did not take the last delivery: those wait for each other, and nobody for them."""
    delivered_at: Mapped[datetime | None]
    created_at: Mapped[datetime]

    @property
    def path(self) -> str:
        """Where its page is."""
        return f"{'/organization' if self.organization_id else '/console'}/notifications/{self.id}"


class Delivery(Base):
    __tablename__ = "notification_delivery"
    __table_args__ = (
        CheckConstraint("state IN ('waiting', 'delivered', 'failed', 'given_up')", name="state"),
        CheckConstraint("(state IN ('waiting', 'failed')) = (next_try_at IS NOT NULL)", name="next_try_at"),
        UniqueConstraint("channel_id", "event_id"),
        Index("ix_notification_delivery_channel_id", "channel_id", "id"),
        Index("ix_notification_delivery_due", "next_try_at", postgresql_where=text("next_try_at IS NOT NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    channel_id: Mapped[UUID] = mapped_column(ForeignKey("notification_channel.id", ondelete="CASCADE"))
    organization_id: Mapped[UUID | None] = mapped_column(ForeignKey("organization.id"))
    event_id: Mapped[UUID]
    event: Mapped[str]
    payload: Mapped[dict[str, Any]] = mapped_column(JSON)
    """In the order in which it is sent."""
    state: Mapped[str]
    tries: Mapped[int] = mapped_column(default=0)
    """Since it was made, or was asked for again."""
    attempts: Mapped[list[Any]]
    """What came of each try, the oldest first; `deliveries.Attempt`."""
    next_try_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


class Alert(Base):
    """One time that an alert of the monitoring fired; by its fingerprint and start it is known again."""

    __tablename__ = "alert"

    fingerprint: Mapped[str] = mapped_column(primary_key=True)
    started_at: Mapped[datetime] = mapped_column(primary_key=True)
    name: Mapped[str]
    severity: Mapped[str | None]
    summary: Mapped[str | None]
    resolved_at: Mapped[datetime | None]
