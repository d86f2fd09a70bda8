"""Compiled policies: each version is compiled once in a process, in one thread, while nobody else waits for it."""

from threading import Lock
from typing import Any
from uuid import UUID

import msgspec
import structlog

from api.policies.compiled_rules import ConditionRefused
from api.policies.compiling import compile_policy
from api.policies.evaluator import CompiledPolicy
from api.policies.services import read_document

log = structlog.get_logger()


class _Made(msgspec.Struct, frozen=True):
    version: int
    document: Any
    policy: CompiledPolicy | None


class CompiledPolicies:
    """The newest of each organization. Two who need the same one compile it once."""

    def __init__(self) -> None:
        self._made: dict[UUID, _Made] = {}
        self._locks: dict[UUID, Lock] = {}

    def get(self, organization_id: UUID, version: int, document: Any) -> CompiledPolicy | None:
        """None for a version that cannot be compiled."""
        with self._locks.setdefault(organization_id, Lock()):
            made = self._made.get(organization_id)
            if made is None or (made.version, made.document) != (version, document):
                made = _Made(version, document, compiled(organization_id, version, document))
                self._made[organization_id] = made
            return made.policy


def compiled(organization_id: UUID, version: int, document: Any) -> CompiledPolicy | None:
    """None for a version that cannot be compiled: then nothing is allowed, and the policies can still be changed."""
    try:
        return compile_policy(organization_id, version, read_document(document))
    except (ConditionRefused, msgspec.ValidationError) as error:
        log.critical("policy.unusable", organization_id=str(organization_id), version=version, exc_info=error)
        return None
