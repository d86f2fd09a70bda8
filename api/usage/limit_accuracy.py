"""Whether limits were right: decisions beyond the limit of a key in a minute, and refusals with fewer before them.

Both are certain where they are found: a window is looked at as wide as clocks may differ.
"""

from datetime import datetime, timedelta

import msgspec
from sqlalchemy import delete, text

from api.limits.window import DEFAULT_LIMIT, WINDOW_S
from api.usage.counts import full_hour
from api.usage.models import LimitMinute
from core.db import db
from core.scope import needs_system_scope

KEPT = timedelta(days=2)
SETTLED_AFTER = timedelta(minutes=5)
"""Until then a decision may still be in the spool."""
MOST_REFUSALS = 2_000
_SLACK = timedelta(seconds=1)

_COUNTED_UNTIL = text("SELECT max(hour) + interval '1 hour' FROM decision_hour")
_BEYOND = text("""
    WITH least AS (
        SELECT organization_id, min(rate_limit) AS rate_limit FROM api_key WHERE rate_limit IS NOT NULL GROUP BY 1
    ), suspected AS (
        SELECT DISTINCT counted.organization_id, counted.hour
        FROM decision_hour AS counted
        JOIN organization ON organization.id = counted.organization_id
        LEFT JOIN least ON least.organization_id = counted.organization_id
        WHERE counted.hour >= :since AND counted.hour < :counted_until
          AND CAST(busiest -> 0 ->> 2 AS integer)
              > least(least.rate_limit, coalesce(organization.check_limit, :usual))
    ), logged AS (
        SELECT in_hour.api_key_id, in_hour.decided_at
        FROM suspected CROSS JOIN LATERAL (
            SELECT api_key_id, decided_at FROM decision
            WHERE decision.organization_id = suspected.organization_id
              AND decided_at >= :since AND decided_at < :counted_until
              AND decided_at >= suspected.hour AND decided_at < suspected.hour + interval '1 hour'
            OFFSET 0
        ) AS in_hour
        UNION ALL
        SELECT api_key_id, decided_at FROM decision WHERE decided_at >= :counted_until
    ), minutes AS (
        SELECT api_key_id, count(*) AS decisions FROM logged GROUP BY api_key_id, date_trunc('minute', decided_at)
    )
    SELECT (
        SELECT coalesce(sum(allowed + blocked), 0) FROM decision_hour WHERE hour >= :since AND hour < :counted_until
    ) + (
        SELECT count(*) FROM decision WHERE decided_at >= :counted_until
    ), (
        SELECT coalesce(sum(greatest(decisions - coalesce(api_key.rate_limit, organization.check_limit, :usual), 0)), 0)
        FROM minutes
        JOIN api_key ON api_key.id = minutes.api_key_id
        JOIN organization ON organization.id = api_key.organization_id
    )
""")
"""The counted hours say how full a key's fullest minute was; only those in which a limit may have been passed are read
from the log, and what is not counted yet. OFFSET 0 has each of them read by its index: how few they are is known only
while the statement runs, and planned for many of them all partitions would be sorted."""
_REFUSALS = text("""
    WITH refused AS (
        SELECT refused.*, api_key.lineage_id
        FROM limit_minute AS refused JOIN api_key ON api_key.id = refused.api_key_id
        WHERE minute >= :since AND limited_at < :settled
        ORDER BY limited_at DESC LIMIT :most
    )
    SELECT count(*), count(*) FILTER (WHERE decided + undecided_before < limited_by)
    FROM refused CROSS JOIN LATERAL (
        SELECT (
            SELECT count(*) FROM decision
            WHERE decision.organization_id = refused.organization_id
              AND decided_at > limited_at - :window - :slack AND decided_at <= limited_at + :slack
              AND (limited_scope = 'organization'
                   OR api_key_id IN (SELECT id FROM api_key WHERE lineage_id = refused.lineage_id))
        ) AS decided, (
            SELECT coalesce(sum(other.undecided), 0) FROM limit_minute AS other
            WHERE other.organization_id = refused.organization_id
              AND other.minute > limited_at - 2 * CAST(:window AS interval) - :slack
              AND other.minute <= limited_at + :slack
              AND (limited_scope = 'organization'
                   OR other.api_key_id IN (SELECT id FROM api_key WHERE lineage_id = refused.lineage_id))
        ) AS undecided_before
    ) AS before
""")


class LimitAccuracy(msgspec.Struct, frozen=True):
    decisions: int
    beyond: int
    """Of these, more than the limit of their key in their minute: wrong."""
    refusals: int
    """The last of each minute of a key."""
    unfounded: int
    """Of these, with fewer requests than the limit in the window before: wrong."""

    @property
    def looked_at(self) -> int:
        return self.decisions + self.refusals


@needs_system_scope
def accuracy(*, since: datetime, now: datetime) -> LimitAccuracy:
    """Whole hours: since the one that `since` is in."""
    first = full_hour(since)
    hours = {"since": first, "counted_until": max(db.session.scalar(_COUNTED_UNTIL) or first, first)}
    beyond = db.session.execute(_BEYOND, {**hours, "usual": DEFAULT_LIMIT}).one()
    span = {"since": since, "settled": now - SETTLED_AFTER, "most": MOST_REFUSALS}
    widths = {"window": timedelta(seconds=WINDOW_S), "slack": _SLACK}
    refusals = db.session.execute(_REFUSALS, {**span, **widths}).one()
    return LimitAccuracy(*map(int, (*beyond, *refusals)))


@needs_system_scope
def purge(*, now: datetime) -> None:
    db.session.execute(delete(LimitMinute).where(LimitMinute.minute < now - KEPT))
