"""Policies that test keys have before live keys do. A version for test keys alone is in force until a newer one is."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from api.policies import services as policies
from api.policies import versions
from api.policies.document import PolicyDocument
from api.policies.models import PolicyVersion
from api.policies.testing import need_passing
from core import audit
from core.audit import Actor
from core.db import db


def on_test_keys(organization_id: UUID) -> policies.PolicyRevision | None:
    """The version that only test keys have; None where they have the same as live keys."""
    query = select(PolicyVersion).where(PolicyVersion.organization_id == organization_id)
    row = db.session.scalar(query.order_by(PolicyVersion.version.desc()).limit(1))
    return policies.revision_of(row) if row is not None and row.is_test_only else None


def adopt_on_test_keys(
    organization_id: UUID, document: PolicyDocument, *, draft_id: UUID, name: str, by: Actor, now: datetime
) -> int:
    """The version that test keys have from now on; the one that they have where it is the same, as on a double click.

    Raises PolicyTestsFailed.
    """
    _, live = policies.hold(organization_id, None)
    before = on_test_keys(organization_id)
    if before is not None and (before.draft_id, before.document) == (draft_id, document):
        return before.version
    need_passing(document)
    facts = {"name": name}
    return _add(organization_id, live, document, "policy.published_to_test", draft_id, facts=facts, by=by, now=now)


def end_on_test_keys(organization_id: UUID, draft_id: UUID, *, by: Actor, now: datetime) -> bool:
    """Gives test keys the policies of live keys again; whether they had those of this draft."""
    _, live = policies.hold(organization_id, None)
    before = on_test_keys(organization_id)
    if before is None or before.draft_id != draft_id:
        return False
    _add(organization_id, before.document, live, "policy.test_ended", None, facts={}, by=by, now=now)
    return True


def _add(
    organization_id: UUID,
    before: PolicyDocument,
    after: PolicyDocument,
    action: str,
    draft_id: UUID | None,
    *,
    facts: dict[str, str],
    by: Actor,
    now: datetime,
) -> int:
    version = versions.add(organization_id, after, by=by, now=now, is_test_only=True, draft_id=draft_id)
    db.session.flush()
    changed = policies.differences(before, after)
    audit.write(
        organization_id,
        action,
        by=by,
        now=now,
        subject_id=", ".join(changed),
        before={key: old for key, (old, _) in changed.items()},
        after={"version": version, **{key: new for key, (_, new) in changed.items()}, **facts},
    )
    return version
