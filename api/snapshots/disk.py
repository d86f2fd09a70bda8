"""What a machine last knew, sealed on its disk, for a process that starts while the database is away.

All processes of a machine keep one file. Each writes what it knows to be current, and keeps what others wrote as long
as it has heard every change since it wrote last. Each part has its age; what is older than may be served, or sealed
with a key that is no longer in use, is as if it were not there.
"""

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import structlog

from api.policies.evaluator import CompiledPolicy
from api.snapshots.compiled import compiled
from api.snapshots.records import KeyFields, KeySnapshot, OrganizationFields, OrganizationSnapshot
from core.clock import utc_now
from core.encryption import decrypt, encrypt

log = structlog.get_logger()

_PURPOSE = "snapshots"
_AHEAD = timedelta(minutes=1)
"""A clock that was put back by more makes what is there unfit for use."""


class Record(msgspec.Struct, frozen=True):
    """A key or an organization as it is written; `policy` is a version before it is compiled."""

    known_at: datetime
    value: dict[str, Any]
    policy: tuple[int, dict[str, Any]] | None = None
    test_policy: tuple[int, dict[str, Any]] | None = None


class Kept(msgspec.Struct, frozen=True):
    """Keys by their hash in hexadecimal, organizations by id."""

    keys: dict[str, Record] = {}
    organizations: dict[str, Record] = {}


class DiskSnapshots:
    def __init__(self, path: Path, *, secret_keys: tuple[str, ...], max_age_s: float) -> None:
        self._path = path
        self._secret_keys = secret_keys
        self._max_age = timedelta(seconds=max_age_s)
        self._read: Kept | None = None

    def key(self, token_hash: bytes) -> tuple[KeySnapshot, float] | None:
        """The key and its age in seconds, or None."""
        record = self._stored().keys.get(token_hash.hex())
        if record is None:
            return None
        fields = msgspec.convert(record.value, KeyFields)
        networks = tuple(map(ip_network, record.value["networks"]))
        return KeySnapshot(**msgspec.structs.asdict(fields), networks=networks), _age_s(record)

    def organization(self, organization_id: UUID) -> tuple[OrganizationSnapshot, float] | None:
        """The organization, its policies compiled, and its age in seconds; or None."""
        record = self._stored().organizations.get(str(organization_id))
        if record is None:
            return None
        policy = compiled(organization_id, *record.policy) if record.policy else None
        test_policy = compiled(organization_id, *record.test_policy) if record.test_policy else None
        fields = msgspec.convert(record.value, OrganizationFields)
        organization = OrganizationSnapshot(
            **msgspec.structs.asdict(fields),
            policy=policy,
            test_policy=test_policy,
            has_test_policy=bool(record.value.get("has_test_policy")),
        )
        return organization, _age_s(record)

    def write(
        self,
        keys: Mapping[bytes, KeySnapshot],
        organizations: Mapping[UUID, OrganizationSnapshot],
        *,
        keeping_others: bool,
        changed: frozenset[str],
    ) -> None:
        """Puts what is current beside what others wrote; without `keeping_others`, in its place.

        `changed` names what was announced as changed since the last time. Raises OSError.
        """
        now = utc_now()
        with self._locked():
            before = self._opened() if keeping_others else Kept()
            kept = Kept(
                keys=_without(before.keys, changed) | {name.hex(): _of_key(key, now) for name, key in keys.items()},
                organizations=_without(before.organizations, changed)
                | {str(name): _of_organization(one, now) for name, one in organizations.items()},
            )
            self._replace(msgspec.json.encode(kept).decode())

    def _stored(self) -> Kept:
        """Read once: only a process that has not heard from the database yet asks for it."""
        if self._read is None:
            self._read = self._opened()
            log.warning("snapshots.read_from_disk", keys=len(self._read.keys))
        return self._read

    def _opened(self) -> Kept:
        try:
            text = decrypt(_PURPOSE, self._path.read_bytes(), secret_keys=self._secret_keys)
            found = msgspec.json.decode(text, type=Kept) if text is not None else Kept()
        except FileNotFoundError:
            return Kept()
        except (OSError, msgspec.DecodeError) as error:
            log.warning("snapshots.unreadable", error=type(error).__name__)
            return Kept()
        return Kept(keys=self._fit(found.keys), organizations=self._fit(found.organizations))

    def _fit(self, records: Mapping[str, Record]) -> dict[str, Record]:
        now = utc_now()
        return {name: one for name, one in records.items() if -_AHEAD <= now - one.known_at <= self._max_age}

    def _replace(self, text: str) -> None:
        unfinished = self._path.with_suffix(".unfinished")
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(encrypt(_PURPOSE, text, secret_key=self._secret_keys[0]))
        unfinished.replace(self._path)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self._path.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _without(records: dict[str, Record], changed: frozenset[str]) -> dict[str, Record]:
    return {name: one for name, one in records.items() if name not in changed}


def _of_key(key: KeySnapshot, now: datetime) -> Record:
    return Record(known_at=now, value=msgspec.to_builtins(key, enc_hook=str))


def _of_organization(organization: OrganizationSnapshot, now: datetime) -> Record:
    return Record(
        known_at=now,
        value=msgspec.to_builtins(msgspec.structs.replace(organization, policy=None, test_policy=None)),
        policy=_of_policy(organization.policy),
        test_policy=_of_policy(organization.test_policy),
    )


def _of_policy(policy: CompiledPolicy | None) -> tuple[int, dict[str, Any]] | None:
    return (policy.version, msgspec.to_builtins(policy.document)) if policy else None


def _age_s(record: Record) -> float:
    return max(0.0, (utc_now() - record.known_at).total_seconds())
