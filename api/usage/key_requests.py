"""Requests of each key to the check API, over the last days."""

from collections import defaultdict
from collections.abc import Collection
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import msgspec
from sqlalchemy import select

from api.usage.models import KeyRequestDay
from core.db import among, db

COUNTED_DAYS = 30


class KeyRequests(msgspec.Struct, frozen=True):
    requests: int = 0
    limited: int = 0
    """Of these, refused with 429."""
    days: int = COUNTED_DAYS
    daily: tuple[int, ...] = (0,) * COUNTED_DAYS
    """Requests of each day, the earliest first."""


def requests_by_key(organization_id: UUID, key_ids: Collection[UUID], *, now: datetime) -> dict[UUID, KeyRequests]:
    """Of those of the keys that made any, with today's until a few seconds ago. One query."""
    first = (now.astimezone(UTC) - timedelta(days=COUNTED_DAYS - 1)).date()
    query = select(KeyRequestDay).where(
        KeyRequestDay.organization_id == organization_id,
        among(KeyRequestDay.api_key_id, key_ids),
        KeyRequestDay.day >= first,
    )
    found: dict[UUID, list[KeyRequestDay]] = defaultdict(list)
    for row in db.session.scalars(query):
        found[row.api_key_id].append(row)
    return {key_id: _counted(rows, first=first) for key_id, rows in found.items()}


def _counted(rows: list[KeyRequestDay], *, first: date) -> KeyRequests:
    daily = [0] * COUNTED_DAYS
    for row in rows:
        daily[min((row.day - first).days, COUNTED_DAYS - 1)] += row.requests
    return KeyRequests(sum(daily), sum(row.limited for row in rows), daily=tuple(daily))
