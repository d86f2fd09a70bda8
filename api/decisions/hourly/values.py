"""How often each value occurred: of a model, an operation, a reason, a policy, a department or an application.

The analytical store counts them, if there is one that may be believed, and otherwise PostgreSQL by its counted hours.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

import msgspec
from sqlalchemy import Row, text

from api.analytics import reading
from api.analytics.reading import FedStore
from api.analytics.rows import words_of
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

_RECORDED_SINCE = text(f"""
    WITH since AS MATERIALIZED (
        SELECT * FROM decision WHERE organization_id = :organization_id AND recorded_number > :through
    ), counted AS ({_LOGGED.format(since=":since", to=":to").replace("FROM decision ", "FROM since ")})
    SELECT kind, value, sum(allowed) AS allowed, sum(blocked) AS blocked FROM counted GROUP BY 1, 2
""")  # noqa: S608  our own words
"""By their numbers first, however the rest would be planned: there are few."""


_PARTS = {
    kind: f"[('{kind}', CAST({kind} AS Nullable(String)))]"
    for kind in ("model", "operation", "reason", "department", "application")
} | {"policy": "arrayMap(one -> ('policy', CAST(one AS Nullable(String))), policies)"}
_Counted = dict[tuple[str, str], tuple[int, int]]
"""By kind and value: how many were allowed, and how many blocked."""


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
    counted = reading.ask(span.organization_id, partial(_in_store, span, list(kinds), environment))
    if counted is None:
        given = {**span.parameters, "kinds": list(kinds), "environment": environment}
        counted = _by_place(db.session.execute(_COUNTS, given).all())
    found: dict[str, list[ValueCount]] = {kind: [] for kind in kinds}
    for (kind, value), (allowed, blocked) in counted.items():
        found[kind].append(ValueCount(value, allowed, blocked))
    return found


def _in_store(span: Span, kinds: list[str], environment: str | None, fed: FedStore) -> _Counted:
    """What it was fed, and what PostgreSQL has since."""
    given = {**span.parameters, "kinds": kinds, "environment": environment, "through": fed.through}
    later = _by_place(db.session.execute(_RECORDED_SINCE, given).all())
    parts = ", ".join(_PARTS[kind] for kind in kinds)
    within = ["decided_at >= {since:DateTime64(6, 'UTC')}", "decided_at < {to:DateTime64(6, 'UTC')}"]
    in_environment = ["environment = {environment:String}"] if environment is not None else []
    counted = fed.rows(
        f"arrayJoin(arrayFilter(one -> isNotNull(one.2), arrayConcat({parts}))) AS place,"
        " countIf(allowed), countIf(NOT allowed)",
        *within,
        *in_environment,
        ending="GROUP BY place",
        since=words_of(span.since),
        to=words_of(span.to),
        **({"environment": environment} if environment is not None else {}),
    )
    for (kind, value), allowed, blocked in counted:
        before = later.get((kind, value), (0, 0))
        later[kind, value] = (before[0] + int(allowed), before[1] + int(blocked))
    return later


def _by_place(rows: Sequence[Row[Any]]) -> _Counted:
    return {(row.kind, row.value): (int(row.allowed), int(row.blocked)) for row in rows}
