"""Counts over the decision log, for people to look at."""

from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, exists, or_, text
from sqlalchemy.orm import InstrumentedAttribute

from api.decisions.models import Decision
from api.keys.token import KeyEnvironment
from core.db import db


class Slot(msgspec.Struct, frozen=True):
    """Decisions of one stretch of time, beginning at `at`."""

    at: datetime
    allowed: int
    blocked: int


class BusiestMinute(msgspec.Struct, frozen=True):
    """The minute in which a key decided most."""

    key_id: UUID
    key_name: str
    rate_limit: int | None
    """The key's own, in requests in 60 s."""
    at: datetime
    decisions: int


class ReasonCount(msgspec.Struct, frozen=True):
    reason: str
    decisions: int


class Blocked(msgspec.Struct, frozen=True):
    """What was blocked in some time: how many, the ids of the first, the commonest reasons."""

    decisions: int
    first: list[UUID]
    reasons: list[ReasonCount]


_SLOTS = text("""
    WITH slots AS (
        SELECT slot FROM generate_series(
            CAST(:since AS timestamptz), CAST(:to AS timestamptz) - CAST(:step AS interval), CAST(:step AS interval)
        ) AS slot
    ), counts AS (
        SELECT date_bin(CAST(:step AS interval), decided_at, CAST(:since AS timestamptz)) AS slot,
               count(*) FILTER (WHERE allowed) AS allowed, count(*) FILTER (WHERE NOT allowed) AS blocked
        FROM decision
        WHERE organization_id = :organization_id AND environment = :environment
          AND decided_at >= :since AND decided_at < :to
        GROUP BY 1
    )
    SELECT slots.slot, coalesce(allowed, 0), coalesce(blocked, 0)
    FROM slots LEFT JOIN counts USING (slot) ORDER BY slots.slot
""")
_REASONS = text("""
    SELECT reason, count(*) FROM decision
    WHERE organization_id = :organization_id AND environment = :environment AND NOT allowed
      AND decided_at >= :since AND decided_at < :to
    GROUP BY reason ORDER BY count(*) DESC, reason LIMIT :most
""")
_BUSIEST = text("""
    SELECT api_key.id, api_key.name, api_key.rate_limit, minute, decisions
    FROM (
        SELECT DISTINCT ON (api_key_id) api_key_id, date_trunc('minute', decided_at) AS minute, count(*) AS decisions
        FROM decision
        WHERE organization_id = :organization_id AND environment = :environment
          AND decided_at >= :since AND decided_at < :to
        GROUP BY api_key_id, minute ORDER BY api_key_id, decisions DESC, minute DESC
    ) AS busiest JOIN api_key ON api_key.id = busiest.api_key_id
    WHERE api_key.organization_id = :organization_id
    ORDER BY decisions DESC, api_key.id LIMIT :most
""")
_COUNT_BLOCKED = text("""
    SELECT count(*) FROM decision
    WHERE organization_id = :organization_id AND environment = :environment AND NOT allowed
      AND decided_at >= :since AND decided_at < :to
""")
_FIRST_BLOCKED = text("""
    SELECT id FROM decision
    WHERE organization_id = :organization_id AND environment = :environment AND NOT allowed
      AND decided_at >= :since AND decided_at < :to
    ORDER BY decided_at, id LIMIT :most
""")
_BY_POLICY = text("""
    SELECT cause ->> 'policy', count(DISTINCT id) FROM decision, jsonb_array_elements(reasons) AS cause
    WHERE organization_id = :organization_id AND NOT allowed AND decided_at >= :since AND decided_at < :to
    GROUP BY 1
""")


def over_time(organization_id: UUID, *, environment: str, since: datetime, to: datetime, step: timedelta) -> list[Slot]:
    """Allowed and blocked decisions in each `step` from `since` to `to`; empty stretches count as zero."""
    rows = db.session.execute(
        _SLOTS,
        {"organization_id": organization_id, "environment": environment, "since": since, "to": to, "step": step},
    )
    return [Slot(*row) for row in rows]


def top_reasons(
    organization_id: UUID, *, environment: str, since: datetime, to: datetime, most: int = 5
) -> list[ReasonCount]:
    """Why decisions were blocked, the commonest first."""
    rows = db.session.execute(
        _REASONS,
        {"organization_id": organization_id, "environment": environment, "since": since, "to": to, "most": most},
    )
    return [ReasonCount(*row) for row in rows]


def blocked_in(organization_id: UUID, *, environment: str, since: datetime, to: datetime, most: int) -> Blocked:
    """From `since` to just before `to`; at most `most` ids and reasons."""
    span = {"organization_id": organization_id, "environment": environment, "since": since, "to": to}
    return Blocked(
        decisions=int(db.session.execute(_COUNT_BLOCKED, span).scalar_one()),
        first=list(db.session.scalars(_FIRST_BLOCKED, {**span, "most": most})),
        reasons=top_reasons(organization_id, environment=environment, since=since, to=to, most=most),
    )


def was_blocked(
    organization_id: InstrumentedAttribute[UUID | None],
    *,
    since: InstrumentedAttribute[datetime],
    to: datetime,
    includes_test: InstrumentedAttribute[bool],
) -> ColumnElement[bool]:
    """Whether anything was, beside each row of a query of one's own: so many organizations are asked about at once."""
    return exists().where(
        Decision.organization_id == organization_id,
        Decision.decided_at >= since,
        Decision.decided_at < to,
        Decision.allowed.is_(False),
        or_(Decision.environment == KeyEnvironment.LIVE.value, includes_test),
    )


def busiest_minutes(
    organization_id: UUID, *, environment: str, since: datetime, to: datetime, most: int = 5
) -> list[BusiestMinute]:
    """How near keys came to their limits: the fullest minute of each, the fullest first."""
    rows = db.session.execute(
        _BUSIEST,
        {"organization_id": organization_id, "environment": environment, "since": since, "to": to, "most": most},
    )
    return [BusiestMinute(*row) for row in rows]


def blocked_by_policy(organization_id: UUID, *, since: datetime, to: datetime) -> dict[str, int]:
    """In how many blocked decisions each policy had a part."""
    rows = db.session.execute(_BY_POLICY, {"organization_id": organization_id, "since": since, "to": to})
    return {row[0]: row[1] for row in rows}
