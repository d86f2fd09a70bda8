"""A backup before each release and each migration: a failed one stops it, and an empty database needs none."""

from datetime import datetime

import flask_migrate
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import current_app

from backups import contents, making
from backups.backup_repository import Manifest
from backups.errors import BackupTrouble
from backups.names import BackupKind
from backups.place import here
from backups.programs import connected
from core.audit import SYSTEM
from core.db import db


class MigrationStopped(BackupTrouble):
    def __init__(self, cause: BackupTrouble) -> None:
        super().__init__(f"Nothing was migrated or released, since the backup before it failed. {cause}")


def upgrade(*, now: datetime) -> None:
    """What `flask db upgrade` does, after a backup. Raises MigrationStopped."""
    back_up_if_due(now=now)
    flask_migrate.upgrade()


def back_up_if_due(*, now: datetime) -> Manifest | None:
    """None if nothing would be migrated, or nothing is there to lose. Raises MigrationStopped."""
    return _back_up(BackupKind.BEFORE_MIGRATION, now=now) if _is_pending() and not _is_empty() else None


def back_up_for_release(*, now: datetime) -> Manifest | None:
    """Also where nothing is to be migrated, for new code can harm data too. None if nothing is there to lose.

    Raises MigrationStopped.
    """
    if _is_empty():
        return None
    # the schema of the release before may not know the other kind yet
    kind = BackupKind.BEFORE_MIGRATION if _is_pending() else BackupKind.BEFORE_RELEASE
    return _back_up(kind, now=now)


def _back_up(kind: BackupKind, *, now: datetime) -> Manifest:
    try:
        return making.back_up(here(), kind, by=SYSTEM, now=now)
    except BackupTrouble as error:
        raise MigrationStopped(error) from error


def _is_pending() -> bool:
    scripts = ScriptDirectory.from_config(current_app.extensions["migrate"].migrate.get_config())
    with db.engine.connect() as connection:
        return set(MigrationContext.configure(connection).get_current_heads()) != set(scripts.get_heads())


def _is_empty() -> bool:
    with connected(current_app.config["DATABASE_URL"]) as connection:
        return not contents.tables_of(connection)
