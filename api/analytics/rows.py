"""What the store holds of a decision: what it can be found and counted by, and no facts beside.

PostgreSQL writes the rows, also in the forms in which they are compared, so that both servers compare the same texts.
"""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text

from core.db import db

PREFIX = "aig_decision_"
_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
_LATEST = datetime(2200, 1, 1, tzinfo=UTC)
"""Of what the store can compare; no decision is outside."""

_CREATE = """
    CREATE TABLE IF NOT EXISTS {table} (
        organization_id UUID, decided_at DateTime64(6, 'UTC'), id FixedString(32), recorded_number UInt64,
        api_key_id UUID, subject String, environment LowCardinality(String), allowed Bool,
        model LowCardinality(String), operation LowCardinality(String), reason LowCardinality(String),
        department LowCardinality(Nullable(String)), application LowCardinality(Nullable(String)),
        policies Array(LowCardinality(String)),
        normal_model LowCardinality(String), normal_operation LowCardinality(String),
        normal_department LowCardinality(Nullable(String)), normal_application LowCardinality(Nullable(String))
    )
    ENGINE = ReplacingMergeTree PARTITION BY toYYYYMM(decided_at) ORDER BY (organization_id, decided_at, id)
"""
"""Ids are texts, since ClickHouse puts UUIDs in another order than PostgreSQL does."""

_LINE = """
    jsonb_build_object(
        'organization_id', organization_id,
        'decided_at', to_char(decided_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US'),
        'id', replace(id::text, '-', ''), 'recorded_number', coalesce(recorded_number, 0), 'api_key_id', api_key_id,
        'subject', coalesce(encode(subject, 'hex'), ''), 'environment', environment, 'allowed', allowed,
        'model', model, 'operation', operation, 'reason', reason,
        'department', metadata ->> 'department', 'application', metadata ->> 'application',
        'policies', (
            SELECT coalesce(jsonb_agg(DISTINCT policy), '[]') FROM (
                SELECT jsonb_path_query(reasons, '$[*].policy') #>> '{}' AS policy
            ) AS cause WHERE policy IS NOT NULL AND NOT allowed
        ),
        'normal_model', lower(model), 'normal_operation', replace(lower(operation), '-', '_'),
        'normal_department', lower(metadata ->> 'department'), 'normal_application', lower(metadata ->> 'application')
    )::text
"""
_NUMBERED = text(f"SELECT {_LINE} FROM decision WHERE recorded_number > :after AND recorded_number <= :through")  # noqa: S608  our own words
_UNNUMBERED = text(f"""
    SELECT id, {_LINE} AS line FROM decision WHERE recorded_number IS NULL AND id > :after ORDER BY id LIMIT :most
""")  # noqa: S608  our own words


def creation_of(table: str) -> str:
    return _CREATE.format(table=table)


def numbered(*, after: int, through: int) -> list[str]:
    return list(db.session.scalars(_NUMBERED, {"after": after, "through": through}))


def unnumbered(*, after: UUID, most: int) -> tuple[list[str], UUID | None]:
    """Those of before there were numbers, and the last one's id; None when no more come."""
    found = db.session.execute(_UNNUMBERED, {"after": after, "most": most}).all()
    return [row.line for row in found], found[-1].id if len(found) == most else None


def meant_by(condition: str, given: dict[str, Any]) -> list[str]:
    """Those of one organization that an erasure would mean."""
    return list(db.session.scalars(text(f"SELECT {_LINE} FROM decision WHERE {condition}"), given))  # noqa: S608  our own words


def words_of(moment: datetime) -> str:
    """As the store reads a moment; the nearest that it can compare."""
    return min(max(moment.astimezone(UTC), _EARLIEST), _LATEST).strftime("%Y-%m-%d %H:%M:%S.%f")


def block_of(lines: list[str]) -> bytes:
    return "\n".join(lines).encode()
