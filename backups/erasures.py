"""Erasures outlive the database: what was deleted for good is deleted again after a restore.

Rooms register how an erasure of a kind is made again, and note each one in the transaction that makes it. A job copies
it, sealed, to the store, so that a database that is lost does not take the list with it. What the store knows of and a
database does not is what was erased after that database's dump.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

import blinker
import msgspec
import structlog
from procrastinate import RetryStrategy
from sqlalchemy import delete, select

from backups import encryption, names
from backups.backup_repository import BackupRepository, open_repository
from backups.errors import BackupTrouble
from backups.models import Erasure
from core import audit, current
from core.audit import SYSTEM
from core.clock import utc_now
from core.db import acting_as_system, db, transaction
from core.ids import new_uuid, time_of
from core.jobs import defer, in_its_own_session, jobs
from core.scope import needs_system_scope

log = structlog.get_logger()

restored = blinker.Signal()
"""Sent with `now` after a restore, in a transaction in the system's scope, for what is past its time by then."""

FOLDER = "erasures"
_ENDING = ".json.age"
_TRIES = RetryStrategy(max_attempts=12, wait=30, exponential_wait=2)
"""Over two hours in all; the nightly backup takes up what was not copied even then."""

Again = Callable[[dict[str, Any], datetime], None]
"""Makes an erasure again from its facts, at a time. Harmless to repeat; called in the system's scope."""

_again: dict[str, Again] = {}


class ErasureRecord(msgspec.Struct, frozen=True):
    id: UUID
    kind: str
    facts: dict[str, Any]
    erased_at: datetime


def erases_again(kind: str) -> Callable[[Again], Again]:
    """Registers how an erasure of this kind is made again."""

    def register(again: Again) -> Again:
        _again[kind] = again
        return again

    return register


def note_erasure(kind: str, facts: dict[str, Any], *, now: datetime) -> None:
    """Kept if, and only if, the erasure is. Facts hold ids and pseudonymous hashes, nothing that names a person."""
    if kind not in _again:
        raise LookupError(f"Nobody has registered how an erasure of the kind {kind!r} is made again.")
    erasure = Erasure(id=new_uuid(at_ms=int(now.timestamp() * 1000)), kind=kind, facts=facts, erased_at=now)
    with acting_as_system():
        db.session.add(erasure)
        db.session.flush()
        defer(copy_erasure, erasure_id=str(erasure.id))


@jobs.task(retry=_TRIES)
@in_its_own_session
def copy_erasure(erasure_id: str) -> None:
    with acting_as_system(), transaction():
        # held while it is copied, so that the nightly round does not copy it beside us
        erasure = db.session.get(Erasure, UUID(erasure_id), with_for_update=True)
        if erasure is not None and erasure.copied_at is None:
            _copy(erasure, open_repository(current.settings()))


@needs_system_scope
def copy_waiting(repository: BackupRepository) -> None:
    """Those whose job gave up."""
    # waits for jobs that copy one of them just now
    for erasure in db.session.scalars(select(Erasure).where(Erasure.copied_at.is_(None)).with_for_update()).all():
        _copy(erasure, repository)


@needs_system_scope
def made_since(repository: BackupRepository) -> list[ErasureRecord]:
    """What the store knows of and this database does not; the oldest first."""
    known = set(db.session.scalars(select(Erasure.id)))
    lacking = [
        encryption.decrypt_bytes(repository.store.read(one.name), repository.keys, what=one.name)
        for one in repository.store.stored(FOLDER)
        if (erasure_id := _id_of(one.name)) is not None and erasure_id not in known
    ]
    return sorted((msgspec.json.decode(plain, type=ErasureRecord) for plain in lacking), key=lambda one: one.erased_at)


@needs_system_scope
def make_again(record: ErasureRecord, *, now: datetime) -> None:
    if record.kind not in _again:
        raise BackupTrouble(f"This version does not know erasures of the kind {record.kind}. Install the one that did.")
    _again[record.kind](record.facts, now)
    with acting_as_system():
        db.session.add(Erasure(**msgspec.structs.asdict(record), copied_at=now))
        audit.write(
            None, "erasure.made_again", by=SYSTEM, now=now, subject_id=str(record.id), after={"kind": record.kind}
        )
    log.info("erasure.made_again", erasure_id=str(record.id), kind=record.kind)


def forget_old(repository: BackupRepository, *, now: datetime) -> None:
    """Those that every kept backup has in it. In the store first: what it still has must be known here."""
    before = names.erasures_forgotten_before((one.name for one in repository.stored()), now=now)
    repository.store.delete(
        [
            one.name
            for one in repository.store.stored(FOLDER)
            if (erasure_id := _id_of(one.name)) is not None and time_of(erasure_id) < before
        ]
    )
    db.session.execute(delete(Erasure).where(Erasure.erased_at < before, Erasure.copied_at.is_not(None)))


def _copy(erasure: Erasure, repository: BackupRepository) -> None:
    record = ErasureRecord(erasure.id, erasure.kind, erasure.facts, erasure.erased_at)
    repository.store.put(
        f"{FOLDER}/{erasure.id}{_ENDING}", encryption.encrypt_bytes(msgspec.json.encode(record), repository.keys)
    )
    erasure.copied_at = utc_now()


def _id_of(path: str) -> UUID | None:
    try:
        return UUID(path.removeprefix(f"{FOLDER}/").removesuffix(_ENDING))
    except ValueError:
        return None
