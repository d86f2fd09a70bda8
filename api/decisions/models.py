"""The log's table, partitioned by day (UTC). Rows come from `api.recording`; the software may not change them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index, SmallInteger, text
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base


class Decision(Base):
    __tablename__ = "decision"
    __table_args__ = (
        Index("ix_decision_organization_id", "organization_id", "decided_at", "id"),
        Index("ix_decision_api_key_id", "organization_id", "api_key_id", "decided_at", "id"),
        Index("ix_decision_request_id", "organization_id", "request_id"),
        Index(
            "ix_decision_subject",
            "organization_id",
            "subject",
            postgresql_where="subject IS NOT NULL",
        ),
        Index("ix_decision_recorded_number", "recorded_number", postgresql_using="brin"),
        {"postgresql_partition_by": "RANGE (decided_at)"},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    decided_at: Mapped[datetime] = mapped_column(primary_key=True)
    organization_id: Mapped[UUID]
    api_key_id: Mapped[UUID]
    environment: Mapped[str]
    model: Mapped[str]
    operation: Mapped[str]
    metadata_: Mapped[dict[str, Any]] = mapped_column("metadata")
    subject: Mapped[bytes | None]
    risk_score: Mapped[int] = mapped_column(SmallInteger)
    allowed: Mapped[bool]
    reason: Mapped[str]
    reasons: Mapped[list[Any]]
    policy_version: Mapped[int]
    latency_us: Mapped[int]
    request_id: Mapped[str]
    derivation: Mapped[dict[str, Any] | None]
    """What the policies derived beside the metadata as sent; null where they used no model catalogue."""
    sdk: Mapped[dict[str, Any] | None]
    """What an SDK decided by itself while it could not reach us; None where we decided."""
    shadow: Mapped[list[Any] | None]
    """What rules on trial would have said; null where that was nothing."""
    recorded_number: Mapped[int | None] = mapped_column(
        BigInteger, server_default=text("nextval('decision_recorded_number')"), deferred=True
    )
    """In which order rows were recorded, for heads to be signed over them; none before there were any."""


class CheckIdempotency(Base):
    """Which decision holds an idempotency key. Written by `api.recording`."""

    __tablename__ = "check_idempotency"
    __table_args__ = (Index("ix_check_idempotency_decided_at", "decided_at"),)

    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id"), primary_key=True)
    key_digest: Mapped[bytes] = mapped_column(primary_key=True)
    request_digest: Mapped[bytes]
    decision_id: Mapped[UUID]
    decided_at: Mapped[datetime]
    max_risk_score: Mapped[int] = mapped_column(SmallInteger)


class PurgeRun(Base):
    """One run of the purge, on record for as long as the service exists."""

    __tablename__ = "purge_run"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime]
    decisions_deleted: Mapped[int]
    partitions_dropped: Mapped[list[Any]]
