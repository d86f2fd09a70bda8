"""Making, trying and clearing away backups. Each on record, so these functions commit; see `runs`."""

from datetime import datetime

import msgspec
from sqlalchemy import select

from backups import dump, erasures, names, restoring, runs
from backups.backup_repository import Manifest
from backups.models import BackupRun, RunKind
from backups.names import BackupKind, BackupName
from backups.place import Place
from backups.scratch import empty_database
from core.audit import SYSTEM, Actor
from core.clock import monotonic_s, utc_now
from core.db import acting_as_system, db, transaction


class Tried(msgspec.Struct, frozen=True):
    name: BackupName
    tables: int
    rows: int
    seconds: float


def back_up(place: Place, kind: BackupKind, *, by: Actor, now: datetime) -> Manifest:
    """Raises BackupTrouble."""
    name = names.new_name(kind, now=now)
    with runs.on_record(RunKind(kind), name, by=by, now=now) as outcome:
        manifest = dump.take(place.repository, name, database_url=place.database_url, postgres_bin=place.postgres_bin)
        outcome.size_bytes = manifest.sealed_bytes
    return manifest


def verify(place: Place, name: BackupName, *, by: Actor, now: datetime) -> Tried:
    """Brings a backup into an empty database and compares it with what was there. Raises BackupTrouble."""
    with runs.on_record(RunKind.VERIFICATION, name, by=by, now=now) as outcome:
        started_s = monotonic_s()
        manifest = place.repository.manifest(name)
        with place.repository.fetched(manifest) as sealed, empty_database(place.verify_url) as url:
            restoring.load(place.repository, manifest, sealed, into=url, postgres_bin=place.postgres_bin)
            outcome.restore_s = seconds = monotonic_s() - started_s
    return Tried(name, len(manifest.tables), sum(table.rows for table in manifest.tables), seconds)


def nightly(place: Place, *, now: datetime) -> None:
    """A backup, tried at once; then what is past its time goes. What fails stops the rest: nothing is cleared away."""
    with acting_as_system(), transaction():
        runs.give_up_lost(now=now)
    manifest = back_up(place, BackupKind.NIGHTLY, by=SYSTEM, now=now)
    verify(place, place.repository.find(manifest.name), by=SYSTEM, now=utc_now())
    with acting_as_system(), transaction():
        erasures.copy_waiting(place.repository)
    clear_away(place, now=now)


def clear_away(place: Place, *, now: datetime) -> list[BackupName]:
    """Removes backups after 14 days, and the erasures that none of the others lacks."""
    with acting_as_system(), transaction():
        verified = _verified()
        kept = [one.name for one in place.repository.stored()]
        gone = names.expired(kept, verified=verified, now=now)
        place.repository.remove(gone)
        place.repository.tidy(now=now)
        erasures.forget_old(place.repository, now=now)
    return gone


def _verified() -> set[BackupName]:
    proven = db.session.scalars(select(BackupRun.backup).where(BackupRun.verified_at.is_not(None)).distinct())
    return {name for name in map(names.parse, proven) if name is not None}
