"""The last file of policies that was pushed, and where the policies in force differ from it.

A file names some policies or all. What it does not name can't differ.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy.dialects.postgresql import insert

from api.policies import services as policies
from api.policies.document import POLICY_KEYS, PolicyDocument, field_type
from api.policies.models import PolicyFile
from api.policies.validation import PathOf, with_values
from core import audit
from core.audit import Actor
from core.db import db
from core.rows import find_fresh


class PushedFile(msgspec.Struct, frozen=True):
    policies: Mapping[str, Any]
    version: int
    """Of the policies that were in force then."""
    pushed_at: datetime
    pushed_by_id: UUID


class Drift(msgspec.Struct, frozen=True):
    """By the names of the policies that differ: what the file says, and what is in force, as JSON would have them."""

    file: PushedFile
    version: int
    differences: Mapping[str, tuple[Any, Any]]


def push(organization_id: UUID, values: Mapping[str, Any], *, by: Actor, now: datetime, path_of: PathOf = str) -> Drift:
    """Keeps what a file says in place of the one before; nothing comes into force. Raises InvalidRequest."""
    version, active = policies.current(organization_id)
    wanted = with_values(active, values, path_of=path_of)
    kept = {key: msgspec.to_builtins(getattr(wanted, key)) for key in POLICY_KEYS if key in values}
    row = {"policies": kept, "version": version, "pushed_at": now, "pushed_by_id": by.id}
    statement = insert(PolicyFile).values(organization_id=organization_id, **row)
    db.session.execute(statement.on_conflict_do_update(index_elements=[PolicyFile.organization_id], set_=row))
    audit.write(
        organization_id, "policy.file_pushed", by=by, now=now, after={"policies": list(kept), "version": version}
    )
    drift = find_drift(organization_id)
    assert drift is not None  # noqa: S101  it was just written
    return drift


def find_pushed(organization_id: UUID) -> PushedFile | None:
    row = find_fresh(PolicyFile, organization_id)
    return PushedFile(row.policies, row.version, row.pushed_at, row.pushed_by_id) if row is not None else None


def find_drift(organization_id: UUID) -> Drift | None:
    """None where no file was ever pushed."""
    file = find_pushed(organization_id)
    if file is None:
        return None
    version, document = policies.current(organization_id)
    differences = {
        key: (said, policies.as_json(getattr(document, key)))
        for key, said in file.policies.items()
        if key in POLICY_KEYS and not _is_as_said(document, key, said)
    }
    return Drift(file, version, differences)


def _is_as_said(document: PolicyDocument, key: str, said: Any) -> bool:
    """Whatever has a default may be left out."""
    try:
        return bool(msgspec.convert(said, field_type(key)) == getattr(document, key))
    except msgspec.ValidationError:
        return False
