"""Notices by the clock: the first at once, then hourly whatever is due or was missed."""

from uuid import UUID

import structlog

from core.clock import utc_now
from core.db import acting_as_system, db, transaction
from core.jobs import in_its_own_session, jobs
from legal_docs.acceptances import reacceptance
from legal_docs.documents import services as documents
from legal_docs.documents.kinds import Kind
from legal_docs.documents.models import LegalVersion
from legal_docs.register import changes

log = structlog.get_logger()

HOURLY = "10 * * * *"


@jobs.task
@in_its_own_session
def give_version_notices(version_id: str) -> None:
    with acting_as_system(), transaction():
        version = db.session.get_one(LegalVersion, UUID(version_id))
        given = reacceptance.give_first_notices(version, now=utc_now())
    log.info("legal.version_notices_given", version_id=version_id, notices=given)


@jobs.task
@in_its_own_session
def give_change_notices(change_id: str) -> None:
    with acting_as_system(), transaction():
        given = changes.give_notices(changes.find(UUID(change_id)), now=utc_now())
    log.info("legal.change_notices_given", change_id=change_id, notices=given)


@jobs.periodic(cron=HOURLY)
@jobs.task(queueing_lock="follow_up_notices")
@in_its_own_session
def follow_up_notices(timestamp: int) -> None:  # noqa: ARG001  the queue tells when it was due
    now = utc_now()
    with acting_as_system(), transaction():
        for kind in Kind:
            for version in documents.worth_telling(kind):
                reacceptance.give_first_notices(version, now=now)
        for change in changes.announced():
            changes.give_notices(change, now=now)
    with acting_as_system(), transaction():
        reacceptance.follow_up(now=now)
        changes.follow_up(now=now)
