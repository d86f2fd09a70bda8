"""Values kept in memory by name, and how long each may be used without asking the database."""

from collections.abc import Callable, Sequence
from threading import Lock
from typing import Generic, TypeVar
from uuid import UUID

import msgspec
import psycopg

from core.clock import monotonic_s
from core.errors import ServiceUnavailable
from core.grouping import Group

Name = TypeVar("Name", bytes, UUID)
Value = TypeVar("Value")

_MOST_ATTEMPTS = 5


class NotInMemory(Exception):
    """The database would have to be asked."""


class _Entry(msgspec.Struct, Generic[Value]):
    value: Value
    epoch: int | None
    read_at_s: float


class Shelf(Generic[Name, Value]):
    """Values by name, read from the database in groups when they are not in memory or not known to be current."""

    def __init__(
        self,
        read: Callable[[Sequence[Name]], dict[Name, Value]],
        *,
        epoch: Callable[[], int | None],
        is_lost: Callable[[], bool],
        may_serve_stale: Callable[[float], bool],
        from_disk: Callable[[Name], tuple[Value, float] | None] | None = None,
    ) -> None:
        self._read: Callable[[Sequence[Name]], dict[Name, Value]] = read
        self._epoch = epoch
        self._is_lost = is_lost
        self._may_serve_stale = may_serve_stale
        self._from_disk: Callable[[Name], tuple[Value, float] | None] | None = from_disk
        self._entries: dict[Name, _Entry[Value]] = {}
        self._changes = 0
        self._lock = Lock()
        self._group: Group[Name, Value | None] = Group(self._load)

    def get(self, name: Name) -> Value | None:
        """Raises ServiceUnavailable if the database is away and memory has nothing fit to use."""
        try:
            return self.get_at_once(name)
        except NotInMemory:
            return self._ask(name)

    def get_at_once(self, name: Name) -> Value:
        """Without waiting for anything. Raises NotInMemory."""
        entry = self._entries.get(name)
        if entry is not None and entry.epoch is not None and entry.epoch == self._epoch():
            return entry.value
        if entry is not None and self._is_lost() and self._may_serve_stale(entry.read_at_s):
            return entry.value  # nobody waits for a database that is away
        raise NotInMemory

    def _ask(self, name: Name) -> Value | None:
        entry = self._entries.get(name)
        try:
            return self._group.submit(name)
        except psycopg.OperationalError as error:
            if entry is not None and name in self._entries and self._may_serve_stale(entry.read_at_s):
                return entry.value
            kept = self._kept(name) if entry is None else None
            if kept is not None:
                return kept
            raise ServiceUnavailable from error

    def current(self) -> dict[Name, Value]:
        """What is in memory and known to be current."""
        epoch = self._epoch()
        with self._lock:
            return {
                name: one.value for name, one in self._entries.items() if one.epoch is not None and one.epoch == epoch
            }

    def _kept(self, name: Name) -> Value | None:
        """What this machine knew before the process began, if it is still fit to use."""
        found = self._from_disk(name) if self._from_disk is not None else None
        if found is None:
            return None
        value, age_s = found
        read_at_s = monotonic_s() - age_s
        if not self._may_serve_stale(read_at_s):
            return None
        with self._lock:
            self._entries.setdefault(name, _Entry(value, None, read_at_s))
        return value

    def forget(self, name: Name) -> None:
        """What is in memory of it may not be used again, not even while the database is away."""
        with self._lock:
            self._changes += 1
            self._entries.pop(name, None)

    def doubt(self, name: Name) -> None:
        """What is in memory of it must be read again before use, unless the database is away."""
        with self._lock:
            self._changes += 1
            entry = self._entries.get(name)
            if entry is not None:
                entry.epoch = None

    def _load(self, names: Sequence[Name]) -> list[Value | None]:
        for _ in range(_MOST_ATTEMPTS):
            changes, epoch = self._changes, self._epoch()
            found = self._read(list(set(names)))
            with self._lock:
                if changes != self._changes:
                    continue  # a change was announced while we read: read again
                for name, value in found.items():
                    self._entries[name] = _Entry(value, epoch, monotonic_s())
                break
        return [found.get(name) for name in names]
