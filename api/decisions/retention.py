"""How long decisions are kept, and their end: the daily purge and the erasure of one person's rows.

Whole days that are past every organization's retention go as partitions; where organizations differ, rows are deleted.
The purge is itself on record: a run, and an event on the audit log of every organization that lost rows.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import delete, func, select, text

from api.analytics import erasing as analytics
from api.checks.service import hash_subject
from api.decisions.hourly import counting as hourly
from api.decisions.models import CheckIdempotency, Decision, PurgeRun
from api.decisions.reconciliation import LATEST
from api.ledger import erasures as ledger
from api.recording.idempotency import KEPT_HOURS
from backups import erasures, turns
from core import audit
from core.accounts import Organization
from core.audit import SYSTEM, Actor
from core.db import acting_as_system, acting_for, acting_for_retention, db, rows_changed
from core.ids import new_uuid
from core.retention import DEFAULT_RETENTION_DAYS
from core.scope import needs_system_scope

PARTITIONS_AHEAD = 14
SUBJECT = "subject"

_CUTOFFS = "unnest(CAST(:ids AS uuid[]), CAST(:cutoffs AS timestamptz[])) AS kept (organization_id, since)"
_IS_EXPIRED = "decision.organization_id = kept.organization_id AND decided_at < kept.since AND decided_at < :last"
_EXPIRED = text(f"""
    SELECT decision.organization_id, count(*) AS decisions FROM decision, {_CUTOFFS} WHERE {_IS_EXPIRED} GROUP BY 1
""")  # noqa: S608  our own words
_DELETE_EXPIRED = text(f"DELETE FROM decision USING {_CUTOFFS} WHERE {_IS_EXPIRED}")  # noqa: S608  our own words


class Purged(msgspec.Struct, frozen=True):
    decisions: int
    partitions: tuple[str, ...]


@needs_system_scope
def ensure_partitions(*, now: datetime) -> None:
    """Makes the days from yesterday to two weeks ahead. Harmless to repeat."""
    for days in range(-1, PARTITIONS_AHEAD + 1):
        day = (now + timedelta(days=days)).date()
        db.session.execute(text("SELECT ensure_decision_partition(:day)"), {"day": day})


def purge(*, now: datetime) -> Purged:
    """Deletes what is past each organization's retention, by whole days (UTC)."""
    turns.wait_for_dumps()
    with acting_as_system():
        kept = db.session.execute(select(Organization.id, Organization.retention_days))
        retentions = dict(kept.all())
        ensure_partitions(now=now)
    longest = max(retentions.values(), default=DEFAULT_RETENTION_DAYS)
    cutoffs = {organization_id: _cutoff(now, days) for organization_id, days in retentions.items()}
    oldest = _cutoff(now, longest)
    with acting_for_retention():
        deleted = _count_expired(cutoffs)
        _delete_expired({one: cutoffs[one] for one in deleted if retentions[one] < longest})
        dropped = db.session.scalars(text("SELECT drop_decision_partitions(:before)"), {"before": oldest.date()}).all()
    ledger.note_purge({one: cutoffs[one] for one in deleted})
    analytics.note_purge({one: cutoffs[one] for one in deleted}, now=now)
    with acting_as_system():
        hourly.purge(cutoffs)
        _put_on_record(deleted, dropped=list(dropped), retentions=retentions, started_at=now)
    return Purged(decisions=sum(deleted.values()), partitions=tuple(dropped))


@needs_system_scope
def forget_idempotency_keys(*, now: datetime) -> int:
    """Deletes those that nothing can ask for any more; how many there were."""
    since = now - max(timedelta(hours=KEPT_HOURS), LATEST + timedelta(days=1))
    return rows_changed(delete(CheckIdempotency).where(CheckIdempotency.decided_at < since))


def _count_expired(cutoffs: Mapping[UUID, datetime]) -> Counter[UUID]:
    """Of each organization that has any. One query."""
    if not cutoffs:
        return Counter()
    return Counter({row.organization_id: int(row.decisions) for row in db.session.execute(_EXPIRED, _span(cutoffs))})


def _delete_expired(cutoffs: Mapping[UUID, datetime]) -> None:
    if cutoffs:
        db.session.execute(_DELETE_EXPIRED, _span(cutoffs))


def _span(cutoffs: Mapping[UUID, datetime]) -> dict[str, Any]:
    """`last` lets PostgreSQL leave out the days that all organizations keep."""
    return {"ids": list(cutoffs), "cutoffs": list(cutoffs.values()), "last": max(cutoffs.values())}


@needs_system_scope
def is_overdue(*, now: datetime) -> bool:
    """Whether no purge ran in the last 25 hours."""
    last = last_run_at()
    return last is None or last < now - timedelta(hours=25)


@needs_system_scope
def last_run_at() -> datetime | None:
    return db.session.scalar(select(func.max(PurgeRun.started_at)))


def erase_subject(organization: Organization, pseudonym: str, *, by: Actor, now: datetime) -> int:
    """Deletes every decision about one subject; how many there were. The pseudonym itself is not kept anywhere."""
    digest = bytes.fromhex(hash_subject(pseudonym, secret=organization.subject_secret))
    organization_id = organization.id
    erased = _delete_subject(organization_id, digest, now=now)
    erasures.note_erasure(SUBJECT, {"organization_id": str(organization_id), "subject": digest.hex()}, now=now)
    with acting_as_system():
        audit.write(organization_id, "decisions.erased", by=by, now=now, after={"decisions": erased})
    return erased


@erasures.erases_again(SUBJECT)
def _erase_subject_again(facts: dict[str, Any], now: datetime) -> None:
    _delete_subject(UUID(facts["organization_id"]), bytes.fromhex(facts["subject"]), now=now)


@erasures.restored.connect
def _purge_after_restore(_sender: object, *, now: datetime) -> None:
    """What was past its time since the backup is so still."""
    purge(now=now)


def _delete_subject(organization_id: UUID, digest: bytes, *, now: datetime) -> int:
    """By a function of the database: pages ask for it, and their login may not delete decisions as it likes."""
    with acting_as_system():
        hourly.mark_changed(organization_id, subject=digest)
    with acting_for(organization_id):
        erased = db.session.execute(text("SELECT erase_decisions_about(:subject)"), {"subject": digest}).scalar_one()
    analytics.note_subject(organization_id, digest, now=now)
    return int(erased)


def delete_everything(organization_id: UUID, *, now: datetime) -> int:
    """Deletes every decision of an organization whose account is closed; how many there were."""
    ledger.forget_organization(organization_id)
    with acting_as_system():
        hourly.forget(organization_id)
    with acting_for_retention():
        deleted = rows_changed(delete(Decision).where(Decision.organization_id == organization_id))
    analytics.note_everything(organization_id, now=now)
    return deleted


def _cutoff(now: datetime, days: int) -> datetime:
    """The start of the first day that is still kept."""
    return datetime.combine((now - timedelta(days=days)).date(), time(), tzinfo=UTC)


def _put_on_record(
    deleted: Counter[UUID], *, dropped: list[str], retentions: dict[UUID, int], started_at: datetime
) -> None:
    db.session.add(
        PurgeRun(
            id=new_uuid(),
            started_at=started_at,
            finished_at=func.clock_timestamp(),
            decisions_deleted=sum(deleted.values()),
            partitions_dropped=dropped,
        )
    )
    for organization_id, count in deleted.items():
        if count:
            kept_days = retentions[organization_id]
            audit.write(
                organization_id,
                "decisions.purged",
                by=SYSTEM,
                now=started_at,
                after={"decisions": count, "older_than_days": kept_days},
            )
