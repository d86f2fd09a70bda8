"""Taking a backup: one moment of the database, dumped and measured, sealed on its way to the disk, then stored."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import LiteralString

import msgspec
import psycopg

from backups import contents, encryption, turns
from backups.backup_repository import BackupRepository, Manifest
from backups.errors import BackupTrouble
from backups.names import BackupName
from backups.programs import connected, programs_for

_UNSEEN: LiteralString = """
    SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p') AND n.nspname !~ '^pg_' AND row_security_active(c.oid)
      AND (
        EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND NOT p.polpermissive)
        OR NOT EXISTS (
            SELECT FROM pg_policy p
            WHERE p.polrelid = c.oid AND p.polpermissive AND p.polcmd IN ('*', 'r')
              AND pg_get_expr(p.polqual, p.polrelid) = 'true'
              AND EXISTS (SELECT FROM unnest(p.polroles) role WHERE role = 0 OR pg_has_role(role, 'USAGE'))
        )
      )
"""
_ANY_ACTIVE: LiteralString = "SELECT bool_or(row_security_active(oid)) FROM pg_class WHERE relkind IN ('r', 'p')"


class Moment(msgspec.Struct, frozen=True):
    """What is read through it was so at one instant, for every connection that names the snapshot."""

    connection: psycopg.Connection
    snapshot: str


def take(repository: BackupRepository, name: BackupName, *, database_url: str, postgres_bin: str | None) -> Manifest:
    """A new backup in the store. Raises BackupTrouble, and then there is no new backup."""
    programs = programs_for(database_url, setting=postgres_bin)
    with repository.workspace() as folder, _moment(database_url) as moment:
        sealed = folder / "dump.age"
        options = ["--format=custom", "--lock-wait-timeout=120s", f"--snapshot={moment.snapshot}"]
        options += _row_security(moment.connection)
        with (
            sealed.open("wb") as file,
            programs.running("pg_dump", *options, database_url=database_url) as running,
        ):
            encryption.encrypt(running.output, file, repository.keys)
        manifest = Manifest(
            name=str(name),
            server_major=moment.connection.info.server_version // 10_000,
            revision=_revision(moment.connection),
            sealed_bytes=sealed.stat().st_size,
            sealed_sha256=_sha256(sealed),
            tables=contents.contents_of(moment.connection),
        )
        repository.save(manifest, sealed)
    return manifest


@contextmanager
def _moment(database_url: str) -> Iterator[Moment]:
    with connected(database_url) as connection:
        turns.take_turn(connection)
        connection.execute("SET idle_in_transaction_session_timeout = 0")
        with connection.transaction():
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            [(snapshot,)] = connection.execute("SELECT pg_export_snapshot()").fetchall()
            yield Moment(connection, snapshot)


def _row_security(connection: psycopg.Connection) -> list[str]:
    """A login that is no superuser is held to the policies; it may dump only what it sees all of."""
    unseen = connection.execute(_UNSEEN).fetchall()
    if unseen:
        raise BackupTrouble(
            f"The login of DATABASE_URL does not see every row of {unseen[0][0]}. "
            "Run `GRANT aig_system TO` that login, or give it BYPASSRLS."
        )
    is_active = connection.execute(_ANY_ACTIVE).fetchone() == (True,)
    return ["--enable-row-security"] if is_active else []


def _revision(connection: psycopg.Connection) -> str | None:
    """Of the schema; None before the first migration."""
    if connection.execute("SELECT to_regclass('public.alembic_version')").fetchone() == (None,):
        return None
    row = connection.execute("SELECT version_num FROM public.alembic_version").fetchone()
    return str(row[0]) if row else None


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
