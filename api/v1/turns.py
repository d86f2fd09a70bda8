"""Whose turn a request of the API takes: all keys of an organization share one, so more keys give it no more turns."""

from collections.abc import Callable
from uuid import UUID

from api.authentication import secret_of
from api.snapshots.read_through_cache import NotInMemory
from api.snapshots.store import Snapshots
from core.tokens import digest_of


def organization_by_key(snapshots: Snapshots) -> Callable[[str], UUID | None]:
    """To whom an Authorization header belongs, as far as memory knows; what the key may do is asked elsewhere."""

    def organization_of(authorization: str) -> UUID | None:
        try:
            return snapshots.in_memory.key(digest_of(secret_of(authorization))).organization_id
        except NotInMemory:
            return None

    return organization_of
