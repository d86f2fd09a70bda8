"""How often rules on trial would have blocked what was allowed, counted in the log."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import text

from core.db import db

_DECIDED = text("""
    SELECT policy_version, count(*) FROM decision
    WHERE organization_id = :organization_id AND decided_at >= :since AND policy_version >= :first GROUP BY 1
""")
_FOUND = text("""
    SELECT finding ->> 'code', policy_version, count(*), count(*) FILTER (WHERE (finding ->> 'would_block')::boolean)
    FROM decision, jsonb_array_elements(shadow) AS finding
    WHERE organization_id = :organization_id AND decided_at >= :since AND policy_version >= :first
      AND shadow IS NOT NULL
    GROUP BY 1, 2
""")


class TrialCount(msgspec.Struct, frozen=True):
    """Decisions since the rule was put on trial, those that it applied to, and those that it would have blocked."""

    looked_at: int
    applied: int
    would_have_blocked: int


def counts_of(organization_id: UUID, trials_since: Mapping[str, int], *, since: datetime) -> dict[str, TrialCount]:
    """By the codes of the rules; each counts from its own first version."""
    if not trials_since:
        return {}
    span = {"organization_id": organization_id, "since": since, "first": min(trials_since.values())}
    decided = {int(row[0]): int(row[1]) for row in db.session.execute(_DECIDED, span)}
    applied, blocked = Counter[str](), Counter[str]()
    for code, version, count, would_block in db.session.execute(_FOUND, span):
        if code in trials_since and version >= trials_since[code]:
            applied[code] += count
            blocked[code] += would_block
    return {
        code: TrialCount(
            looked_at=sum(count for version, count in decided.items() if version >= first),
            applied=applied[code],
            would_have_blocked=blocked[code],
        )
        for code, first in trials_since.items()
    }
