"""Counts over the decision log, for people to look at."""

from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, exists, or_, text
from sqlalchemy.orm import InstrumentedAttribute

from api.decisions.hourly import values
from api.decisions.hourly.spans import span_of
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
    limited_that_day: int
    """Requests of the key that a limit refused on the day (UTC) of that minute."""


class ReasonCount(msgspec.Struct, frozen=True):
    reason: str
    decisions: int


class Blocked(msgspec.Struct, frozen=True):
    """What was blocked in some time: how many, the ids of the first, the commonest reasons."""

    decisions: int
    first: list[UUID]
    reasons: list[ReasonCount]


_IN_LOG = """organization_id = :organization_id AND environment = :environment
          AND decided_at >= {since} AND decided_at < {to}"""
_BEFORE, _AFTER = _IN_LOG.format(since=":since", to=":first"), _IN_LOG.format(since=":last", to=":to")
_COUNTED = """organization_id = :organization_id AND environment = :environment
          AND hour >= :first AND hour < :last"""
_SLOTS = text(f"""
    WITH slots AS (
        SELECT slot FROM generate_series(
            CAST(:since AS timestamptz), CAST(:to AS timestamptz) - CAST(:step AS interval), CAST(:step AS interval)
        ) AS slot
    ), counted AS (
        SELECT hour AS at, allowed, blocked FROM decision_hour WHERE {_COUNTED}
        UNION ALL
        SELECT decided_at, allowed::integer, (NOT allowed)::integer FROM decision WHERE {_BEFORE}
        UNION ALL
        SELECT decided_at, allowed::integer, (NOT allowed)::integer FROM decision WHERE {_AFTER}
    ), counts AS (
        SELECT date_bin(CAST(:step AS interval), at, CAST(:since AS timestamptz)) AS slot,
               sum(allowed) AS allowed, sum(blocked) AS blocked
        FROM counted GROUP BY 1
    )
    SELECT slots.slot, coalesce(allowed, 0), coalesce(blocked, 0)
    FROM slots LEFT JOIN counts USING (slot) ORDER BY slots.slot
""")  # noqa: S608  our own words
_BUSIEST = text(f"""
    WITH minutes AS (
        SELECT (one ->> 0)::uuid AS api_key_id, (one ->> 1)::timestamptz AS minute, (one ->> 2)::bigint AS decisions
        FROM decision_hour, jsonb_array_elements(busiest) AS one WHERE {_COUNTED}
        UNION ALL
        SELECT api_key_id, date_trunc('minute', decided_at), count(*) FROM decision WHERE {_BEFORE} GROUP BY 1, 2
        UNION ALL
        SELECT api_key_id, date_trunc('minute', decided_at), count(*) FROM decision WHERE {_AFTER} GROUP BY 1, 2
    )
    SELECT api_key.id, api_key.name, api_key.rate_limit, busiest.minute,
           decisions, coalesce(limited, 0)
    FROM (
        SELECT DISTINCT ON (api_key_id) api_key_id, minute, decisions
        FROM minutes ORDER BY api_key_id, decisions DESC, minute DESC
    ) AS busiest JOIN api_key ON api_key.id = busiest.api_key_id
    LEFT JOIN key_request_day AS asked
        ON asked.api_key_id = api_key.id AND asked.day = (busiest.minute AT TIME ZONE 'UTC')::date
    WHERE api_key.organization_id = :organization_id
    ORDER BY decisions DESC, api_key.id LIMIT :most
""")  # noqa: S608  our own words
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


def over_time(organization_id: UUID, *, environment: str, since: datetime, to: datetime, step: timedelta) -> list[Slot]:
    """Allowed and blocked decisions in each `step` from `since` to `to`; empty stretches count as zero."""
    span = span_of(organization_id, since=since, to=to, step=step)
    rows = db.session.execute(_SLOTS, {**span.parameters, "environment": environment, "step": step})
    return [Slot(*row) for row in rows]


def top_reasons(
    organization_id: UUID, *, environment: str, since: datetime, to: datetime, most: int = 5
) -> list[ReasonCount]:
    """Why decisions were blocked, the commonest first."""
    span = span_of(organization_id, since=since, to=to)
    found = values.counts_of(span, kinds=["reason"], environment=environment)["reason"]
    blocked = [ReasonCount(one.value, one.blocked) for one in found if one.blocked]
    return sorted(blocked, key=lambda one: (-one.decisions, one.reason))[:most]


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
    """How near keys came to their limits: the fullest minute of each, the fullest first; at most ten."""
    span = span_of(organization_id, since=since, to=to)
    rows = db.session.execute(_BUSIEST, {**span.parameters, "environment": environment, "most": most})
    return [BusiestMinute(*row) for row in rows]


def blocked_by_policy(organization_id: UUID, *, since: datetime, to: datetime) -> dict[str, int]:
    """In how many blocked decisions each policy had a part."""
    found = values.counts_of(span_of(organization_id, since=since, to=to), kinds=["policy"])["policy"]
    return {one.value: one.blocked for one in found}
