"""Whether limits were right: minutes of a key with more decisions than its limit, and refusals with fewer before them.

Both are certain where they are found: a window is looked at as wide as clocks may differ.
"""

from datetime import datetime, timedelta

import msgspec
from sqlalchemy import delete, text

from api.limits.window import DEFAULT_LIMIT, WINDOW_S
from api.usage.models import LimitMinute
from core.db import db
from core.scope import needs_system_scope

KEPT = timedelta(days=2)
SETTLED_AFTER = timedelta(minutes=5)
"""Until then a decision may still be in the spool."""
MOST_REFUSALS = 2_000
_SLACK = timedelta(seconds=1)

_BEYOND = text("""
    SELECT count(*), count(*) FILTER (WHERE decisions > coalesce(api_key.rate_limit, organization.check_limit, :usual))
    FROM (
        SELECT api_key_id, date_trunc('minute', decided_at) AS minute, count(*) AS decisions
        FROM decision WHERE decided_at >= :since GROUP BY 1, 2
    ) AS minutes
    JOIN api_key ON api_key.id = minutes.api_key_id
    JOIN organization ON organization.id = api_key.organization_id
""")
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
    minutes: int
    """Of a key, with at least one decision."""
    beyond: int
    """Of these, with more than the limit: some answers were wrong."""
    refusals: int
    """The last of each minute of a key."""
    unfounded: int
    """Of these, with fewer requests than the limit in the window before: wrong."""

    @property
    def looked_at(self) -> int:
        return self.minutes + self.refusals


@needs_system_scope
def accuracy(*, since: datetime, now: datetime) -> LimitAccuracy:
    beyond = db.session.execute(_BEYOND, {"since": since, "usual": DEFAULT_LIMIT}).one()
    span = {"since": since, "settled": now - SETTLED_AFTER, "most": MOST_REFUSALS}
    widths = {"window": timedelta(seconds=WINDOW_S), "slack": _SLACK}
    refusals = db.session.execute(_REFUSALS, {**span, **widths}).one()
    return LimitAccuracy(*map(int, (*beyond, *refusals)))


@needs_system_scope
def purge(*, now: datetime) -> None:
    db.session.execute(delete(LimitMinute).where(LimitMinute.minute < now - KEPT))
