"""A restore in earnest: into the database of the service, with everything that must follow before it serves again."""

from datetime import datetime
from time import sleep
from typing import LiteralString

import flask_migrate
import msgspec
import psycopg
from flask import current_app
from psycopg import sql
from sqlalchemy import text

from backups import contents, erasures, making, restoring, runs
from backups.errors import BackupTrouble
from backups.names import BackupKind, BackupName
from backups.place import Place
from backups.programs import connected
from core import jobs, logins
from core.audit import Actor
from core.clock import monotonic_s
from core.db import acting_as_system, db, transaction

LEAVING_S = 5.0
"""A server counts a connection for a moment longer than it was open: that of a process stopped just now, or our own."""

_OTHERS: LiteralString = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND usename = current_user AND backend_type = 'client backend'
      AND pid <> pg_backend_pid()
"""


class Restored(msgspec.Struct, frozen=True):
    name: BackupName
    rows: int
    erasures: int
    seconds: float
    replaced: str | None
    """The backup of what was there before."""


class NotEmpty(BackupTrouble):
    def __init__(self, tables: int) -> None:
        super().__init__(
            f"The database is not empty: it has {tables} tables. Add --replace to put the backup in their "
            "place; what is there now is backed up first."
        )


class InUse(BackupTrouble):
    def __init__(self, others: int) -> None:
        super().__init__(
            f"The database is in use by {others} other connections. Stop web and worker first; checks are answered "
            "again when they are back."
        )


def restore(place: Place, name: BackupName, *, replace: bool, by: Actor, now: datetime) -> Restored:
    """Raises BackupTrouble. Wrong keys and damaged files are found before anything is changed."""
    started_s = monotonic_s()
    manifest = place.repository.manifest(name)
    replaced = None
    with place.repository.fetched(manifest) as sealed:
        if _refuse_unless_free(place, replace=replace):
            _save_erasures(place)
            replaced = making.back_up(place, BackupKind.BEFORE_RESTORE, by=by, now=now).name
            _empty(place)
        restoring.load(place.repository, manifest, sealed, into=place.database_url, postgres_bin=place.postgres_bin)
    made_again = _bring_up_to_now(place, now=now)
    seconds = monotonic_s() - started_s
    with acting_as_system(), transaction():
        jobs.take_up_again()
        runs.settle_restored(name, size_bytes=manifest.sealed_bytes, now=now)
        runs.note_restore(name, seconds=seconds, by=by, now=now)
    rows = sum(table.rows for table in manifest.tables)
    return Restored(name, rows=rows, erasures=made_again, seconds=seconds, replaced=replaced)


def _refuse_unless_free(place: Place, *, replace: bool) -> bool:
    """Whether something must be replaced. Raises NotEmpty, InUse."""
    db.session.remove()
    db.engine.dispose()
    with connected(place.database_url) as connection:
        tables = len(contents.tables_of(connection))
        if tables and not replace:
            raise NotEmpty(tables)
        if others := _others_who_stay(connection):
            raise InUse(others)
    return tables > 0


def _others_who_stay(connection: psycopg.Connection) -> int:
    until_s = monotonic_s() + LEAVING_S
    while True:
        [(others,)] = connection.execute(_OTHERS).fetchall()
        if not others or monotonic_s() > until_s:
            return int(others)
        sleep(0.05)


def _save_erasures(place: Place) -> None:
    """What this database alone knows was erased would come back with an older one. A failure stops the restore."""
    with acting_as_system(), transaction():
        if db.session.scalar(text("SELECT to_regclass('erasure')")) is not None:
            erasures.copy_waiting(place.repository)


def _empty(place: Place) -> None:
    """As a new database is. Everything or nothing."""
    with connected(place.database_url) as connection, connection.transaction():
        for schema in {schema for schema, _ in contents.tables_of(connection)} | {"public"}:
            connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(schema)))
        connection.execute("CREATE SCHEMA public AUTHORIZATION pg_database_owner")
        connection.execute("GRANT USAGE ON SCHEMA public TO PUBLIC")


def _bring_up_to_now(place: Place, *, now: datetime) -> int:
    """Migrations that came since, erasures that were made since, and what is past its time by now."""
    flask_migrate.upgrade()
    _make_logins()
    made_again = catch_up(place, now=now)
    with acting_as_system(), transaction():
        erasures.restored.send(now=now)
    return made_again


def _make_logins() -> None:
    """They belong to the server, and a dump has none."""
    try:
        logins.ensure_logins(current_app)
    except logins.LoginTrouble as error:
        raise BackupTrouble(f"The data is restored; the web server's login is not. {error}") from error


def catch_up(place: Place, *, now: datetime) -> int:
    """Makes the erasures again that the database has not seen. Harmless to repeat, and the worker does."""
    with acting_as_system():
        lacking = erasures.made_since(place.repository)
        db.session.rollback()
    for record in lacking:
        with acting_as_system(), transaction():
            erasures.make_again(record, now=now)
    return len(lacking)
