"""What the decisions of some time were about: their models, departments and applications, and how many there were."""

from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import text

from core.db import db

_COUNTS = text("""
    SELECT count(*) FILTER (WHERE allowed), count(*) FILTER (WHERE NOT allowed) FROM decision
    WHERE organization_id = :organization_id AND environment = :environment
      AND decided_at >= :since AND decided_at < :to
""")
_SHARES = text("""
    SELECT CASE WHEN grouping(model) = 0 THEN 'model'
                WHEN grouping(department) = 0 THEN 'department' ELSE 'application' END AS kind,
           coalesce(model, department, application) AS value,
           count(*) FILTER (WHERE allowed) AS allowed, count(*) FILTER (WHERE NOT allowed) AS blocked
    FROM (
        SELECT allowed, model, metadata ->> 'department' AS department, metadata ->> 'application' AS application
        FROM decision
        WHERE organization_id = :organization_id AND environment = :environment
          AND decided_at >= :since AND decided_at < :to
    ) AS decided
    GROUP BY GROUPING SETS ((model), (department), (application))
    HAVING coalesce(model, department, application) IS NOT NULL
""")

_VALUES = text("""
    SELECT CASE WHEN grouping(model) = 0 THEN 'model' WHEN grouping(operation) = 0 THEN 'operation'
                WHEN grouping(reason) = 0 THEN 'reason' WHEN grouping(department) = 0 THEN 'department'
                ELSE 'application' END AS kind,
           coalesce(model, operation, reason, department, application) AS value
    FROM (
        SELECT model, operation, reason, metadata ->> 'department' AS department,
               metadata ->> 'application' AS application
        FROM decision WHERE organization_id = :organization_id AND decided_at >= :since
    ) AS decided
    GROUP BY GROUPING SETS ((model), (operation), (reason), (department), (application))
    HAVING coalesce(model, operation, reason, department, application) IS NOT NULL
    ORDER BY 1, 2 LIMIT :most
""")
_MOST_VALUES = 500


class Counts(msgspec.Struct, frozen=True):
    allowed: int
    blocked: int

    @property
    def all(self) -> int:
        return self.allowed + self.blocked


class Share(msgspec.Struct, frozen=True):
    """The decisions of one model, department or application."""

    value: str
    allowed: int
    blocked: int

    @property
    def all(self) -> int:
        return self.allowed + self.blocked


def counts_in(organization_id: UUID, *, environment: str, since: datetime, to: datetime) -> Counts:
    span = {"organization_id": organization_id, "environment": environment, "since": since, "to": to}
    return Counts(*db.session.execute(_COUNTS, span).one())


def shares_in(
    organization_id: UUID, *, environment: str, since: datetime, to: datetime, most: int = 5
) -> dict[str, list[Share]]:
    """By `model`, `department` and `application`, the commonest first; read in one pass over the time."""
    span = {"organization_id": organization_id, "environment": environment, "since": since, "to": to}
    found: dict[str, list[Share]] = {"model": [], "department": [], "application": []}
    for row in db.session.execute(_SHARES, span):
        found[row.kind].append(Share(row.value, row.allowed, row.blocked))
    return {kind: sorted(shares, key=lambda one: (-one.all, one.value))[:most] for kind, shares in found.items()}


def values_in(organization_id: UUID, *, since: datetime) -> dict[str, list[str]]:
    """What models, operations, reasons, departments and applications occurred, in the order of the alphabet."""
    found: dict[str, list[str]] = {}
    span = {"organization_id": organization_id, "since": since, "most": _MOST_VALUES}
    for row in db.session.execute(_VALUES, span):
        found.setdefault(row.kind, []).append(row.value)
    return found
