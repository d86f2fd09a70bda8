"""Keys, organizations and their compiled policies, as one process knows them."""

from collections.abc import Sequence
from datetime import datetime
from ipaddress import IPv4Network, IPv6Network
from threading import Lock
from typing import Any
from uuid import UUID

import msgspec
import psycopg
import structlog

from api.policies.evaluator import CompiledPolicy, compile_policy
from api.policies.rules import ConditionRefused
from api.policies.services import read_document
from api.snapshots.feed import RETRY_AFTER_S, Connect, Feed
from api.snapshots.shelf import Shelf
from core.clock import monotonic_s
from core.errors import ServiceUnavailable
from core.network import plain_network

log = structlog.get_logger()


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
    legal_due_at: datetime | None
    rests_from: datetime | None
    rests_until: datetime | None
    rests_because: str | None
    policy: CompiledPolicy | None


_SELECT_KEYS = """
    SELECT token_hash, id, organization_id, lineage_id, name, environment, scopes, rate_limit, allowed_networks,
           expires_at, revoked_at
    FROM api_key WHERE token_hash = ANY(%s)
"""
_SELECT_ORGANIZATIONS = """
    SELECT o.id, o.slug, o.name, o.status, o.check_limit, o.subject_secret, o.legal_due_at, o.rests_from, o.rests_until,
           o.rests_because, p.version, p.document
    FROM organization o
    LEFT JOIN LATERAL (
        SELECT version, document FROM policy_version WHERE organization_id = o.id ORDER BY version DESC LIMIT 1
    ) p ON true
    WHERE o.id = ANY(%s)
"""


class InMemory:
    """What is in memory and current, for whoever may not wait."""

    def __init__(self, keys: Shelf[bytes, KeySnapshot], organizations: Shelf[UUID, OrganizationSnapshot]) -> None:
        self._keys = keys
        self._organizations = organizations

    def key(self, token_hash: bytes) -> KeySnapshot:
        """Raises NotInMemory."""
        return self._keys.get_at_once(token_hash)

    def organization(self, organization_id: UUID) -> OrganizationSnapshot:
        """Raises NotInMemory."""
        return self._organizations.get_at_once(organization_id)


class Snapshots:
    """The memory of one process. Used by many threads; reading what is current takes no lock."""

    def __init__(self, connect: Connect, *, max_age_s: float, connect_feed: Connect | None = None) -> None:
        self._connect = connect
        self._max_age_s = max_age_s
        self._connection: psycopg.Connection[tuple[Any, ...]] | None = None
        self._reading = Lock()
        self._away_until_s = 0.0
        self.feed = Feed(connect_feed or connect, on_change=self._on_change)
        self._keys: Shelf[bytes, KeySnapshot] = Shelf(
            self._read_keys, epoch=self._epoch, is_lost=self._is_lost, may_serve_stale=self._may_serve_stale
        )
        self._organizations: Shelf[UUID, OrganizationSnapshot] = Shelf(
            self._read_organizations, epoch=self._epoch, is_lost=self._is_lost, may_serve_stale=self._may_serve_stale
        )
        self.in_memory = InMemory(self._keys, self._organizations)

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

    def _epoch(self) -> int | None:
        return self.feed.epoch

    def _is_lost(self) -> bool:
        return self.feed.is_lost

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
                networks=tuple(map(plain_network, row[8])),
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
                legal_due_at=row[6],
                rests_from=row[7],
                rests_until=row[8],
                rests_because=row[9],
                policy=_compile(row[0], row[10], row[11]) if row[10] is not None else None,
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
            except (psycopg.OperationalError, psycopg.InterfaceError, OSError) as error:
                self._away_until_s = monotonic_s() + RETRY_AFTER_S
                if self._connection is not None:
                    self._connection.close()
                self._connection = None
                raise psycopg.OperationalError("the database is away") from error


def _compile(organization_id: UUID, version: int, document: Any) -> CompiledPolicy | None:
    """None for a version that cannot be compiled: then nothing is allowed, and the policies can still be changed."""
    try:
        return compile_policy(organization_id, version, read_document(document))
    except (ConditionRefused, msgspec.ValidationError) as error:
        log.critical("policy.unusable", organization_id=str(organization_id), version=version, exc_info=error)
        return None
