"""How far the log is signed, each organization's chain of heads, the public keys, and what was erased since a head."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, SmallInteger
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base


class LogCursor(Base):
    """One row; whoever signs holds it."""

    __tablename__ = "log_cursor"
    __table_args__ = (CheckConstraint("id = 1", name="only_one"),)

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    recorded_through: Mapped[int] = mapped_column(BigInteger)
    advanced_at: Mapped[datetime]


class LogSigningKey(Base):
    """A public key, with a statement that it signs, and that the key before signs too where it was at hand."""

    __tablename__ = "log_signing_key"

    id: Mapped[str] = mapped_column(primary_key=True)
    public_key: Mapped[bytes]
    statement: Mapped[str]
    signature: Mapped[bytes]
    predecessor_id: Mapped[str | None] = mapped_column(ForeignKey("log_signing_key.id"))
    predecessor_signature: Mapped[bytes | None]
    first_used_at: Mapped[datetime]


class LogChain(Base):
    __tablename__ = "log_chain"

    organization_id: Mapped[UUID] = mapped_column(primary_key=True)
    started_at: Mapped[datetime]
    last_sequence: Mapped[int] = mapped_column(BigInteger)
    last_hash: Mapped[bytes]
    total: Mapped[int] = mapped_column(BigInteger)
    purged_before: Mapped[datetime | None]
    restored_at: Mapped[datetime | None]
    has_news: Mapped[bool]
    """Whether the next head has something to say although no row was recorded."""
    verified_at: Mapped[datetime | None]
    findings: Mapped[list[Any] | None]
    """Of the last verification."""


class LogHead(Base):
    """`ids`, `salts` and `commitments` have a value for each row, and are gone when all of the rows are purged."""

    __tablename__ = "log_head"
    __table_args__ = (
        Index("ix_log_head_recorded_through", "organization_id", "recorded_through"),
        Index("ix_log_head_newest_at", "organization_id", "newest_at", postgresql_where="ids IS NOT NULL"),
    )

    organization_id: Mapped[UUID] = mapped_column(primary_key=True)
    sequence: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    body: Mapped[str]
    signature: Mapped[bytes]
    key_id: Mapped[str] = mapped_column(ForeignKey("log_signing_key.id"))
    signed_at: Mapped[datetime]
    first: Mapped[int] = mapped_column(BigInteger)
    rows: Mapped[int]
    recorded_after: Mapped[int] = mapped_column(BigInteger)
    recorded_through: Mapped[int] = mapped_column(BigInteger)
    newest_at: Mapped[datetime | None]
    ids: Mapped[bytes | None] = mapped_column(deferred=True)
    salts: Mapped[bytes | None] = mapped_column(deferred=True)
    commitments: Mapped[bytes | None] = mapped_column(deferred=True)


class LogErasure(Base):
    """A decision that was erased, until a head says so."""

    __tablename__ = "log_erasure"
    __table_args__ = (Index("ix_log_erasure_recorded_number", "recorded_number"),)

    organization_id: Mapped[UUID] = mapped_column(primary_key=True)
    decision_id: Mapped[UUID] = mapped_column(primary_key=True)
    recorded_number: Mapped[int] = mapped_column(BigInteger)
    erased_at: Mapped[datetime]
