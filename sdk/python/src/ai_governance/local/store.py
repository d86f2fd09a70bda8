"""The last good bundle on disk, so that a program decides from its start, and never by an older one than before."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from pathlib import Path


class BundleStore:
    def __init__(self, folder: Path) -> None:
        self._bundle = folder / "bundle"
        self._revision = folder / "bundle-revision.json"

    def read(self) -> tuple[bytes, str] | None:
        """The exact bytes and their signature."""
        try:
            signature, _, body = self._bundle.read_bytes().partition(b"\n")
        except OSError:
            return None
        return body, signature.decode("latin-1")

    def newest_revision(self) -> int:
        """The highest that was ever kept here."""
        try:
            return int(json.loads(self._revision.read_text(encoding="utf-8"))["revision"])
        except (OSError, ValueError, KeyError, TypeError):
            return 0

    def write(self, body: bytes, signature: str, revision: int) -> None:
        """Each file whole, or as it was. Raises OSError."""
        _replace(self._revision, json.dumps({"revision": revision}).encode())
        _replace(self._bundle, signature.encode("latin-1") + b"\n" + body)

    def remove(self) -> None:
        """What was ever the newest stays known."""
        with contextlib.suppress(OSError):
            self._bundle.unlink(missing_ok=True)


def _replace(path: Path, content: bytes) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, unfinished = tempfile.mkstemp(dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(unfinished).replace(path)
    except BaseException:
        Path(unfinished).unlink(missing_ok=True)
        raise
