"""Where backups are kept: a folder, or a bucket of any S3-compatible store.

The one file of the backups that imports obstore. An object appears whole or not at all, on both.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import msgspec
import obstore
from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError
from obstore.store import LocalStore, ObjectStore, S3Store

from backups.errors import BackupTrouble
from core.settings import Settings

if TYPE_CHECKING:
    from obstore.store import RetryConfig, S3Config

_PART_BYTES = 8 * 1024 * 1024
_MOST_PARTS = 9_000
"""S3 takes 10,000 parts."""
_RETRIES: "RetryConfig" = {"max_retries": 5, "retry_timeout": timedelta(minutes=2)}
"""For a dropped connection or a busy store; a longer outage is left to the job, which starts anew."""


class Stored(msgspec.Struct, frozen=True):
    name: str
    size_bytes: int
    stored_at: datetime


class NotInStore(BackupTrouble):
    def __init__(self, name: str) -> None:
        super().__init__(f"The store has no {name}. `flask backup list` shows what there is.")


class NoBucket(BackupTrouble):
    def __init__(self) -> None:
        super().__init__("The bucket in BACKUP_URL does not exist. Create it, or correct the setting.")


class Store:
    def __init__(self, objects: ObjectStore) -> None:
        self._objects = objects

    def put(self, name: str, content: Path | bytes) -> None:
        size_bytes = content.stat().st_size if isinstance(content, Path) else len(content)
        part_bytes = max(_PART_BYTES, size_bytes // _MOST_PARTS)
        with _plainly(NoBucket()):
            obstore.put(self._objects, name, content, chunk_size=part_bytes, max_concurrency=4)

    def read(self, name: str) -> bytes:
        with _plainly(NotInStore(name)):
            return bytes(obstore.get(self._objects, name).bytes())

    def fetch(self, name: str, to: Path) -> str:
        """Brings a long object to a file; its SHA-256 in hexadecimal digits."""
        digest = hashlib.sha256()
        with _plainly(NotInStore(name)), to.open("wb") as file:
            for piece in obstore.get(self._objects, name).stream(min_chunk_size=_PART_BYTES):
                digest.update(piece)
                file.write(piece)
        return digest.hexdigest()

    def stored(self, prefix: str | None = None) -> list[Stored]:
        """Everything under a folder, or at the top with what is below it."""
        with _plainly(NoBucket()):
            return [
                Stored(one["path"], one["size"], one["last_modified"])
                for page in obstore.list(self._objects, prefix)
                for one in page
            ]

    def delete(self, names: list[str]) -> None:
        """What is gone already is no trouble."""
        for name in names:
            try:
                with _plainly(NotInStore(name)):
                    obstore.delete(self._objects, name)
            except NotInStore:
                continue


@contextmanager
def _plainly(if_missing: BackupTrouble) -> Iterator[None]:
    """A store's own words can quote requests with their signatures; ours are shown instead."""
    try:
        yield
    except FileNotFoundError as error:
        raise if_missing from error
    except (PermissionDeniedError, UnauthenticatedError, PermissionError) as error:
        raise BackupTrouble(
            "The store rejected the credentials. Check BACKUP_S3_ACCESS_KEY_ID and BACKUP_S3_SECRET_ACCESS_KEY, "
            "or who owns the folder of BACKUP_URL."
        ) from error
    except (BaseError, OSError) as error:
        raise BackupTrouble(
            f"The store at BACKUP_URL failed ({type(error).__name__}). Check that it can be reached and has room."
        ) from error


def open_store(settings: Settings) -> Store:
    if settings.backup_url is None:
        return Store(_folder(settings.data_path / "backups"))
    address = urlsplit(settings.backup_url)
    if address.scheme == "file":
        return Store(_folder(Path(unquote(address.path))))
    return Store(_bucket(address.netloc, address.path.strip("/"), settings))


def _folder(path: Path) -> LocalStore:
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise BackupTrouble(f"The folder {path} cannot be created. Set BACKUP_URL to a folder that can.") from error
    return LocalStore(path)


def _bucket(bucket: str, prefix: str, settings: Settings) -> S3Store:
    """What is not set is asked of the environment, as where the machine has a role of its own."""
    config: S3Config = {"virtual_hosted_style_request": False}
    if settings.backup_s3_endpoint:
        config["endpoint"] = settings.backup_s3_endpoint
    if settings.backup_s3_region:
        config["region"] = settings.backup_s3_region
    if settings.backup_s3_access_key_id and settings.backup_s3_secret_access_key:
        config["access_key_id"] = settings.backup_s3_access_key_id
        config["secret_access_key"] = settings.backup_s3_secret_access_key
    return S3Store(
        bucket,
        prefix=prefix or None,
        config=config,
        client_options={"allow_http": config.get("endpoint", "").startswith("http://"), "timeout": "2 minutes"},
        retry_config=_RETRIES,
    )
