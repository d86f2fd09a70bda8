"""Decisions that were made without the service, a file each, until the service has them.

Any number of processes may share a folder: a file appears whole, and reconciling it twice is harmless.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

MOST_ENTRIES = 10_000
_SUFFIX = ".json"


class SpoolFull(OSError):
    """The folder holds as many decisions as it may."""


class Spool:
    def __init__(self, folder: Path, *, most: int = MOST_ENTRIES) -> None:
        self.folder = folder
        self._most = most

    def add(self, entry: dict[str, Any]) -> None:
        """On disk on return. Raises OSError."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if sum(1 for _ in self._paths()) >= self._most:
            raise SpoolFull(f"{self.folder} holds {self._most} decisions")
        handle, unfinished = tempfile.mkstemp(dir=self.folder)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(entry, file)
                file.flush()
                os.fsync(file.fileno())
            Path(unfinished).replace(self.folder / f"{entry['id']}{_SUFFIX}")
        except BaseException:
            Path(unfinished).unlink(missing_ok=True)
            raise

    def oldest(self, most: int) -> list[dict[str, Any]]:
        """Ids begin with their time."""
        entries = []
        for path in sorted(self._paths())[:most]:
            with contextlib.suppress(FileNotFoundError):  # another process was quicker
                try:
                    entries.append(json.loads(path.read_text(encoding="utf-8")))
                except ValueError:  # nobody can read it, and no other has to wait behind it
                    self.set_aside(path.stem)
        return entries

    def remove(self, entry_id: str) -> None:
        (self.folder / f"{entry_id}{_SUFFIX}").unlink(missing_ok=True)

    def set_aside(self, entry_id: str) -> None:
        """Keeps one that the service refuses, or that can't be read, for a person to look at."""
        refused = self.folder / "refused"
        refused.mkdir(mode=0o700, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            (self.folder / f"{entry_id}{_SUFFIX}").replace(refused / f"{entry_id}{_SUFFIX}")

    def is_empty(self) -> bool:
        return next(self._paths(), None) is None

    def _paths(self) -> Iterator[Path]:
        with contextlib.suppress(FileNotFoundError), os.scandir(self.folder) as found:
            for one in found:
                if one.name.endswith(_SUFFIX):
                    yield Path(one.path)


def default_folder(fingerprint: str) -> Path:
    """Of one API key: beside other state of this user."""
    state = os.environ.get("XDG_STATE_HOME") or os.environ.get("LOCALAPPDATA") or Path.home() / ".local" / "state"
    return Path(state) / "ai-governance" / "decisions" / fingerprint
