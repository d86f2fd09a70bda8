"""Asking for the impact of a draft, canceling that, and what came of it."""

from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import select, text, update

from api.decisions.impact import reading
from api.decisions.impact.models import PolicyImpact
from api.decisions.impact.states import UNDER_WAY, ImpactStatus, before
from api.decisions.impact.tally import Tally
from api.policies import services as policies
from api.policies.document import PolicyDocument
from api.policies.drafts.services import Draft
from core import audit
from core.audit import Actor
from core.db import db, rows_changed
from core.errors import AppError
from core.ids import new_uuid

DEFAULT_DAYS = 7

_ERASED = text("""
    SELECT coalesce(sum((after ->> 'decisions')::bigint), 0) FROM audit_event
    WHERE organization_id = :organization_id AND occurred_at >= :since
      AND action IN ('decisions.erased', 'api_key.erased', 'decisions.purged')
""")


class ImpactUnderWay(AppError):
    status, code, title = HTTPStatus.CONFLICT, "impact_under_way", "The impact of this draft is already being analyzed"
    advice = "Wait until the analysis is done, or cancel it in the portal."


class Impact(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    draft_id: UUID
    base_version: int
    document: PolicyDocument
    since: datetime
    until: datetime
    status: ImpactStatus
    total: int
    tally: Tally
    asked_at: datetime
    finished_at: datetime | None

    @property
    def is_under_way(self) -> bool:
        return self.status in UNDER_WAY

    @property
    def percent(self) -> int:
        return min(100, 100 * self.tally.looked_at // self.total) if self.total else 100

    def is_of(self, draft: Draft) -> bool:
        """Whether it is of the draft as it stands; its tests change no decision."""
        own, other = (msgspec.structs.replace(one.document, tests=()) for one in (self, draft))
        return (own, self.base_version) == (other, draft.base_version)

    def is_stale(self, draft: Draft, *, active_version: int) -> bool:
        """Whether it says no longer what publishing the draft would change."""
        return not self.is_of(draft) or (draft.is_open and self.base_version != active_version)


def request(organization_id: UUID, draft: Draft, *, days: int, by: Actor, now: datetime) -> Impact:
    """Leaves an analysis of the last days for the worker. Raises ImpactUnderWay."""
    since = now - timedelta(days=days)
    total = reading.count(organization_id, since=since, until=now)
    policies.hold(organization_id, None)
    latest = find_latest(organization_id, draft.id)
    if latest is not None and latest.is_under_way:
        raise ImpactUnderWay
    row = PolicyImpact(
        id=new_uuid(),
        organization_id=organization_id,
        draft_id=draft.id,
        base_version=draft.base_version,
        document=msgspec.to_builtins(draft.document),
        since=since,
        until=now,
        status=ImpactStatus.QUEUED.value,
        total=total,
        cursor=None,
        tally=msgspec.to_builtins(Tally()),
        asked_at=now,
        asked_by_kind=by.kind.value,
        asked_by_id=by.id,
    )
    db.session.add(row)
    db.session.flush()
    facts = {"days": days, "decisions": row.total}
    audit.write(organization_id, "policy.impact_requested", by=by, now=now, subject_id=draft.shown_id, after=facts)
    return impact_of(row)


def find_latest(organization_id: UUID, draft_id: UUID) -> Impact | None:
    row = db.session.scalar(
        select(PolicyImpact)
        .where(PolicyImpact.organization_id == organization_id, PolicyImpact.draft_id == draft_id)
        .order_by(PolicyImpact.id.desc())
        .limit(1)
        .execution_options(populate_existing=True)  # the worker changes it by statements
    )
    return impact_of(row) if row is not None else None


def erased_since(organization_id: UUID, since: datetime) -> int:
    """Decisions that were deleted since then, some of which may have been of this time."""
    found = db.session.execute(_ERASED, {"organization_id": organization_id, "since": since})
    return int(found.scalar_one())


def cancel(organization_id: UUID, impact: Impact, *, now: datetime) -> bool:
    """Whether it was still under way."""
    return _move(organization_id, impact.id, ImpactStatus.CANCELED, now=now)


def reload(organization_id: UUID, impact_id: UUID) -> PolicyImpact:
    """Its row as it stands, which other workers and people change by statements."""
    query = select(PolicyImpact).where(PolicyImpact.organization_id == organization_id, PolicyImpact.id == impact_id)
    return db.session.scalars(query.execution_options(populate_existing=True)).one()


def fail(organization_id: UUID, impact_id: UUID, *, now: datetime) -> bool:
    return _move(organization_id, impact_id, ImpactStatus.FAILED, now=now)


def _move(organization_id: UUID, impact_id: UUID, after: ImpactStatus, *, now: datetime) -> bool:
    statement = (
        update(PolicyImpact)
        .where(
            PolicyImpact.organization_id == organization_id,
            PolicyImpact.id == impact_id,
            PolicyImpact.status.in_(before(after)),
        )
        .values(status=after.value, finished_at=now)
    )
    return rows_changed(statement) == 1


def impact_of(row: Any) -> Impact:
    return Impact(
        id=row.id,
        draft_id=row.draft_id,
        base_version=row.base_version,
        document=policies.read_document(row.document),
        since=row.since,
        until=row.until,
        status=ImpactStatus(row.status),
        total=row.total,
        tally=msgspec.convert(row.tally, Tally),
        asked_at=row.asked_at,
        finished_at=row.finished_at,
    )
