"""Runs of backups, verifications and restores; and the erasures that a restore must not undo. Nobody's but ours."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base


class RunKind(StrEnum):
    """The first five make a backup, and are called as the backup's kind."""

    NIGHTLY = "nightly"
    BEFORE_MIGRATION = "before-migration"
    BEFORE_RELEASE = "before-release"
    BEFORE_RESTORE = "before-restore"
    BY_HAND = "by-hand"
    VERIFICATION = "verification"
    RESTORE = "restore"


class RunStatus(StrEnum):
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


MOVES = {
    RunStatus.RUNNING: frozenset({RunStatus.SUCCEEDED, RunStatus.FAILED}),
    RunStatus.SUCCEEDED: frozenset[RunStatus](),
    RunStatus.FAILED: frozenset[RunStatus](),
}


class BackupRun(Base):
    __tablename__ = "backup_run"
    __table_args__ = (
        CheckConstraint(
            "kind IN ('nightly', 'before-migration', 'before-release', 'before-restore', 'by-hand', 'verification',"
            " 'restore')",
            name="kind",
        ),
        CheckConstraint("status IN ('running', 'succeeded', 'failed')", name="status"),
        CheckConstraint("(status = 'running') = (finished_at IS NULL)", name="finished"),
        Index("ix_backup_run_started_at", "started_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    backup: Mapped[str]
    """The name of the backup that was made, tried or brought back."""
    status: Mapped[str]
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    size_bytes: Mapped[int | None] = mapped_column(BigInteger)
    """Of the sealed dump."""
    failure: Mapped[str | None]
    """What failed, in one line without secrets."""
    verified_at: Mapped[datetime | None]
    """When a restore last proved this backup whole."""
    restore_s: Mapped[float | None]
    """How long that restore took, or the restore that this run was."""

    @property
    def duration(self) -> timedelta | None:
        return self.finished_at - self.started_at if self.finished_at else None


class Erasure(Base):
    """Something that was deleted for good on somebody's demand. Ids and pseudonymous hashes, no names."""

    __tablename__ = "erasure"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    facts: Mapped[dict[str, Any]]
    erased_at: Mapped[datetime]
    copied_at: Mapped[datetime | None]
    """When it reached the store, where it outlives this database."""
