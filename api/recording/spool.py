"""The local spool: decisions as lines in files, until they are in the database.

Each process writes in a folder of its own and holds a lock on it as long as it lives. A folder without a living owner
is an orphan: whoever finds it replays its lines. A line that was cut short by a crash was never acknowledged, for
an answer leaves only after its whole line was written.
"""

import fcntl
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Lock
from uuid import uuid4

QUARANTINE = "quarantine"
_LOCK = "owner.lock"


class SpoolFull(OSError):
    """The spool holds as much as it may."""


class Spool:
    def __init__(self, root: Path, *, max_bytes: int) -> None:
        self._root = root
        self._max_bytes = max_bytes
        self._folder = root / uuid4().hex
        self._owner_file: int | None = None
        self._lock = Lock()
        self._file: int | None = None
        self._path: Path | None = None
        self._is_name_on_disk = False
        self._size_bytes = 0
        self._sealed_bytes = 0
        self._segments = 0

    @property
    def size_bytes(self) -> int:
        """What this process has spooled and not yet replayed."""
        return self._size_bytes + self._sealed_bytes

    def append(self, lines: Sequence[bytes], *, to_disk: bool) -> None:
        """All lines are with the operating system on return, and on the disk if `to_disk`.

        Raises OSError; then none of the lines count, and none is left half-written.
        """
        block = b"\n".join(lines) + b"\n"
        with self._lock:
            if self.size_bytes + len(block) > self._max_bytes:
                raise SpoolFull("the spool is full")
            file = self._open()
            try:
                written = os.write(file, block)
                if written < len(block):
                    raise OSError("the disk took only a part")  # noqa: TRY301  undone just below
                if to_disk:
                    self._sync(file)
            except OSError:
                self._undo(file)
                raise
            self._size_bytes += len(block)

    def sealed_segments(self) -> list[Path]:
        """Files that nobody writes to any more: this process's own, with the one in use closed first, and orphans."""
        with self._lock:  # held while they are listed, or a file that was just opened would be taken for a sealed one
            self._seal()
            own = sorted(self._folder.glob("*.ndjson")) if self._owner_file is not None else []
        return [*own, *self._orphaned_segments()]

    def remove(self, segment: Path) -> None:
        """Its lines are in the database."""
        size_bytes = segment.stat().st_size
        segment.unlink()
        if segment.parent == self._folder:
            with self._lock:
                self._sealed_bytes = max(0, self._sealed_bytes - size_bytes)

    def quarantine(self, line: bytes) -> None:
        """Keeps a line that the database refuses, for a person to look at."""
        folder = self._root / QUARANTINE
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        kept = os.open(folder / "lines.ndjson", os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
        with os.fdopen(kept, "ab") as file:
            os.fchmod(kept, 0o600)  # also one that was made before
            file.write(line + b"\n")
            file.flush()
            os.fsync(file.fileno())

    def is_writable(self) -> bool:
        """Whether the next line would find a place."""
        try:
            with self._lock:
                self._own_folder()
                free_bytes = shutil.disk_usage(self._folder).free
        except OSError:
            return False
        return free_bytes > 0 and self.size_bytes < self._max_bytes

    def close(self) -> None:
        with self._lock:
            self._seal()
            if self._owner_file is None:
                return
            if not any(self._folder.glob("*.ndjson")):
                shutil.rmtree(self._folder, ignore_errors=True)
            os.close(self._owner_file)
            self._owner_file = None

    def _open(self) -> int:
        if self._file is None:
            self._own_folder()
            self._segments += 1
            self._path = self._folder / f"{self._segments:09d}.ndjson"
            self._file = os.open(self._path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND, 0o600)
            self._is_name_on_disk = False
        return self._file

    def _sync(self, file: int) -> None:
        os.fdatasync(file)
        if not self._is_name_on_disk:
            _sync_folder(self._folder)
            self._is_name_on_disk = True

    def _own_folder(self) -> None:
        if self._owner_file is not None:
            return
        unlocked = self._root / f".{self._folder.name}"  # until it is locked, nobody may take it for an orphan
        unlocked.mkdir(parents=True, exist_ok=True)
        owner_file = os.open(unlocked / _LOCK, os.O_CREAT | os.O_RDWR, 0o600)
        fcntl.flock(owner_file, fcntl.LOCK_EX)
        unlocked.rename(self._folder)
        self._owner_file = owner_file
        _sync_folder(self._root)

    def _undo(self, file: int) -> None:
        """Takes back a block that was not written whole. Where even that fails, the file is given up."""
        try:
            os.ftruncate(file, self._size_bytes)
        except OSError:
            self._seal()

    def _seal(self) -> None:
        if self._file is None or self._path is None:
            return
        os.close(self._file)
        if self._size_bytes == 0:
            self._path.unlink(missing_ok=True)
        self._sealed_bytes += self._size_bytes
        self._file, self._path, self._size_bytes = None, None, 0

    def _orphaned_segments(self) -> Iterator[Path]:
        if not self._root.is_dir():
            return
        for folder in sorted(self._root.iterdir()):
            is_own = folder == self._folder or folder.name.startswith(".")
            if is_own or not (folder / _LOCK).exists():
                continue
            yield from _segments_of_the_dead(folder)


def waiting_segments(root: Path) -> list[Path]:
    """What all processes of this machine, the living and the dead, have yet to replay."""
    found: list[Path] = []
    for folder in root.iterdir() if root.is_dir() else ():
        if folder.name != QUARANTINE and not folder.name.startswith("."):
            with suppress(FileNotFoundError, NotADirectoryError):  # it was emptied and removed this moment
                found += sorted(path for path in folder.iterdir() if path.suffix == ".ndjson")
    return found


def read_lines(segment: Path) -> list[bytes]:
    """The whole lines of a segment; one that was cut short by a crash is left out."""
    whole, _, _cut_short = segment.read_bytes().rpartition(b"\n")
    return whole.split(b"\n") if whole else []


def _segments_of_the_dead(folder: Path) -> list[Path]:
    """The segments of a folder whose owner is dead; an empty one of these is removed."""
    try:
        owner_file = os.open(folder / _LOCK, os.O_RDWR)
    except OSError:
        return []
    try:
        fcntl.flock(owner_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return []  # its owner lives
    else:
        segments = sorted(folder.glob("*.ndjson"))
        if not segments:
            shutil.rmtree(folder, ignore_errors=True)
        return segments
    finally:
        os.close(owner_file)


def _sync_folder(folder: Path) -> None:
    """So that a new file's name, too, survives the loss of the machine."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
