"""How often each value occurred: of a model, an operation, a reason, a policy, a department or an application."""

from collections.abc import Sequence

import msgspec
from sqlalchemy import text

from api.decisions.hourly.spans import Span
from core.db import db

_LOGGED = """
    SELECT kind, value, allowed::integer AS allowed, (NOT allowed)::integer AS blocked
    FROM decision CROSS JOIN LATERAL (
        VALUES ('model', model), ('operation', operation), ('reason', reason),
               ('department', metadata ->> 'department'), ('application', metadata ->> 'application')
        UNION ALL
        SELECT DISTINCT 'policy', jsonb_path_query(reasons, '$[*].policy') #>> '{{}}' WHERE NOT allowed
    ) AS part (kind, value)
    WHERE organization_id = :organization_id AND (CAST(:environment AS text) IS NULL OR environment = :environment)
      AND decided_at >= {since} AND decided_at < {to} AND kind = ANY(:kinds) AND value IS NOT NULL
"""
_COUNTS = text(f"""
    SELECT kind, value, sum(allowed) AS allowed, sum(blocked) AS blocked FROM (
        SELECT of_kind.key AS kind, of_value.key AS value,
               (of_value.value ->> 0)::integer AS allowed, (of_value.value ->> 1)::integer AS blocked
        FROM decision_hour, unnest(CAST(:kinds AS text[])) AS of_kind (key),
             jsonb_each(by_value -> of_kind.key) AS of_value
        WHERE organization_id = :organization_id AND (CAST(:environment AS text) IS NULL OR environment = :environment)
          AND hour >= :first AND hour < :last
        UNION ALL {_LOGGED.format(since=":since", to=":first")}
        UNION ALL {_LOGGED.format(since=":last", to=":to")}
    ) AS counted GROUP BY 1, 2
""")  # noqa: S608  our own words


class ValueCount(msgspec.Struct, frozen=True):
    """The decisions with one value."""

    value: str
    allowed: int
    blocked: int

    @property
    def all(self) -> int:
        return self.allowed + self.blocked


def counts_of(span: Span, *, kinds: Sequence[str], environment: str | None = None) -> dict[str, list[ValueCount]]:
    """Of each kind every value that occurred; in one environment, or in both."""
    found: dict[str, list[ValueCount]] = {kind: [] for kind in kinds}
    given = {**span.parameters, "kinds": list(kinds), "environment": environment}
    for row in db.session.execute(_COUNTS, given):
        found[row.kind].append(ValueCount(row.value, int(row.allowed), int(row.blocked)))
    return found
