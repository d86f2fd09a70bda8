"""What a check needs to know, kept in memory: keys, organizations and their compiled policies.

The database announces every change (NOTIFY, by trigger), and a thread of each process listens. While the announcements
arrive, what is in memory is as good as the database. When they stop, each look-up asks the database; and while the
database is away altogether, checks go on from the last good snapshot, up to `SNAPSHOT_MAX_AGE_S`.

A look-up that was under way while a change was announced is repeated: it can never put an old state back.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from ipaddress import IPv4Network, IPv6Network, ip_network
from threading import Event, Lock, Thread
from typing import Any, Generic, TypeVar
from uuid import UUID

import msgspec
import psycopg
import structlog

from api.policies.evaluator import CompiledPolicy, compile_policy
from api.policies.services import read_document
from core.clock import monotonic_s
from core.errors import ServiceUnavailable
from core.grouping import Group
from core.observability import FEED_CONNECTED

log = structlog.get_logger()

Connect = Callable[[], psycopg.Connection[tuple[Any, ...]]]

CHANNEL = "aig_changes"
BEAT_S = 0.2
SILENCE_S = 0.8
"""After so long without a beat the announcements count as stopped. Below the second that a revocation may take."""
RETRY_AFTER_S = 0.5
_MOST_ATTEMPTS = 5


class KeySnapshot(msgspec.Struct, frozen=True):
    id: UUID
    organization_id: UUID
    lineage_id: UUID
    name: str
    environment: str
    scopes: frozenset[str]
    rate_limit: int | None
    networks: tuple[IPv4Network | IPv6Network, ...]
    expires_at: datetime | None
    revoked_at: datetime | None


class OrganizationSnapshot(msgspec.Struct, frozen=True):
    id: UUID
    slug: str
    name: str
    status: str
    check_limit: int | None
    subject_secret: bytes
    policy: CompiledPolicy | None


_SELECT_KEYS = """
    SELECT token_hash, id, organization_id, lineage_id, name, environment, scopes, rate_limit, allowed_networks,
           expires_at, revoked_at
    FROM api_key WHERE token_hash = ANY(%s)
"""
_SELECT_ORGANIZATIONS = """
    SELECT o.id, o.slug, o.name, o.status, o.check_limit, o.subject_secret, p.version, p.document
    FROM organization o
    LEFT JOIN LATERAL (
        SELECT version, document FROM policy_version WHERE organization_id = o.id ORDER BY version DESC LIMIT 1
    ) p ON true
    WHERE o.id = ANY(%s)
