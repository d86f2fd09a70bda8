"""Notices by the clock: the first at once, then hourly whatever is due or was missed; and the measures of the DPA."""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

import structlog

from core import current
from core.clock import utc_now
from core.db import acting_as_system, db, transaction
from core.jobs import Queue, in_its_own_session, jobs
from legal_docs.acceptances import reacceptance
from legal_docs.documents import services as documents
from legal_docs.documents.kinds import Kind
from legal_docs.documents.models import LegalVersion
from legal_docs.measures import services as measures
from legal_docs.notices import services as notices
from legal_docs.register import changes, effect

log = structlog.get_logger()

HOURLY = "10 * * * *"
HALF_HOURLY = "25,55 * * * *"


def _until_all_are_told(give: Callable[[], int]) -> int:
    """One transaction for as many as are told at once: no row stays locked while thousands are written to. How many."""
    given = 0
    while True:
        with acting_as_system(), transaction():
            more = give()
        given += more
        if more < notices.AT_ONCE:
            return given


def _give_version_notices(version_id: UUID, *, now: datetime) -> int:
    return _until_all_are_told(
        lambda: reacceptance.give_first_notices(db.session.get_one(LegalVersion, version_id), now=now)
    )


def _give_change_notices(change_id: UUID, *, now: datetime) -> int:
    return _until_all_are_told(lambda: changes.give_notices(changes.find(change_id), now=now))


@jobs.task(queue=Queue.LONG)
@in_its_own_session
def give_version_notices(version_id: str) -> None:
    given = _give_version_notices(UUID(version_id), now=utc_now())
    log.info("legal.version_notices_given", version_id=version_id, notices=given)


@jobs.task(queue=Queue.LONG)
@in_its_own_session
def give_change_notices(change_id: str) -> None:
    given = _give_change_notices(UUID(change_id), now=utc_now())
    log.info("legal.change_notices_given", change_id=change_id, notices=given)


@jobs.periodic(cron=HOURLY)
@jobs.task(queueing_lock="follow_up_notices", queue=Queue.LONG)
@in_its_own_session
def follow_up_notices(timestamp: int) -> None:  # noqa: ARG001  the queue tells when it was due
    now = utc_now()
    with acting_as_system():
        version_ids = [version.id for kind in Kind for version in documents.worth_telling(kind)]
        change_ids = [change.id for change in changes.announced()]
        db.session.rollback()
    for version_id in version_ids:
        _give_version_notices(version_id, now=now)
    for change_id in change_ids:
        _give_change_notices(change_id, now=now)
    _until_all_are_told(lambda: reacceptance.follow_up(now=now))
    with acting_as_system(), transaction():
        effect.follow_up(now=now)


@jobs.periodic(cron=HALF_HOURLY)
@jobs.task(queueing_lock="look_at_measures", queue=Queue.LONG)
@in_its_own_session
def look_at_measures(timestamp: int) -> None:  # noqa: ARG001  the queue tells when it was due
    look_now()


@jobs.task(queueing_lock="look_at_measures_again", queue=Queue.LONG)
@in_its_own_session
def look_at_measures_again() -> None:
    look_now()


def look_now() -> None:
    """Other machines are asked outside of any transaction that writes."""
    now = utc_now()
    with acting_as_system():
        found = measures.look(current.settings(), now=now)
        with transaction():
            measures.record(found, now=now)
