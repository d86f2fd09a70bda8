"""How far the store is fed, and what is still to be erased there."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index, SmallInteger
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base


class AnalyticsCursor(Base):
    """One row, if there ever was a store; whoever feeds it or erases there holds it."""

    __tablename__ = "analytics_cursor"
    __table_args__ = (CheckConstraint("id = 1", name="only_one"),)

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    table_name: Mapped[str]
    """A new one whenever it is filled from the beginning."""
    unnumbered_after: Mapped[UUID | None]
    """Rows of before numbers are fed up to this one, the first thing of all; null once they all are."""
    recorded_through: Mapped[int] = mapped_column(BigInteger)
    begun_at: Mapped[datetime]
    complete_at: Mapped[datetime | None]
    """When it last had everything that was complete."""


class AnalyticsErasure(Base):
    """Committed with the erasure, and gone when the store has nothing of it any more."""

    __tablename__ = "analytics_erasure"
    __table_args__ = (
        CheckConstraint("kind IN ('subject', 'key', 'before', 'everything')", name="kind"),
        Index("ix_analytics_erasure_organization_id", "organization_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organization_id: Mapped[UUID]
    kind: Mapped[str]
    value: Mapped[str]
    recorded_through: Mapped[int] = mapped_column(BigInteger)
    """Nothing that was recorded later is meant."""
    noted_at: Mapped[datetime]
    asked_at: Mapped[datetime | None]
    """When the store was last asked to erase it."""
