"""Local decisions on their way to the service: lines of a file, handed over and then deleted.

A line is with the operating system before its decision is told, so it outlives the program; a machine that loses power
may lose the last seconds. Each process writes files of its own and holds a lock on the one it writes; what another left
behind is handed over with the rest. Handing a line over twice is harmless.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ai_governance.ids import new_id
from ai_governance.spool import SpoolFull

MOST_BYTES = 64 * 1024 * 1024
MOST_AT_ONCE = 100
_SUFFIX = ".ndjson"

HandOver = Callable[[list[dict[str, Any]]], list[dict[str, Any]]]
"""Sends up to a hundred, and gives back those that the service refuses."""


class Journal:
    def __init__(self, folder: Path, *, most_bytes: int = MOST_BYTES) -> None:
        self._folder = folder
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._handing_over = threading.Lock()
        self._file = -1
        self._path = Path()
        self._waiting_bytes = 0

    def add(self, lines: bytes) -> None:
        """Whole lines. Raises OSError; then their decisions must not count."""
        with self._lock:
            if self._waiting_bytes + len(lines) > self._most_bytes:
                raise SpoolFull(f"{self._folder} holds {self._waiting_bytes} bytes")
            if self._file < 0:
                self._open()
            written = os.write(self._file, lines)
            if written != len(lines):
                self._finish()  # so that nothing is written behind half a line
                raise OSError("a line was not written whole")
            self._waiting_bytes += len(lines)

    def hand_over(self, send: HandOver) -> None:
        """Everything that is complete. Raises what `send` raises; then the rest stays."""
        with self._handing_over:
            self._complete()
            for path, file in self._left():
                try:
                    self._hand_over_one(path, send)
                finally:
                    os.close(file)
            self._waiting_bytes = sum(path.stat().st_size for path in self._paths() if path.exists())

    def forget(self) -> None:
        """In a child process: the file is its parent's."""
        self._lock, self._handing_over = threading.Lock(), threading.Lock()
        self._file = -1

    def _open(self) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path = self._folder / f"{new_id()}{_SUFFIX}"
        self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _complete(self) -> None:
        with self._lock:
            self._finish()

    def _finish(self) -> None:
        file, self._file = self._file, -1
        if file >= 0:
            os.close(file)

    def _left(self) -> Iterator[tuple[Path, int]]:
        """Files that nobody writes, each with a lock on it."""
        for path in self._paths():
            with contextlib.suppress(OSError):
                file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except OSError:
                    os.close(file)
                    continue
                yield path, file

    def _hand_over_one(self, path: Path, send: HandOver) -> None:
        try:
            lines = path.read_bytes().split(b"\n")
        except FileNotFoundError:  # another process was quicker
            return
        for start in range(0, len(lines), MOST_AT_ONCE):
            entries = list(_readable(lines[start : start + MOST_AT_ONCE]))
            refused = send(entries) if entries else []
            if refused:
                with (self._folder / "refused.txt").open("a", encoding="utf-8") as file:
                    file.writelines(f"{json.dumps(entry)}\n" for entry in refused)
        path.unlink(missing_ok=True)

    def _paths(self) -> list[Path]:
        return sorted(self._folder.glob(f"*{_SUFFIX}"))


def _readable(lines: list[bytes]) -> Iterator[dict[str, Any]]:
    """The last line of a program that was killed may be cut off: its decision was never told."""
    for line in lines:
        with contextlib.suppress(ValueError):
            yield json.loads(line)
