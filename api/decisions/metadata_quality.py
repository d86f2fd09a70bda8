"""How much of what the policies need callers tell: by key and application, over the latest decisions."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import text

from core.db import db

MOST_LOOKED_AT = 20_000

_LATEST = """
    WITH latest AS (
        SELECT api_key_id, metadata ->> 'application' AS application, metadata FROM decision
        WHERE organization_id = :organization_id AND decided_at >= :since
        ORDER BY decided_at DESC, id DESC LIMIT :most
    )
"""
_TOTALS = text(f"{_LATEST} SELECT api_key_id, application, count(*) FROM latest GROUP BY 1, 2")  # noqa: S608  our own words
_STATED = text(f"""
    {_LATEST}
    SELECT api_key_id, application, fact, count(*)
    FROM latest, jsonb_object_keys(metadata) AS fact WHERE fact = ANY(:facts) GROUP BY 1, 2, 3
""")  # noqa: S608  our own words


class CallerQuality(msgspec.Struct, frozen=True):
    """One key and application, and how often each fact that the policies need was sent."""

    key_id: UUID
    application: str | None
    decisions: int
    stated: dict[str, int]

    @property
    def score(self) -> int:
        """In percent: the share of decisions in which a needed fact was sent, averaged over these facts."""
        most = self.decisions * len(self.stated)
        return round(100 * sum(self.stated.values()) / most) if most else 100

    @property
    def never(self) -> list[str]:
        return [fact for fact, count in self.stated.items() if not count]

    @property
    def sometimes(self) -> dict[str, int]:
        """In percent of the decisions, of facts that were sent in some of them; never rounded to none or all."""
        partly = {fact: count for fact, count in self.stated.items() if 0 < count < self.decisions}
        return {fact: min(99, max(1, round(100 * count / self.decisions))) for fact, count in partly.items()}


def callers(organization_id: UUID, facts: Collection[str], *, since: datetime) -> list[CallerQuality]:
    """The worst first, among equals the busiest."""
    span = {"organization_id": organization_id, "since": since, "most": MOST_LOOKED_AT}
    stated: dict[tuple[UUID, str | None], dict[str, int]] = {}
    for key_id, application, fact, count in db.session.execute(_STATED, {**span, "facts": list(facts)}):
        stated.setdefault((key_id, application), {})[fact] = count
    found = [
        CallerQuality(
            key_id, application, count, {fact: stated.get((key_id, application), {}).get(fact, 0) for fact in facts}
        )
        for key_id, application, count in db.session.execute(_TOTALS, span)
    ]
    return sorted(found, key=lambda one: (one.score, -one.decisions, one.application or ""))
