"""How the backups stand: for pages, metrics and checks. Needs the system's scope."""

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta

import msgspec
from sqlalchemy import ColumnElement, select

from backups.models import BackupRun, RunKind, RunStatus
from backups.names import OVERDUE_AFTER
from core.db import db
from core.observability import Reading, gauge_at_scrape
from core.scope import needs_system_scope

NIGHTLY_AT = time(2, 0, tzinfo=UTC)
_MAKE_NONE = (RunKind.VERIFICATION.value, RunKind.RESTORE.value)
_MADE = BackupRun.kind.not_in(_MAKE_NONE)
_TRIED = BackupRun.kind == RunKind.VERIFICATION.value
_WELL = BackupRun.status == RunStatus.SUCCEEDED.value
_ENDED = BackupRun.status != RunStatus.RUNNING.value


class BackupStatus(msgspec.Struct, frozen=True):
    """None where there was none yet."""

    last_backup_at: datetime | None
    last_backup_bytes: int | None
    last_verified_at: datetime | None
    restore_s: float | None
    """How long the last verification took to bring everything back."""
    failure: str | None
    """Of the last backup or verification, if it failed."""
    is_overdue: bool
    next_at: datetime


@needs_system_scope
def latest_runs(limit: int) -> list[BackupRun]:
    """The newest first."""
    return list(db.session.scalars(select(BackupRun).order_by(BackupRun.started_at.desc()).limit(limit)))


def status(now: datetime) -> BackupStatus:
    backup, verification = _last(_MADE, _WELL), _last(_TRIED, _WELL)
    return BackupStatus(
        last_backup_at=backup.finished_at if backup else None,
        last_backup_bytes=backup.size_bytes if backup else None,
        last_verified_at=verification.finished_at if verification else None,
        restore_s=verification.restore_s if verification else None,
        failure=_failure(),
        is_overdue=is_overdue(now=now),
        next_at=_next_at(now),
    )


def is_overdue(*, now: datetime) -> bool:
    """Whether the last backup that a restore has proven is more than a night old."""
    last = _last(_TRIED, _WELL)
    return last is None or last.started_at < now - OVERDUE_AFTER


def _next_at(now: datetime) -> datetime:
    today = datetime.combine(now.astimezone(UTC).date(), NIGHTLY_AT)
    return today if today > now else today + timedelta(days=1)


def _last(*such: ColumnElement[bool]) -> BackupRun | None:
    return db.session.scalar(select(BackupRun).where(*such).order_by(BackupRun.started_at.desc()).limit(1))


def _failure() -> str | None:
    last = (_last(_MADE, _ENDED), _last(_TRIED, _ENDED))
    return next((run.failure for run in last if run is not None and run.failure is not None), None)


def _one(value: float | None) -> Iterator[Reading]:
    if value is not None:
        yield {}, value


@gauge_at_scrape("aig_backup_last_success_timestamp_seconds", "When the last backup was made. Missing: never.")
def _last_success() -> Iterator[Reading]:
    run = _last(_MADE, _WELL)
    return _one(run.finished_at.timestamp() if run and run.finished_at else None)


@gauge_at_scrape("aig_backup_last_verified_timestamp_seconds", "When a restore last proved a backup. Missing: never.")
def _last_verified() -> Iterator[Reading]:
    run = _last(_TRIED, _WELL)
    return _one(run.finished_at.timestamp() if run and run.finished_at else None)


@gauge_at_scrape("aig_backup_last_failed", "1 if the last backup or the last verification failed.")
def _last_failed() -> Iterator[Reading]:
    return _one(float(_failure() is not None))


@gauge_at_scrape("aig_backup_size_bytes", "Size of the last backup, sealed.")
def _size() -> Iterator[Reading]:
    run = _last(_MADE, _WELL)
    return _one(run.size_bytes if run else None)


@gauge_at_scrape("aig_backup_restore_duration_seconds", "How long the last verification took to bring it all back.")
def _restore_duration() -> Iterator[Reading]:
    run = _last(_TRIED, _WELL)
    return _one(run.restore_s if run else None)
