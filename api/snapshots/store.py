"""Keys, organizations and their compiled policies, as one process knows them."""

import math
from collections.abc import Sequence
from threading import Lock
from typing import Any
from uuid import UUID

import msgspec
import psycopg

from api.snapshots.compiled import CompiledPolicies
from api.snapshots.disk import DiskSnapshots
from api.snapshots.feed import HOLDS_WITHIN_S, RETRY_AFTER_S, Connect, Feed
from api.snapshots.read_through_cache import ReadThroughCache
from api.snapshots.records import KeySnapshot, OrganizationRow, OrganizationSnapshot
from api.snapshots.refresher import Refresher
from core.clock import monotonic_s
from core.errors import ServiceUnavailable
from core.network import plain_network

_SELECT_KEYS = """
    SELECT token_hash, id, organization_id, lineage_id, name, environment, scopes, rate_limit, allowed_networks,
           expires_at, revoked_at
    FROM api_key WHERE token_hash = ANY(%s)
"""
_SELECT_ORGANIZATIONS = """
    SELECT o.id, o.slug, o.name, o.status, o.check_limit, o.subject_secret, o.legal_due_at, o.rests_from, o.rests_until,
           o.rests_because, p.version, p.document, t.version, t.document
    FROM organization o
    LEFT JOIN LATERAL (
        SELECT version, document - 'tests' AS document FROM policy_version
        WHERE organization_id = o.id AND NOT is_test_only ORDER BY version DESC LIMIT 1
    ) p ON true
    LEFT JOIN LATERAL (
        SELECT version, document - 'tests' AS document, is_test_only FROM policy_version
        WHERE organization_id = o.id ORDER BY version DESC LIMIT 1
    ) t ON t.is_test_only
    WHERE o.id = ANY(%s)
"""


_Keys = ReadThroughCache[bytes, KeySnapshot, KeySnapshot]
_Organizations = ReadThroughCache[UUID, OrganizationRow, OrganizationSnapshot]


class InMemory:
    """What is in memory and current, for whoever may not wait."""

    def __init__(self, keys: _Keys, organizations: _Organizations) -> None:
        self._keys = keys
        self._organizations = organizations

    def knows(self, token_hash: bytes) -> bool:
        return token_hash in self._keys

    def key(self, token_hash: bytes) -> KeySnapshot:
        """Raises NotInMemory."""
        return self._keys.get_at_once(token_hash)

    def organization(self, organization_id: UUID) -> OrganizationSnapshot:
        """Raises NotInMemory."""
        return self._organizations.get_at_once(organization_id)


