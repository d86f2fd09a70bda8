"""The backups in a store: each a sealed dump and, put there after it, the sealed manifest that makes it one."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from backups import encryption, names, stores
from backups.contents import TableContents
from backups.encryption import Damaged, Keys
from backups.errors import BackupTrouble
from backups.names import BackupName
from backups.stores import Store, Stored
from core.settings import Settings

DUMP = ".dump.age"
MANIFEST = ".json.age"
_UNFINISHED_FOR = timedelta(days=1)


class Manifest(msgspec.Struct, frozen=True):
    """What a backup holds, so that whoever restores it can tell whether all of it came back."""

    name: str
    server_major: int
    revision: str | None
    sealed_bytes: int
    sealed_sha256: str
    tables: tuple[TableContents, ...]


class Kept(msgspec.Struct, frozen=True, order=True):
    name: BackupName
    size_bytes: int


class NoBackup(BackupTrouble):
    def __init__(self) -> None:
        super().__init__("No backups yet. Create one with `flask backup create`.")


class BackupRepository:
    def __init__(self, store: Store, keys: Keys, work_path: Path) -> None:
        self.store = store
        self.keys = keys
        self._work_path = work_path

    @contextmanager
    def workspace(self) -> Iterator[Path]:
        """A folder for files that are sealed already; what a killed process left there goes after a day."""
        self._work_path.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self._work_path) as folder:
            yield Path(folder)

    def save(self, manifest: Manifest, sealed: Path) -> None:
        self.store.put(manifest.name + DUMP, sealed)
        self.store.put(manifest.name + MANIFEST, encryption.encrypt_bytes(msgspec.json.encode(manifest), self.keys))

    def stored(self) -> list[Kept]:
        """Whole backups; the newest last."""
        stored = {one.name: one for one in self._at_the_top()}
        return sorted(
            Kept(name, stored[f"{name}{DUMP}"].size_bytes)
            for name in map(names.parse, (one.removesuffix(MANIFEST) for one in stored if one.endswith(MANIFEST)))
            if name is not None and f"{name}{DUMP}" in stored
        )

    def find(self, text: str | None) -> BackupName:
        """The backup of this name, or the newest. Raises BackupTrouble."""
        kept = self.stored()
        if text is None:
            if not kept:
                raise NoBackup
            return kept[-1].name
        for one in kept:
            if str(one.name) == text:
                return one.name
        raise BackupTrouble(f"There is no backup called {text}. `flask backup list` shows what there is.")

    def manifest(self, name: BackupName) -> Manifest:
        """Raises WrongKey, Damaged, BackupTrouble."""
        file = f"{name}{MANIFEST}"
        plain = encryption.decrypt_bytes(self.store.read(file), self.keys, what=file)
        try:
            return msgspec.json.decode(plain, type=Manifest)
        except msgspec.ValidationError as error:
            raise Damaged(file) from error

    @contextmanager
    def fetched(self, manifest: Manifest) -> Iterator[Path]:
        """The sealed dump, as it was when it was stored: nothing of it is used before all of it was looked at."""
        file = manifest.name + DUMP
        with self.workspace() as folder:
            sealed = folder / "dump.age"
            if self.store.fetch(file, sealed) != manifest.sealed_sha256:
                raise Damaged(file)
            yield sealed

    def remove(self, backups: list[BackupName]) -> None:
        """The manifest first: what is half removed is no backup any more."""
        self.store.delete([f"{name}{part}" for name in backups for part in (MANIFEST, DUMP)])

    def tidy(self, *, now: datetime) -> None:
        """Removes what broken runs left: dumps without a manifest, and files in the workspace."""
        whole = {one.name for one in self.stored()}
        halves = {
            one.name
            for one in self._at_the_top()
            if one.stored_at < now - _UNFINISHED_FOR and _backup_of(one.name) not in {None, *whole}
        }
        self.store.delete(sorted(halves))
        for folder in self._work_path.glob("*"):
            if folder.stat().st_mtime < (now - _UNFINISHED_FOR).timestamp():
                shutil.rmtree(folder, ignore_errors=True)

    def _at_the_top(self) -> list[Stored]:
        return [one for one in self.store.stored() if "/" not in one.name]


def _backup_of(file: str) -> BackupName | None:
    return names.parse(file.removesuffix(DUMP).removesuffix(MANIFEST))


def open_repository(settings: Settings) -> BackupRepository:
    return BackupRepository(
        stores.open_store(settings), encryption.keys_of(settings), settings.data_path / "backup-work"
    )
