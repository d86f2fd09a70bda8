"""Which source runs: a hash over it, the same on every machine that holds the same release."""

import hashlib
from functools import lru_cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
LOCK = ROOT / "requirements.txt"
_FOLDERS = ("api", "backups", "billing", "core", "legal_docs", "local", "migrations", "portal")
_KINDS = frozenset({".py", ".html", ".txt", ".j2", ".js", ".css", ".lua"})


@lru_cache(maxsize=1)
def release() -> str:
    """Twelve hexadecimal digits."""
    found = hashlib.sha256()
    for path in _files():
        found.update(f"{path.relative_to(ROOT).as_posix()}\0".encode())
        found.update(hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest()[:12]


@lru_cache(maxsize=1)
def locked() -> str:
    """Of the pinned dependencies: SHA-256 of the lock file, in hexadecimal digits."""
    return hashlib.sha256(LOCK.read_bytes()).hexdigest()


def _files() -> list[Path]:
    folders = [path for name in _FOLDERS for path in (ROOT / name).rglob("*") if path.suffix in _KINDS]
    return sorted([ROOT / "wsgi.py", LOCK, *folders])