class Snapshots:
    """The memory of one process. Used by many threads; reading what is current takes no lock."""

    def __init__(
        self,
        connect: Connect,
        *,
        max_age_s: float,
        connect_feed: Connect | None = None,
        disk: DiskSnapshots | None = None,
    ) -> None:
        self._connect = connect
        self._max_age_s = max_age_s
        self._connection: psycopg.Connection[tuple[Any, ...]] | None = None
        self._reading = Lock()
        self._away_until_s = 0.0
        self._away_in: int | None = None
        self.feed = Feed(connect_feed or connect, on_change=self._on_change)
        self._disk = disk
        self._written_in: int | None = None
        self._changed: set[str] = set()
        self._policies, self._test_policies = CompiledPolicies(), CompiledPolicies()
        self._keys: _Keys = ReadThroughCache(
            self._read_keys,
            finish=lambda key: key,
            patch=lambda _before, key: key,
            epoch=self._epoch,
            is_lost=self._is_lost,
            may_serve_stale=self._may_serve_stale,
            from_disk=disk.key if disk else None,
        )
        self._organizations: _Organizations = ReadThroughCache(
            self._read_organizations,
            finish=self._with_policy,
            patch=_with_policy_of,
            epoch=self._epoch,
            is_lost=self._is_lost,
            may_serve_stale=self._may_serve_stale,
            from_disk=disk.organization if disk else None,
        )
        self._refresher = Refresher(self._organizations.refresh)
        self.in_memory = InMemory(self._keys, self._organizations)

    def start(self) -> None:
        self._refresher.start()
        self.feed.start()

    def knows(self, token_hash: bytes) -> bool:
        return token_hash in self._keys

    def key(self, token_hash: bytes) -> KeySnapshot | None:
        """The key with this hash, or None. Raises ServiceUnavailable."""
        return self._keys.get(token_hash)

    def organization(self, organization_id: UUID) -> OrganizationSnapshot:
        """Raises ServiceUnavailable."""
        organization = self._organizations.get(organization_id)
        if organization is None:
            raise ServiceUnavailable
        return organization

    def write_to_disk(self) -> None:
        """Keeps what is known to be current for a process that starts while the database is away. Raises OSError."""
        epoch = self._epoch()
        if self._disk is None or epoch is None:
            return
        changed, self._changed = self._changed, set()
        self._disk.write(
            self._keys.current(),
            self._organizations.current(),
            keeping_others=epoch == self._written_in,
            changed=frozenset(changed),
        )
        self._written_in = epoch

    def close(self) -> None:
        self.feed.stop()
        self._refresher.stop()
        with self._reading:
            if self._connection is not None:
                self._connection.close()

    def _epoch(self) -> int | None:
        return self.feed.epoch

    def _is_lost(self) -> bool:
        return self.feed.is_lost

    def _may_serve_stale(self, read_at_s: float) -> bool:
        return monotonic_s() - max(read_at_s, self.feed.last_beat_s) <= self._max_age_s

    def _on_change(self, kind: str, name: str) -> None:
        self._changed.add(name)
        if kind == "key":
            self._keys.evict(bytes.fromhex(name))
            return
        until_s = self.feed.last_beat_s + HOLDS_WITHIN_S if self._refresher.is_running else -math.inf
        if self._organizations.mark_stale(UUID(name), usable_until_s=until_s):
            self._refresher.ask_for(UUID(name))

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
                networks=tuple(map(plain_network, row[8])),
                expires_at=row[9],
                revoked_at=row[10],
            )
            for row in self._rows(_SELECT_KEYS, hashes)
        }

    def _read_organizations(self, ids: Sequence[UUID]) -> dict[UUID, OrganizationRow]:
        return {row[0]: _organization_row(row) for row in self._rows(_SELECT_ORGANIZATIONS, ids)}

    def _with_policy(self, row: OrganizationRow) -> OrganizationSnapshot:
        organization = row.organization
        policy = self._policies.get(organization.id, *row.policy) if row.policy is not None else None
        if row.test_policy is None:
            return msgspec.structs.replace(organization, policy=policy)
        test_policy = self._test_policies.get(organization.id, *row.test_policy)
        return msgspec.structs.replace(organization, policy=policy, test_policy=test_policy, has_test_policy=True)

    def _rows(self, query: str, names: Sequence[Any]) -> list[tuple[Any, ...]]:
        """Fails at once while the database is known to be away, so that no check waits for a connection.

        It is no longer known once the feed hears from it again.
        """
        with self._reading:
            epoch = self._epoch()
            if monotonic_s() < self._away_until_s and epoch == self._away_in:
                raise psycopg.OperationalError("the database was away a moment ago")
            try:
                return self._asked(query, names)
            except (psycopg.OperationalError, psycopg.InterfaceError, OSError) as error:
                self._away_until_s, self._away_in = monotonic_s() + RETRY_AFTER_S, epoch
                if self._connection is not None:
                    self._connection.close()
                self._connection = None
                raise psycopg.OperationalError("the database is away") from error

    def _asked(self, query: str, names: Sequence[Any]) -> list[tuple[Any, ...]]:
        """On a new connection if the last one broke since, as all do at a failover."""
        if self._connection is not None:
            try:
                return self._connection.execute(query, [list(names)]).fetchall()
            except (psycopg.OperationalError, psycopg.InterfaceError):
                if not self._connection.closed:
                    raise
        self._connection = self._connect()
        return self._connection.execute(query, [list(names)]).fetchall()


def _organization_row(row: tuple[Any, ...]) -> OrganizationRow:
    organization = OrganizationSnapshot(
        id=row[0],
        slug=row[1],
        name=row[2],
        status=row[3],
        check_limit=row[4],
        subject_secret=bytes(row[5]),
        legal_due_at=row[6],
        blocked_from=row[7],
        blocked_until=row[8],
        blocked_because=row[9],
        policy=None,
    )
    policy, test_policy = ((row[at], row[at + 1]) if row[at] is not None else None for at in (10, 12))
    return OrganizationRow(organization, policy, test_policy)


def _with_policy_of(before: OrganizationSnapshot, row: OrganizationRow) -> OrganizationSnapshot:
    """As it stands now, with the policies that it had; one that has none any more has none at once."""
    return msgspec.structs.replace(
        row.organization,
        policy=before.policy if row.policy is not None else None,
        test_policy=before.test_policy,
        has_test_policy=before.has_test_policy,
    )
