"""The next version of an organization's policies: its number and its row. Whoever makes one holds the policies."""

from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import func, select

from api.policies.document import PolicyDocument
from api.policies.models import PolicyVersion
from core.audit import Actor
from core.db import db


def next_number(organization_id: UUID) -> int:
    query = select(func.max(PolicyVersion.version)).where(PolicyVersion.organization_id == organization_id)
    return (db.session.scalar(query) or 0) + 1


def add(
    organization_id: UUID,
    document: PolicyDocument,
    *,
    by: Actor,
    now: datetime,
    is_test_only: bool = False,
    draft_id: UUID | None = None,
) -> int:
    """The number of the new version."""
    version = next_number(organization_id)
    db.session.add(
        PolicyVersion(
            organization_id=organization_id,
            version=version,
            document=msgspec.to_builtins(document),
            created_at=now,
            created_by_kind=by.kind.value,
            created_by_id=by.id,
            is_test_only=is_test_only,
            draft_id=draft_id,
        )
    )
    return version
