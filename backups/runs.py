"""Each backup, verification and restore is on record, from its start. What fails is told on the audit log.

A run is several transactions, since what happens between them takes longer than one may; so these functions commit.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from sqlalchemy import exc, select, update

from backups.errors import BackupTrouble
from backups.models import BackupRun, RunKind, RunStatus
from backups.names import BackupName
from core import audit
from core.audit import SYSTEM, Actor
from core.clock import monotonic_s
from core.db import acting_as_system, db, rows_changed, transaction
from core.ids import new_uuid
from core.observability import report_error
from core.scope import needs_system_scope

log = structlog.get_logger()

LOST_AFTER = timedelta(hours=6)


class Outcome:
    """What a run finds out on its way."""

    size_bytes: int | None = None
    restore_s: float | None = None


@contextmanager
def on_record(kind: RunKind, name: BackupName, *, by: Actor, now: datetime) -> Iterator[Outcome]:
    """Around the work itself, outside any transaction."""
    outcome, started_s = Outcome(), monotonic_s()
    run_id = _begin(kind, name, now=now)
    try:
        yield outcome
    except BaseException as error:
        finished_at = now + timedelta(seconds=monotonic_s() - started_s)
        _end(run_id, kind, name, outcome, failure=_words_for(error), by=by, now=finished_at)
        raise
    finished_at = now + timedelta(seconds=monotonic_s() - started_s)
    _end(run_id, kind, name, outcome, failure=None, by=by, now=finished_at)


@needs_system_scope
def give_up_lost(*, now: datetime) -> None:
    """Runs whose process ended without a word have failed."""
    lost = db.session.scalars(
        select(BackupRun).where(BackupRun.status == RunStatus.RUNNING.value, BackupRun.started_at < now - LOST_AFTER)
    ).all()
    for run in lost:
        if _move(run.id, RunStatus.FAILED, failure="It was interrupted.", now=now):
            _notify_of_failure(run.kind, run.backup, "It was interrupted.", by=SYSTEM, now=now)


@needs_system_scope
def settle_restored(name: BackupName, *, size_bytes: int, now: datetime) -> None:
    """In the dump, the run that made it was still under way."""
    own = select(BackupRun.id).where(BackupRun.backup == str(name), BackupRun.status == RunStatus.RUNNING.value)
    for run_id in db.session.scalars(own).all():
        _move(run_id, RunStatus.SUCCEEDED, size_bytes=size_bytes, now=now)


@needs_system_scope
def note_restore(name: BackupName, *, seconds: float, by: Actor, now: datetime) -> None:
    """A restore can be put on record only in what it brought back."""
    db.session.add(
        BackupRun(
            id=new_uuid(),
            kind=RunKind.RESTORE.value,
            backup=str(name),
            status=RunStatus.SUCCEEDED.value,
            started_at=now,
            finished_at=now + timedelta(seconds=seconds),
            restore_s=seconds,
        )
    )
    audit.write(None, "backup.restored", by=by, now=now, subject_id=str(name), after={"seconds": round(seconds, 1)})


def _begin(kind: RunKind, name: BackupName, *, now: datetime) -> UUID | None:
    """None where the table is not there yet, before the migration that makes it."""
    run_id = new_uuid()
    try:
        with acting_as_system(), transaction():
            db.session.add(
                BackupRun(id=run_id, kind=kind.value, backup=str(name), status=RunStatus.RUNNING.value, started_at=now)
            )
    except exc.ProgrammingError as error:
        log.warning("backup.not_on_record", backup=str(name), exc_info=error)
        return None
    return run_id


def _end(
    run_id: UUID | None,
    kind: RunKind,
    name: BackupName,
    outcome: Outcome,
    *,
    failure: str | None,
    by: Actor,
    now: datetime,
) -> None:
    tell = log.info if failure is None else log.error
    tell("backup.run_ended", kind=kind.value, backup=str(name), failure=failure)
    if run_id is None:
        return
    status = RunStatus.SUCCEEDED if failure is None else RunStatus.FAILED
    found = {"size_bytes": outcome.size_bytes, "restore_s": outcome.restore_s, "failure": failure}
    with acting_as_system(), transaction():
        _move(run_id, status, now=now, **found)
        if failure is not None:
            _notify_of_failure(kind.value, str(name), failure, by=by, now=now)
            return
        if kind is RunKind.VERIFICATION:
            _mark_verified(name, restore_s=outcome.restore_s, now=now)
        action = "backup.verified" if kind is RunKind.VERIFICATION else "backup.created"
        audit.write(None, action, by=by, now=now, subject_id=str(name), after={"kind": kind.value, **found})


def _move(run_id: UUID, to: RunStatus, *, now: datetime, **found: object) -> bool:
    """Compare and set: a run that has ended stays as it ended."""
    running = update(BackupRun).where(BackupRun.id == run_id, BackupRun.status == RunStatus.RUNNING.value)
    return bool(rows_changed(running.values(status=to.value, finished_at=now, **found)))


def _mark_verified(name: BackupName, *, restore_s: float | None, now: datetime) -> None:
    db.session.execute(
        update(BackupRun)
        .where(BackupRun.backup == str(name), BackupRun.kind == name.kind.value)
        .values(verified_at=now, restore_s=restore_s)
    )


def _notify_of_failure(kind: str, backup: str, failure: str, *, by: Actor, now: datetime) -> None:
    audit.write(None, "backup.failed", by=by, now=now, subject_id=backup, after={"kind": kind, "failure": failure})


def _words_for(error: BaseException) -> str:
    if isinstance(error, BackupTrouble):
        return str(error)
    if not isinstance(error, Exception):
        return "It was interrupted."
    report_error(error)
    return f"An unexpected error occurred ({type(error).__name__}). See the log."
