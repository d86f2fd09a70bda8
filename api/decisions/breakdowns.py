"""What the decisions of some time were about: their models, departments and applications, and how many there were."""

from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from sqlalchemy import text

from api.decisions import statistics
from api.decisions.hourly import values
from api.decisions.hourly.spans import span_of
from api.decisions.hourly.values import ValueCount
from core.db import db

_FILTERED_BY = ("model", "operation", "reason", "department", "application")
_MOST_VALUES = 500

_TEXTS = text("""
    SELECT fact, value FROM (
        SELECT model, operation, metadata FROM decision
        WHERE organization_id = :organization_id AND decided_at >= :since AND decided_at < :to
        ORDER BY decided_at DESC LIMIT 2000
    ) AS recent CROSS JOIN LATERAL (
        VALUES ('model', model), ('operation', operation)
        UNION ALL
        SELECT key, stated #>> '{}' FROM jsonb_each(metadata) AS fact (key, stated)
        WHERE jsonb_typeof(stated) = 'string'
    ) AS part (fact, value)
    GROUP BY fact, value ORDER BY count(*) DESC, value LIMIT 1000
""")


class Counts(msgspec.Struct, frozen=True):
    allowed: int
    blocked: int

    @property
    def all(self) -> int:
        return self.allowed + self.blocked


def counts_in(organization_id: UUID, *, environment: str, since: datetime, to: datetime) -> Counts:
    whole: timedelta = to - since
    slots = statistics.over_time(organization_id, environment=environment, since=since, to=to, step=whole)
    return Counts(sum(slot.allowed for slot in slots), sum(slot.blocked for slot in slots))


def shares_in(
    organization_id: UUID, *, environment: str, since: datetime, to: datetime, most: int = 5
) -> dict[str, list[ValueCount]]:
    """By `model`, `department` and `application`, the commonest first."""
    span = span_of(organization_id, since=since, to=to)
    found = values.counts_of(span, kinds=["model", "department", "application"], environment=environment)
    return {kind: sorted(counts, key=lambda one: (-one.all, one.value))[:most] for kind, counts in found.items()}


def values_in(organization_id: UUID, *, since: datetime, to: datetime) -> dict[str, list[str]]:
    """What models, operations, reasons, departments and applications occurred, in the order of the alphabet."""
    found = values.counts_of(span_of(organization_id, since=since, to=to), kinds=_FILTERED_BY)
    return {kind: sorted(one.value for one in counts)[:_MOST_VALUES] for kind, counts in found.items() if counts}


def values_of_facts(organization_id: UUID, *, since: datetime, to: datetime) -> dict[str, list[str]]:
    """What texts occurred lately, of models, operations and each fact, the commonest first."""
    found = db.session.execute(_TEXTS, {"organization_id": organization_id, "since": since, "to": to})
    values_by_fact: dict[str, list[str]] = {}
    for fact, value in found:
        values_by_fact.setdefault(fact, []).append(value)
    return values_by_fact
