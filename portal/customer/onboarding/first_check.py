"""What a new key's page shows once its first check has come in."""

from datetime import datetime, timedelta

from api.decisions import services as decisions
from api.decisions.models import Decision
from api.decisions.schema import DecisionFilter
from api.keys.models import ApiKey
from core.ids import public_id

FOLLOWED_FOR = timedelta(hours=1)
"""A page that is left open longer has been forgotten, and the log of a whole day is not searched for it."""


def first_decision(key: ApiKey, *, subject_secret: bytes) -> Decision | None:
    """The newest decision of the key's first hour."""
    chosen = DecisionFilter(key=public_id("key", key.id), since=key.created_at, to=key.created_at + FOLLOWED_FOR)
    found = decisions.list_page(key.organization_id, chosen, subject_secret=subject_secret, after=None, size=1)
    return found[0] if found else None


def is_followed(key: ApiKey, *, now: datetime) -> bool:
    return now < key.created_at + FOLLOWED_FOR
