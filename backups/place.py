"""What backups are made of, and where they go: of the app that is running."""

import msgspec
from flask import current_app

from backups.backup_repository import BackupRepository, open_repository
from core import current
from core.settings import Settings


class Place(msgspec.Struct, frozen=True):
    database_url: str
    repository: BackupRepository
    settings: Settings

    @property
    def postgres_bin(self) -> str | None:
        return self.settings.postgres_bin

    @property
    def verify_url(self) -> str:
        return self.settings.backup_verify_url or self.database_url


def here() -> Place:
    """Raises BackupTrouble if the settings cannot be used."""
    settings = current.settings()
    return Place(current_app.config["DATABASE_URL"], open_repository(settings), settings)
