"""What a process knows of a key and of an organization."""

from datetime import datetime
from ipaddress import IPv4Network, IPv6Network
from typing import Any
from uuid import UUID

import msgspec

from api.keys.token import KeyEnvironment
from api.policies.evaluator import CompiledPolicy


class KeyFields(msgspec.Struct, frozen=True):
    """What of a key can be written as it is."""

    id: UUID
    organization_id: UUID
    lineage_id: UUID
    name: str
    environment: str
    scopes: frozenset[str]
    rate_limit: int | None
    expires_at: datetime | None
    revoked_at: datetime | None


class KeySnapshot(KeyFields, frozen=True):
    networks: tuple[IPv4Network | IPv6Network, ...]


class OrganizationFields(msgspec.Struct, frozen=True):
    """What of an organization can be written as it is."""

    id: UUID
    slug: str
    name: str
    status: str
    check_limit: int | None
    subject_secret: bytes
    legal_due_at: datetime | None
    blocked_from: datetime | None
    blocked_until: datetime | None
    blocked_because: str | None


class OrganizationSnapshot(OrganizationFields, frozen=True):
    policy: CompiledPolicy | None
    test_policy: CompiledPolicy | None = None
    has_test_policy: bool = False
    """Whether test keys have other policies than live keys; `test_policy` is None for those that do not compile."""

    def for_environment(self, environment: str) -> "OrganizationSnapshot":
        """With the policies that a key of this environment has."""
        if not self.has_test_policy or environment != KeyEnvironment.TEST:
            return self
        return msgspec.structs.replace(self, policy=self.test_policy)


class OrganizationRow(msgspec.Struct, frozen=True):
    """As it was read: a policy is a version and a document that is not compiled yet."""

    organization: OrganizationSnapshot
    policy: tuple[int, Any] | None
    test_policy: tuple[int, Any] | None = None
