"""Whether the store may be asked for an organization, and up to which number it then has everything.

Nobody waits for a store that is behind: what was recorded after that number is asked of PostgreSQL and added.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID

import msgspec
import structlog
from sqlalchemy import text

from api.analytics import clickhouse
from api.analytics.store import Store, StoreAway
from core import current
from core.clock import utc_now
from core.db import db
from core.observability import ANALYTICS_READS

FED_WITHIN = timedelta(minutes=5)
"""A store that has not been complete for longer is not asked: too much would have to be added."""
_STATE = text("""
    SELECT table_name, recorded_through, complete_at, EXISTS (
        SELECT FROM analytics_erasure WHERE organization_id = :organization_id
    ) AS is_erasing FROM analytics_cursor
""")

Answer = TypeVar("Answer")
log = structlog.get_logger()


class FedStore(msgspec.Struct, frozen=True):
    """The store for one organization; what it finds was recorded up to `through`, and is the organization's."""

    store: Store
    table: str
    organization_id: UUID
    through: int

    def rows(self, what: str, *conditions: str, ending: str = "", **given: Any) -> list[list[Any]]:
        """Raises StoreAway."""
        own = ("organization_id = {organization:UUID}", "recorded_number <= {through:UInt64}")
        query = f"SELECT {what} FROM {self.table} FINAL WHERE {' AND '.join((*own, *conditions))} {ending}"  # noqa: S608  our own words
        return self.store.rows(query, organization=str(self.organization_id), through=self.through, **given)


def ask(organization_id: UUID, question: Callable[[FedStore], Answer | None]) -> Answer | None:
    """What the store answers; None where there is none, or none that may be believed: then PostgreSQL is asked."""
    fed = _fed_store(organization_id)
    if fed is None:
        return None
    try:
        answer = question(fed)
    except StoreAway as error:
        log.warning("analytics.not_read", reason=str(error)[:200])
        answer = None
    ANALYTICS_READS.labels("postgresql" if answer is None else "clickhouse").inc()
    return answer


def _fed_store(organization_id: UUID) -> FedStore | None:
    url = current.settings().clickhouse_url
    if url is None:
        return None
    state = db.session.execute(_STATE, {"organization_id": organization_id}).one_or_none()
    if state is None or state.is_erasing or state.complete_at is None or state.complete_at < utc_now() - FED_WITHIN:
        return None
    return FedStore(clickhouse.for_reading(url), state.table_name, organization_id, state.recorded_through)
