"""Bringing a backup into an empty database, and comparing what came back with what was there."""

from pathlib import Path
from typing import LiteralString

import psycopg
from psycopg import sql

from backups import contents, encryption
from backups.backup_repository import BackupRepository, Manifest
from backups.errors import BackupTrouble
from backups.programs import connected, programs_for
from core.db import DatabaseRole

_MOST_DIFFERENCES = 3

_ROLE: LiteralString = """
    DO $$
    BEGIN
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = {literal}) THEN
            CREATE ROLE {role} NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE;
        END IF;
        IF NOT pg_has_role({literal}, 'USAGE') THEN
            GRANT {role} TO CURRENT_USER;
        END IF;
    END
    $$
"""
"""A dump names the roles that the software acts as; they belong to the server, and a new server lacks them."""


class NotTheSame(BackupTrouble):
    def __init__(self, lines: list[str]) -> None:
        more = f"; and {len(lines) - _MOST_DIFFERENCES} more" if len(lines) > _MOST_DIFFERENCES else ""
        super().__init__(f"The restored data differs from the original: {'; '.join(lines[:_MOST_DIFFERENCES])}{more}.")


def load(
    repository: BackupRepository, manifest: Manifest, sealed: Path, *, into: str, postgres_bin: str | None
) -> None:
    """All of a fetched dump, or nothing, into an empty database. Raises NotTheSame if something else came out."""
    programs = programs_for(into, setting=postgres_bin)
    with connected(into) as connection:
        _ensure_roles(connection)
    options = ["--no-owner", "--single-transaction", "--exit-on-error"]
    with sealed.open("rb") as file, programs.running("pg_restore", *options, database_url=into) as running:
        encryption.decrypt(file, running.input, repository.keys, what=manifest.name)
    with connected(into) as connection:
        lines = contents.differences(manifest.tables, contents.contents_of(connection))
    if lines:
        raise NotTheSame(lines)


def _ensure_roles(connection: psycopg.Connection) -> None:
    try:
        for role in DatabaseRole:
            connection.execute(sql.SQL(_ROLE).format(literal=sql.Literal(role.value), role=sql.Identifier(role.value)))
    except psycopg.errors.InsufficientPrivilege as error:
        raise BackupTrouble(
            "The server lacks the roles that the software acts as, and this login may not make them. "
            "Give it CREATEROLE."
        ) from error
