"""Sealing in the age format: X25519 and ChaCha20-Poly1305, in pieces, so that a long dump grows no memory.

The one file that imports pyrage. A file that was cut or changed does not open.
"""

import io
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO, cast

import msgspec
import pyrage
from pyrage.x25519 import Identity

from backups.errors import BackupTrouble
from core.settings import Settings

DEVELOPMENT_KEY = "backup.key"


class WrongKey(BackupTrouble):
    def __init__(self) -> None:
        super().__init__("It was encrypted with another key. Set BACKUP_KEY to the key used at that time.")


class Damaged(BackupTrouble):
    def __init__(self, what: str) -> None:
        super().__init__(f"{what} is damaged: it was cut short or changed. Use another backup.")


class Keys(msgspec.Struct, frozen=True):
    """What new files are sealed with, and everything that opens old ones."""

    current: Identity
    previous: tuple[Identity, ...] = ()

    @property
    def all(self) -> Sequence[Identity]:
        return (self.current, *self.previous)


def keys_of(settings: Settings) -> Keys:
    """From BACKUP_KEY and BACKUP_KEY_PREVIOUS; without them, outside production, from a file that is made here."""
    secret = settings.backup_key or _development_key(settings.data_path)
    previous = settings.backup_key_previous
    return Keys(
        _identity(secret, "BACKUP_KEY"), (_identity(previous, "BACKUP_KEY_PREVIOUS"),) if previous is not None else ()
    )


def encrypt(plain: IO[bytes], sealed: IO[bytes], keys: Keys) -> None:
    try:
        pyrage.encrypt_io(_buffered(plain), _buffered(sealed), [keys.current.to_public()])
    except pyrage.EncryptError as error:
        raise BackupTrouble("The dump could not be written. Check that DATA_DIR has room for it.") from error


def decrypt(sealed: IO[bytes], plain: IO[bytes], keys: Keys, *, what: str) -> None:
    """Raises WrongKey, Damaged, or OSError if nobody reads `plain` any more."""
    try:
        pyrage.decrypt_io(_buffered(sealed), _buffered(plain), keys.all)
    except pyrage.DecryptError as error:
        raise (WrongKey() if "No matching keys" in str(error) else Damaged(what)) from error
    except OSError as error:
        if error.errno is not None:  # such as a broken pipe; what does not decrypt has no number
            raise
        raise Damaged(what) from error


def encrypt_bytes(plain: bytes, keys: Keys) -> bytes:
    return pyrage.encrypt(plain, [keys.current.to_public()])


def decrypt_bytes(sealed: bytes, keys: Keys, *, what: str) -> bytes:
    plain = io.BytesIO()
    decrypt(io.BytesIO(sealed), plain, keys, what=what)
    return plain.getvalue()


def _buffered(file: IO[bytes]) -> io.BufferedIOBase:
    return cast("io.BufferedIOBase", file)


def _identity(secret: str, name: str) -> Identity:
    try:
        return Identity.from_str(secret.strip())
    except pyrage.IdentityError as error:
        raise BackupTrouble(f"{name} is not an age key. Create one with `flask backup key`.") from error


def new_key() -> str:
    return str(Identity.generate())


def _development_key(data_path: Path) -> str:
    """Made once and readable by its owner alone; of two processes that make it at once, the first one's counts."""
    path = data_path / DEVELOPMENT_KEY
    if not path.exists():
        data_path.mkdir(parents=True, exist_ok=True)
        handle, draft = tempfile.mkstemp(dir=data_path, prefix=".backup-key-")  # mode 0600
        with os.fdopen(handle, "w") as file:
            file.write(new_key())
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            Path(draft).unlink()
    return path.read_text()
