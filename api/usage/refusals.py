"""What was refused of an organization's requests lately: how often, with which code, and for which fields."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text

from core.db import db

REFUSALS_KEPT = timedelta(days=31)

_SUMMED = text("""
    SELECT code, fault, field, sum(requests) AS requests, max(last_at) AS last_at,
           (array_agg(last_request_id ORDER BY last_at DESC))[1] AS last_request_id
    FROM refused_request_hour
    WHERE organization_id = :organization_id AND hour >= :since
      AND (CAST(:environment AS text) IS NULL OR environment = :environment)
    GROUP BY code, fault, field
    ORDER BY requests DESC, code, fault, field
""")


class RefusedField(msgspec.Struct, frozen=True):
    field: str
    fault: str
    requests: int


class Refusals(msgspec.Struct, frozen=True):
    """Requests that were refused with one code. A request can have several fields at fault."""

    code: str
    requests: int
    last_at: datetime
    last_request_id: str
    fields: Sequence[RefusedField]


def refusals_of(organization_id: UUID, *, since: datetime, environment: str | None = None) -> list[Refusals]:
    """Of the hours that begin in this time, to the last few seconds; the most frequent first. One query."""
    span = {"organization_id": organization_id, "since": since, "environment": environment}
    rows = db.session.execute(_SUMMED, span).all()
    return [
        Refusals(row.code, int(row.requests), row.last_at, row.last_request_id, _fields_of(row.code, rows))
        for row in rows
        if not row.fault
    ]


def _fields_of(code: str, rows: Sequence[Any]) -> list[RefusedField]:
    return [RefusedField(row.field, row.fault, int(row.requests)) for row in rows if row.code == code and row.fault]
