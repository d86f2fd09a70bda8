"""What backups are called, and how long they and erasures are kept. Rules alone: no database, no store."""

import re
import secrets
from collections.abc import Collection, Iterable
from datetime import UTC, datetime, timedelta
from enum import StrEnum

import msgspec

KEPT_FOR = timedelta(days=14)
MARGIN = timedelta(days=1)
"""For clocks that differ and jobs that are late: an erasure is never forgotten before the last dump that lacks it."""
_NEARLY_A_NIGHT = timedelta(hours=23)
"""Less than the time between two runs by more than they are ever late."""
OVERDUE_AFTER = timedelta(hours=25)

_TIME = "%Y%m%dT%H%M%SZ"
_SHAPE = re.compile(r"(?P<time>\d{8}T\d{6}Z)-(?P<kind>[a-z-]+)-(?P<tag>[0-9a-f]{8})", re.ASCII)


class BackupKind(StrEnum):
    NIGHTLY = "nightly"
    BEFORE_MIGRATION = "before-migration"
    BEFORE_RELEASE = "before-release"
    BEFORE_RESTORE = "before-restore"
    BY_HAND = "by-hand"


class BackupName(msgspec.Struct, frozen=True, order=True):
    """The newest sorts last."""

    taken_at: datetime
    kind: BackupKind
    tag: str

    def __str__(self) -> str:
        return f"{self.taken_at.astimezone(UTC):{_TIME}}-{self.kind}-{self.tag}"


def new_name(kind: BackupKind, *, now: datetime) -> BackupName:
    return BackupName(now.replace(microsecond=0), kind, secrets.token_hex(4))


def parse(text: str) -> BackupName | None:
    """None if it is not the name of a backup."""
    found = _SHAPE.fullmatch(text)
    if found is None or found["kind"] not in set(BackupKind):
        return None
    try:
        taken_at = datetime.strptime(found["time"], _TIME).replace(tzinfo=UTC)
    except ValueError:
        return None
    return BackupName(taken_at, BackupKind(found["kind"]), found["tag"])


def expired(backups: Iterable[BackupName], *, verified: Collection[BackupName], now: datetime) -> list[BackupName]:
    """Those that would be past their time before the next night, so that none outlives its time by most of a day. Never
    the newest, and never the newest that a restore has proven."""
    every = sorted(backups)
    keep = {*every[-1:], *[name for name in every if name in verified][-1:]}
    return [name for name in every if name.taken_at < now - KEPT_FOR + _NEARLY_A_NIGHT and name not in keep]


def erasures_forgotten_before(backups: Iterable[BackupName], *, now: datetime) -> datetime:
    """Erasures older than this are in every backup that is kept."""
    return min([now - KEPT_FOR, *(name.taken_at for name in backups)]) - MARGIN
