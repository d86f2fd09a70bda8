"""Counting the log by hours. Repeating it is harmless: an hour's counts are replaced, never added to."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, time, timedelta
from uuid import UUID

from sqlalchemy import delete, func, select, text

from api.decisions.hourly.models import ChangedDecisionHour, DecisionHour
from api.decisions.models import Decision
from core.db import db
from core.scope import needs_system_scope

SETTLED_AFTER = timedelta(minutes=5)
"""An hour is counted so long after its end; what comes later is marked by whoever brings it."""
KEYS_OF_AN_HOUR = 10
"""With their fullest minutes; the fullest of many hours are among them."""
_ONE_HOUR = timedelta(hours=1)
_MOST_CHANGED = 500
"""Hours counted again in one go."""

_COUNT = text("""
    INSERT INTO decision_hour (organization_id, hour, environment, allowed, blocked, by_value, busiest)
    WITH decided AS MATERIALIZED (
        SELECT organization_id, date_trunc('hour', decided_at, 'UTC') AS hour, environment, allowed, api_key_id,
               date_trunc('minute', decided_at) AS minute, model, operation, reason, reasons,
               metadata ->> 'department' AS department, metadata ->> 'application' AS application
        FROM decision
        WHERE decided_at >= :since AND decided_at < :until
          AND (CAST(:organization_id AS uuid) IS NULL OR organization_id = :organization_id)
          AND organization_id IN (SELECT id FROM organization)
    ), totals AS (
        SELECT organization_id, hour, environment,
               count(*) FILTER (WHERE allowed) AS allowed, count(*) FILTER (WHERE NOT allowed) AS blocked
        FROM decided GROUP BY 1, 2, 3
    ), stated AS (
        SELECT organization_id, hour, environment, allowed, kind, value
        FROM decided CROSS JOIN LATERAL (VALUES
            ('model', model), ('operation', operation), ('reason', reason),
            ('department', department), ('application', application)
        ) AS part (kind, value)
        WHERE value IS NOT NULL
        UNION ALL
        SELECT organization_id, hour, environment, allowed, 'policy', policy
        FROM decided CROSS JOIN LATERAL (
            SELECT DISTINCT jsonb_path_query(reasons, '$[*].policy') #>> '{}' AS policy
        ) AS causes
        WHERE NOT allowed AND policy IS NOT NULL
    ), by_value AS (
        SELECT organization_id, hour, environment, kind, value,
               jsonb_build_array(count(*) FILTER (WHERE allowed), count(*) FILTER (WHERE NOT allowed)) AS counts
        FROM stated GROUP BY 1, 2, 3, 4, 5
    ), by_kind AS (
        SELECT organization_id, hour, environment, kind, jsonb_object_agg(value, counts) AS counts
        FROM by_value GROUP BY 1, 2, 3, 4
    ), kinds AS (
        SELECT organization_id, hour, environment, jsonb_object_agg(kind, counts) AS by_value
        FROM by_kind GROUP BY 1, 2, 3
    ), minutes AS (
        SELECT DISTINCT ON (organization_id, hour, environment, api_key_id)
               organization_id, hour, environment, api_key_id, minute, count(*) AS decisions
        FROM decided GROUP BY organization_id, hour, environment, api_key_id, minute
        ORDER BY organization_id, hour, environment, api_key_id, count(*) DESC, minute DESC
    ), fullest AS (
        SELECT *, row_number() OVER (
            PARTITION BY organization_id, hour, environment ORDER BY decisions DESC, api_key_id
        ) AS place FROM minutes
    ), busiest AS (
        SELECT organization_id, hour, environment,
               jsonb_agg(jsonb_build_array(api_key_id, minute, decisions) ORDER BY place) AS busiest
        FROM fullest WHERE place <= :keys GROUP BY 1, 2, 3
    )
    SELECT organization_id, hour, environment, allowed, blocked, by_value, busiest
    FROM totals JOIN kinds USING (organization_id, hour, environment)
    JOIN busiest USING (organization_id, hour, environment)
