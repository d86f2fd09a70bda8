"""An empty database to try a backup in, made and dropped on the same server or on one of its own."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import LiteralString

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from backups.errors import BackupTrouble
from backups.programs import connected

_MARK = "Made by AI Governance to try a backup in; dropped and made again."
_LONGEST_PREFIX = 40
_MARK_OF: LiteralString = "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s"
_LOCK: LiteralString = "SELECT pg_try_advisory_lock(hashtextextended('aig: a backup is tried', 0))"


@contextmanager
def empty_database(server_url: str) -> Iterator[str]:
    """Its address. What a killed process left is dropped first; a database of this name that is not ours is not."""
    name = f"{str(conninfo_to_dict(server_url).get('dbname') or 'aig')[:_LONGEST_PREFIX]}_restore_check"
    with connected(server_url) as connection:
        if connection.execute(_LOCK).fetchone() != (True,):
            raise BackupTrouble("Another backup is being verified. Try again when that is done.")
        _drop(connection, name)
        _create(connection, name)
        try:
            yield make_conninfo(server_url, dbname=name)
        finally:
            _drop(connection, name)


def _create(connection: psycopg.Connection, name: str) -> None:
    try:
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
    except psycopg.errors.InsufficientPrivilege as error:
        raise BackupTrouble(
            "A backup is verified in a separate database, which this login cannot create. Give it CREATEDB, or set "
            "BACKUP_VERIFY_URL to a server where it may."
        ) from error
    connection.execute(sql.SQL("COMMENT ON DATABASE {} IS {}").format(sql.Identifier(name), sql.Literal(_MARK)))


def _drop(connection: psycopg.Connection, name: str) -> None:
    found = connection.execute(_MARK_OF, [name]).fetchone()
    if found is None:
        return
    if found != (_MARK,):
        raise BackupTrouble(f"There is a database {name} that is not ours. Rename it, or set BACKUP_VERIFY_URL.")
    connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
