"""Requests as they are counted: by hour for each organization, answered and refused, by day for each key, and minutes
that met a limit."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base


class RequestHour(Base):
    """Requests to the check API in one hour. Those without a valid key belong to nobody."""

    __tablename__ = "request_hour"
    __table_args__ = (
        UniqueConstraint("organization_id", "environment", "hour", postgresql_nulls_not_distinct=True),
        CheckConstraint("environment IN ('live', 'test')", name="environment"),
        Index("ix_request_hour_hour", "hour"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organization_id: Mapped[UUID | None] = mapped_column(ForeignKey("organization.id"))
    environment: Mapped[str | None]
    hour: Mapped[datetime]
    answered: Mapped[int]
    refused: Mapped[int]
    """By limits, keys, plans, or because they were not valid: no fault of ours."""
    failed: Mapped[int]
    """Through a fault of ours: answered with 500 or above."""
    slow: Mapped[int]
    """Of those that were answered."""
    latencies: Mapped[list[int]] = mapped_column(ARRAY(Integer))
    """Answers by how long they took, in the buckets of `request_counts`."""


class RequestDay(Base):
    """The same of a whole day (UTC)."""

    __tablename__ = "request_day"
    __table_args__ = (
        CheckConstraint("environment IN ('live', 'test')", name="environment"),
        Index("ix_request_day_day", "day"),
        Index("ix_request_day_organization_id", "organization_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organization_id: Mapped[UUID | None] = mapped_column(ForeignKey("organization.id"))
    environment: Mapped[str | None]
    day: Mapped[date]
    answered: Mapped[int]
    refused: Mapped[int]
    failed: Mapped[int]
    slow: Mapped[int]
    latencies: Mapped[list[int]] = mapped_column(ARRAY(Integer))


class RefusedRequestHour(Base):
    """Rejected requests of one organization in one hour: with one code, and of these, for one field."""

    __tablename__ = "refused_request_hour"
    __table_args__ = (
        CheckConstraint("environment IN ('live', 'test')", name="environment"),
        Index("ix_refused_request_hour_hour", "hour"),
    )

    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id"), primary_key=True)
    environment: Mapped[str] = mapped_column(primary_key=True)
    hour: Mapped[datetime] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(primary_key=True)
    fault: Mapped[str] = mapped_column(primary_key=True)
    """The code of the field's error; empty in the row that counts the requests themselves."""
    field: Mapped[str] = mapped_column(primary_key=True)
    requests: Mapped[int]
    last_at: Mapped[datetime]
    last_request_id: Mapped[str]


class KeyRequestDay(Base):
    """Requests of one key to the check API on one day, in UTC; gone with the key."""

    __tablename__ = "key_request_day"
    __table_args__ = (
        Index("ix_key_request_day_day", "day"),
        Index("ix_key_request_day_limited", "day", postgresql_where=text("limited > 0")),
    )

    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id"))
    api_key_id: Mapped[UUID] = mapped_column(ForeignKey("api_key.id", ondelete="CASCADE"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    requests: Mapped[int]
    limited: Mapped[int]
    """Refused with 429."""


class LimitMinute(Base):
    """A minute in which a key's requests used up places of its limit without a decision, or were refused by a limit.

    Together with the decision log it says whether a refusal was right.
    """

    __tablename__ = "limit_minute"
    __table_args__ = (
        CheckConstraint("limited_scope IN ('key', 'organization')", name="limited_scope"),
        CheckConstraint("num_nonnulls(limited_at, limited_scope, limited_by) IN (0, 3)", name="limited"),
        Index("ix_limit_minute_minute", "minute"),
    )

    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id"))
    api_key_id: Mapped[UUID] = mapped_column(ForeignKey("api_key.id", ondelete="CASCADE"), primary_key=True)
    minute: Mapped[datetime] = mapped_column(primary_key=True)
    undecided: Mapped[int]
    """Requests that the limit let pass and that left no decision: not readable, or only asking about the key."""
    limited_at: Mapped[datetime | None]
    """The last refusal of this minute."""
    limited_scope: Mapped[str | None]
    limited_by: Mapped[int | None]
    """The limit that was in force."""