""")
_MARK = text("""
    INSERT INTO changed_decision_hour (organization_id, hour)
    SELECT DISTINCT organization_id, date_trunc('hour', decided_at, 'UTC') FROM decision
    WHERE organization_id = :organization_id
      AND (subject = CAST(:subject AS bytea) OR api_key_id = CAST(:key_id AS uuid))
    ON CONFLICT DO NOTHING
""")
_PURGE = tuple(
    text(f"""
        DELETE FROM {table} AS counted
        USING unnest(CAST(:ids AS uuid[]), CAST(:cutoffs AS timestamptz[])) AS kept (organization_id, since)
        WHERE counted.organization_id = kept.organization_id AND counted.hour < kept.since
    """)  # noqa: S608  our own words
    for table in ("decision_hour", "changed_decision_hour")
)


@needs_system_scope
def recount(*, since: datetime, until: datetime, organization_id: UUID | None = None) -> None:
    """Counts whole hours of one organization or all, in place of what was counted before; one at a time."""
    db.session.execute(text("SELECT pg_advisory_xact_lock(hashtext('decision_hour'))"))
    old = delete(DecisionHour).where(DecisionHour.hour >= since, DecisionHour.hour < until)
    if organization_id is not None:
        old = old.where(DecisionHour.organization_id == organization_id)
    db.session.execute(old)
    span = {"since": since, "until": until, "organization_id": organization_id, "keys": KEYS_OF_AN_HOUR}
    db.session.execute(_COUNT, span)


@needs_system_scope
def steps(*, now: datetime, anew: bool = False) -> Iterator[tuple[datetime, datetime]]:
    """Stretches to count, the earliest first, at most a day each: what is not counted yet, or everything."""
    since = None if anew else counted_until()
    since = since or _first_hour()
    until = full_hour(now - SETTLED_AFTER)
    while since is not None and since < until:
        end = min(datetime.combine(since.date() + timedelta(days=1), time(), tzinfo=UTC), until)
        yield since, end
        since = end


@needs_system_scope
def counted_until() -> datetime | None:
    """The end of the last hour of which anybody has counts."""
    last = db.session.scalar(select(func.max(DecisionHour.hour)))
    return last + _ONE_HOUR if last else None


@needs_system_scope
def recount_changed() -> int:
    """Counts hours again that changed since they were counted; those that were never counted have time. How many."""
    marked = db.session.execute(
        delete(ChangedDecisionHour)
        .where(
            ChangedDecisionHour.hour.in_(
                select(ChangedDecisionHour.hour).distinct().order_by(ChangedDecisionHour.hour).limit(_MOST_CHANGED)
            )
        )
        .returning(ChangedDecisionHour.organization_id, ChangedDecisionHour.hour)
    ).all()
    until = counted_until()
    for organization_id, hour in marked:
        if until is not None and hour < until:
            recount(since=hour, until=hour + _ONE_HOUR, organization_id=organization_id)
    return len(marked)


@needs_system_scope
def mark_changed(organization_id: UUID, *, subject: bytes | None = None, key_id: UUID | None = None) -> None:
    """Before decisions of a subject or a key are erased: their hours are to be counted again."""
    db.session.execute(_MARK, {"organization_id": organization_id, "subject": subject, "key_id": key_id})


@needs_system_scope
def forget(organization_id: UUID) -> None:
    """Of a closed account."""
    for model in (DecisionHour, ChangedDecisionHour):
        db.session.execute(delete(model).where(model.organization_id == organization_id))


@needs_system_scope
def purge(cutoffs: Mapping[UUID, datetime]) -> None:
    """What is older than each organization keeps."""
    span = {"ids": list(cutoffs), "cutoffs": list(cutoffs.values())}
    for statement in _PURGE:
        db.session.execute(statement, span)


def full_hour(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def _first_hour() -> datetime | None:
    first = db.session.scalar(select(func.min(Decision.decided_at)))
    return full_hour(first) if first else None
