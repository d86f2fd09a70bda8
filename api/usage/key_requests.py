"""Requests of each key to the check API, over the last days."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec
from sqlalchemy import func, select

from api.usage.models import KeyRequestDay
from core.db import db

COUNTED_DAYS = 30


class KeyRequests(msgspec.Struct, frozen=True):
    requests: int = 0
    limited: int = 0
    """Of these, refused with 429."""
    days: int = COUNTED_DAYS


def requests_by_key(organization_id: UUID, *, now: datetime) -> dict[UUID, KeyRequests]:
    """Of the keys that made any, with today's until a few seconds ago. One query."""
    first = (now.astimezone(UTC) - timedelta(days=COUNTED_DAYS - 1)).date()
    query = (
        select(KeyRequestDay.api_key_id, func.sum(KeyRequestDay.requests), func.sum(KeyRequestDay.limited))
        .where(KeyRequestDay.organization_id == organization_id, KeyRequestDay.day >= first)
        .group_by(KeyRequestDay.api_key_id)
    )
    return {key_id: KeyRequests(int(requests), int(limited)) for key_id, requests, limited in db.session.execute(query)}
