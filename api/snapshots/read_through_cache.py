"""Values kept in memory by name, and how long each may be used without asking the database."""

import math
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
Row = TypeVar("Row")
Value = TypeVar("Value")

_MOST_ATTEMPTS = 5
"""A change that comes while a row is read makes it be read again; so many in a row mean that we cannot keep up."""


class NotInMemory(Exception):
    """The database would have to be asked."""


class _Entry(msgspec.Struct, Generic[Value]):
    value: Value
    epoch: int | None
    read_at_s: float
    was_current_in: int | None = None
    usable_until_s: float = -math.inf
    """After a change was announced, within the same epoch: until the new state is made, but no longer."""


class _Read(msgspec.Struct, Generic[Row]):
    row: Row
    epoch: int | None
    changes: int


class ReadThroughCache(Generic[Name, Row, Value]):
    """Values by name, read from the database in groups when they are not in memory or not known to be current.

    `finish` makes a value of what was read. It may take long, so it holds up nobody who waits for another name.
    `patch` brings a value up to date as far as that goes without finishing.
    """

    def __init__(
        self,
        read: Callable[[Sequence[Name]], dict[Name, Row]],
        *,
        finish: Callable[[Row], Value],
        patch: Callable[[Value, Row], Value],
        epoch: Callable[[], int | None],
        is_lost: Callable[[], bool],
        may_serve_stale: Callable[[float], bool],
        from_disk: Callable[[Name], tuple[Value, float] | None] | None = None,
    ) -> None:
        self._read: Callable[[Sequence[Name]], dict[Name, Row]] = read
        self._finish: Callable[[Row], Value] = finish
        self._patch: Callable[[Value, Row], Value] = patch
        self._epoch = epoch
        self._is_lost = is_lost
        self._may_serve_stale = may_serve_stale
        self._from_disk: Callable[[Name], tuple[Value, float] | None] | None = from_disk
        self._entries: dict[Name, _Entry[Value]] = {}
        self._changes = 0
        self._lock = Lock()
        self._group: Group[Name, _Read[Row] | None] = Group(self._load)

    def get(self, name: Name) -> Value | None:
        """Raises ServiceUnavailable if the database is away and memory has nothing fit to use."""
        try:
            return self.get_at_once(name)
        except NotInMemory:
            return self._ask(name)

    def get_at_once(self, name: Name) -> Value:
        """Without waiting for anything. Raises NotInMemory."""
        entry, epoch = self._entries.get(name), self._epoch()
        if entry is None:
            raise NotInMemory
        if epoch is not None and entry.epoch == epoch:
            return entry.value
        if epoch is not None and entry.was_current_in == epoch and monotonic_s() < entry.usable_until_s:
            return entry.value  # the new state is being made
        if self._is_lost() and self._may_serve_stale(entry.read_at_s):
            return entry.value  # nobody waits for a database that is away
        raise NotInMemory

    def __contains__(self, name: Name) -> bool:
        return name in self._entries

    def _ask(self, name: Name) -> Value | None:
        entry = self._entries.get(name)
        try:
            read = self._group.submit(name)
        except psycopg.OperationalError as error:
            if entry is not None and name in self._entries and self._may_serve_stale(entry.read_at_s):
                return entry.value
            kept = self._stored(name) if entry is None else None
            if kept is not None:
                return kept
            raise ServiceUnavailable from error
        return self._store(name, read, entry) if read is not None else None

    def _store(self, name: Name, read: _Read[Row], before: _Entry[Value] | None) -> Value:
        """Finishes what was read, and keeps it unless it changed meanwhile; `before` is what was there then."""
        value = self._finish(read.row)
        with self._lock:
            is_unchanged = before is not None and self._entries.get(name) is before
            if is_unchanged or read.changes == self._changes:
                self._entries[name] = _Entry(value, read.epoch, monotonic_s())
        return value

    def refresh(self, names: Sequence[Name]) -> None:
        """Makes the new state of those that were doubted, while the old one may serve. Raises OperationalError."""
        before = {name: entry for name in names if (entry := self._entries.get(name)) is not None}
        changes, epoch = self._changes, self._epoch()
        found = self._read(list(before))
        for name, row in found.items():
            before[name].value = self._patch(before[name].value, row)
        for name, row in found.items():
            self._store(name, _Read(row, epoch, changes), before[name])

    def current(self) -> dict[Name, Value]:
        """What is in memory and known to be current."""
        epoch = self._epoch()
        with self._lock:
            return {
                name: one.value for name, one in self._entries.items() if one.epoch is not None and one.epoch == epoch
            }

    def _stored(self, name: Name) -> Value | None:
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

    def evict(self, name: Name) -> None:
        """What is in memory of it may not be used again, not even while the database is away."""
        with self._lock:
            self._changes += 1
            self._entries.pop(name, None)

    def mark_stale(self, name: Name, *, usable_until_s: float = -math.inf) -> bool:
        """What is in memory of it must be read again before use, unless the database is away; whether it is there.

        Whoever refreshes it at once may let it be used for a moment yet.
        """
        with self._lock:
            self._changes += 1
            entry = self._entries.get(name)
            if entry is None:
                return False
            if entry.epoch is not None:
                entry = msgspec.structs.replace(entry, was_current_in=entry.epoch, usable_until_s=usable_until_s)
            self._entries[name] = msgspec.structs.replace(entry, epoch=None)
            return True

    def _load(self, names: Sequence[Name]) -> list[_Read[Row] | None]:
        for _ in range(_MOST_ATTEMPTS):
            changes, epoch = self._changes, self._epoch()
            found = self._read(list(set(names)))
            if changes == self._changes:
                break  # otherwise a change was announced while we read: read again
        return [_Read(found[name], epoch, changes) if name in found else None for name in names]
