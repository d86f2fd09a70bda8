"""The log in pages of lines, by COPY: a decision's id, a tab, and what it was judged by."""

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

import msgspec
from psycopg import sql

from api.decisions.hourly.spans import span_of
from api.decisions.impact.judging import id_of
from core.db import driver_connection
from core.ids import time_of

_PAGE = sql.SQL("""
    COPY (
        SELECT id, policy_version, allowed, risk_score, reason,
               CASE WHEN {with_subject} THEN coalesce(encode(subject, 'hex'), '') ELSE '' END,
               replace(api_key_id::text, '-', ''), model, operation, metadata
        FROM decision
        WHERE organization_id = {organization_id} AND decided_at >= {since} AND decided_at < {until}
          AND (decided_at, id) > ({after_time}, {after_id})
        ORDER BY decided_at, id LIMIT {size}
    ) TO STDOUT
""")
_COUNT = """
    SELECT (SELECT coalesce(sum(allowed + blocked), 0) FROM decision_hour
            WHERE organization_id = %(organization_id)s AND hour >= %(first)s AND hour < %(last)s)
         + (SELECT count(*) FROM decision
            WHERE organization_id = %(organization_id)s AND decided_at >= %(since)s AND decided_at < %(first)s)
         + (SELECT count(*) FROM decision
            WHERE organization_id = %(organization_id)s AND decided_at >= %(last)s AND decided_at < %(to)s)
"""
_FIRST_ID = UUID(int=0)


class Span(msgspec.Struct, frozen=True):
    """Whose decisions, and of which time. The subject matters only where a rule is in force for a share of them."""

    organization_id: UUID
    since: datetime
    until: datetime
    with_subject: bool


def page(span: Span, after: UUID | None, *, size: int) -> list[bytes]:
    """Lines of the decisions that come after one, oldest first."""
    query = _PAGE.format(
        with_subject=span.with_subject,
        organization_id=span.organization_id,
        since=span.since,
        until=span.until,
        after_time=time_of(after) if after else span.since,
        after_id=after or _FIRST_ID,
        size=size,
    )
    with driver_connection().cursor() as cursor, cursor.copy(query) as copy:
        return list(map(bytes, copy))


def pages(span: Span, *, size: int) -> Iterator[list[bytes]]:
    after: UUID | None = None
    while lines := page(span, after, size=size):
        yield lines
        after = id_of(lines[-1])


def count(organization_id: UUID, *, since: datetime, until: datetime) -> int:
    """By the hours that are counted: millions are not counted while somebody waits."""
    span = span_of(organization_id, since=since, to=until)
    row = driver_connection().execute(_COUNT, span.parameters).fetchone()
    assert row is not None  # noqa: S101  a count has one
    return int(row[0])
