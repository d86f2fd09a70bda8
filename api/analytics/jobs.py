"""Every minute: erasures first, then what was recorded since. And what there is to see of it."""

from datetime import timedelta

import structlog
from sqlalchemy import select

from api.analytics import clickhouse, erasing, feeding
from api.analytics.feeding import Fed
from api.analytics.models import AnalyticsCursor
from api.analytics.store import Store, StoreAway
from api.ledger import fence
from core import current
from core.clock import monotonic_s, utc_now
from core.db import acting_as_system, db, transaction
from core.jobs import Queue, in_its_own_session, jobs
from core.observability import gauge_at_scrape
from core.observability.scrape import Reading

log = structlog.get_logger()

FEED_FOR_S = 40.0


@jobs.periodic(cron="* * * * *")
@jobs.task(queueing_lock="feed_analytics", queue=Queue.LONG)
@in_its_own_session
def feed_analytics(timestamp: int) -> None:  # noqa: ARG001  the queue tells when it was due
    url = current.settings().clickhouse_url
    if url is not None:
        feed_now(clickhouse.for_writing(url))


def feed_now(store: Store, *, most_rows: int = feeding.MOST_ROWS) -> bool:
    """All that was recorded and erased, or as much as there is time for. Whether the store has everything then."""
    until_s = monotonic_s() + FEED_FOR_S
    try:
        with acting_as_system(), transaction():
            feeding.prepare(store, now=utc_now())
        with acting_as_system(), transaction():
            erasing.erase_noted(store, now=utc_now())
        fed = _feed_slice(store, most_rows)
        while not fed.is_all and monotonic_s() < until_s:
            fed = _feed_slice(store, most_rows)
    except fence.WritersBusy:
        log.warning("analytics.waiting")
    except StoreAway as error:
        log.warning("analytics.not_fed", reason=str(error)[:200])
    else:
        return fed.is_all
    return False


def _feed_slice(store: Store, most_rows: int) -> Fed:
    with acting_as_system(), transaction():
        through = fence.complete_through()
        fed = feeding.feed_slice(store, now=utc_now(), complete_through=through, most_rows=most_rows)
    if fed.rows:
        log.info("analytics.fed", rows=fed.rows)
    return fed


@gauge_at_scrape("aig_analytics_behind_seconds", "How long ago the analytical store had every decision; 0 without one.")
def behind_seconds() -> list[Reading]:
    cursor = db.session.scalar(select(AnalyticsCursor))
    if cursor is None:
        return [({}, 0.0)]
    behind: timedelta = utc_now() - (cursor.complete_at or cursor.begun_at)
    return [({}, behind.total_seconds())]


@gauge_at_scrape("aig_analytics_erasures_overdue", "Erasures that did not reach the analytical store in time.")
def erasures_overdue() -> list[Reading]:
    return [({}, erasing.overdue(now=utc_now()))]