"""

Name = TypeVar("Name", bytes, UUID)
Value = TypeVar("Value")


class Feed:
    """Listens for changes. `epoch` names an unbroken stretch of listening, or is None while there is none."""

    def __init__(self, connect: Connect, *, on_change: Callable[[str, str], None]) -> None:
        self._connect = connect
        self._on_change = on_change
        self._epochs = 0
        self._is_listening = False
        self._last_beat_s = 0.0
        self._stopped = Event()
        self._thread: Thread | None = None

    @property
    def epoch(self) -> int | None:
        if self._is_listening and monotonic_s() - self._last_beat_s < SILENCE_S:
            return self._epochs
        return None

    @property
    def last_beat_s(self) -> float:
        return self._last_beat_s

    def start(self) -> None:
        self._thread = Thread(target=self._run, name="change-feed", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        if self._thread is not None:
            self._thread.join(timeout=2)

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                with self._connect() as connection:
                    self._listen(connection)
            except (psycopg.Error, OSError) as error:
                log.warning("feed.lost", error=type(error).__name__)
            finally:
                self._is_listening = False
                FEED_CONNECTED.set(0)
            if not self._stopped.is_set():
                self._stopped.wait(RETRY_AFTER_S)

    def _listen(self, connection: psycopg.Connection[tuple[Any, ...]]) -> None:
        connection.execute(f"LISTEN {CHANNEL}")
        self._epochs += 1
        self._last_beat_s = monotonic_s()
        self._is_listening = True
        FEED_CONNECTED.set(1)
        while not self._stopped.is_set():
            for note in connection.notifies(timeout=BEAT_S, stop_after=1):
                self._on_change(*note.payload.split(":", 1))
            beat_s = monotonic_s()
            connection.execute("SELECT 1")
            self._last_beat_s = beat_s


class _Entry(msgspec.Struct, Generic[Value]):
    value: Value
    epoch: int | None
    read_at_s: float


class _Shelf(Generic[Name, Value]):
    """Values by name, read from the database in groups when they are not in memory or not known to be current."""

    def __init__(
        self,
        read: Callable[[Sequence[Name]], dict[Name, Value]],
        *,
        epoch: Callable[[], int | None],
        may_serve_stale: Callable[[float], bool],
    ) -> None:
        self._read: Callable[[Sequence[Name]], dict[Name, Value]] = read
        self._epoch = epoch
        self._may_serve_stale = may_serve_stale
        self._entries: dict[Name, _Entry[Value]] = {}
        self._changes = 0
        self._lock = Lock()
        self._group: Group[Name, Value | None] = Group(self._load)

    def get(self, name: Name) -> Value | None:
        """Raises ServiceUnavailable if the database is away and memory has nothing fit to use."""
        entry = self._entries.get(name)
        if entry is not None and entry.epoch is not None and entry.epoch == self._epoch():
            return entry.value
        try:
            return self._group.submit(name)
        except psycopg.Error as error:
            if entry is not None and name in self._entries and self._may_serve_stale(entry.read_at_s):
                return entry.value
            raise ServiceUnavailable from error

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


class Snapshots:
    """The memory of one process. Used by many threads; reading what is current takes no lock."""

    def __init__(self, connect: Connect, *, max_age_s: float) -> None:
        self._connect = connect
        self._max_age_s = max_age_s
        self._connection: psycopg.Connection[tuple[Any, ...]] | None = None
        self._reading = Lock()
        self._away_until_s = 0.0
        self.feed = Feed(connect, on_change=self._on_change)
        self._keys: _Shelf[bytes, KeySnapshot] = _Shelf(
            self._read_keys, epoch=self._current_epoch, may_serve_stale=self._may_serve_stale
        )
        self._organizations: _Shelf[UUID, OrganizationSnapshot] = _Shelf(
            self._read_organizations, epoch=self._current_epoch, may_serve_stale=self._may_serve_stale
        )

    def key(self, token_hash: bytes) -> KeySnapshot | None:
        """The key with this hash, or None. Raises ServiceUnavailable."""
        return self._keys.get(token_hash)

    def organization(self, organization_id: UUID) -> OrganizationSnapshot:
        """Raises ServiceUnavailable."""
        organization = self._organizations.get(organization_id)
        if organization is None:
            raise ServiceUnavailable
        return organization

    def close(self) -> None:
        self.feed.stop()
        with self._reading:
            if self._connection is not None:
                self._connection.close()

    def _current_epoch(self) -> int | None:
        return self.feed.epoch

    def _may_serve_stale(self, read_at_s: float) -> bool:
        return monotonic_s() - max(read_at_s, self.feed.last_beat_s) <= self._max_age_s

    def _on_change(self, kind: str, name: str) -> None:
        if kind == "key":
            self._keys.forget(bytes.fromhex(name))
        else:
            self._organizations.doubt(UUID(name))

    def _read_keys(self, hashes: Sequence[bytes]) -> dict[bytes, KeySnapshot]:
        return {
            bytes(row[0]): KeySnapshot(
                id=row[1],
                organization_id=row[2],
                lineage_id=row[3],
                name=row[4],
                environment=row[5],
                scopes=frozenset(row[6]),
                rate_limit=row[7],
                networks=tuple(map(ip_network, row[8])),
                expires_at=row[9],
                revoked_at=row[10],
            )
            for row in self._rows(_SELECT_KEYS, hashes)
        }

    def _read_organizations(self, ids: Sequence[UUID]) -> dict[UUID, OrganizationSnapshot]:
        return {
            row[0]: OrganizationSnapshot(
                id=row[0],
                slug=row[1],
                name=row[2],
                status=row[3],
                check_limit=row[4],
                subject_secret=bytes(row[5]),
                policy=compile_policy(row[0], row[6], read_document(row[7])) if row[6] is not None else None,
            )
            for row in self._rows(_SELECT_ORGANIZATIONS, ids)
        }

    def _rows(self, query: str, names: Sequence[Any]) -> list[tuple[Any, ...]]:
        """Fails at once while the database is known to be away, so that no check waits for a connection."""
        with self._reading:
            if monotonic_s() < self._away_until_s:
                raise psycopg.OperationalError("the database was away a moment ago")
            try:
                if self._connection is None or self._connection.closed:
                    self._connection = self._connect()
                return self._connection.execute(query, [list(names)]).fetchall()
            except (psycopg.Error, OSError) as error:
                self._away_until_s = monotonic_s() + RETRY_AFTER_S
                if self._connection is not None:
                    self._connection.close()
                self._connection = None
                raise psycopg.OperationalError("the database is away") from error
