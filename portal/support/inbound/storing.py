"""Keeping a mail as it came, with the job that reads it. Nothing is looked at here. Needs the system's scope."""

import hashlib
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from procrastinate import RetryStrategy
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from core.clock import utc_now
from core.db import acting_as_system, db, transaction
from core.ids import new_uuid
from core.jobs import Queue, defer, in_its_own_session, jobs
from core.observability import Reading, gauge_at_scrape
from core.scope import needs_system_scope
from portal.support.inbound import quarantine, taking
from portal.support.inbound.bounded import Reason
from portal.support.models import InboundMail, MailOutcome

log = structlog.get_logger()

_TRIES = RetryStrategy(max_attempts=5, wait=10, exponential_wait=3)
"""Some seven minutes, well within the half hour after which a person is asked."""
_TAKEN_WITHIN = timedelta(minutes=30)
"""So long the worker may try; then a person is asked."""


@needs_system_scope
def store(raw: bytes, *, now: datetime) -> None:
    """One that is handed in again, the same to the last byte, is kept once."""
    kept = db.session.scalar(
        insert(InboundMail)
        .values(
            id=new_uuid(),
            raw=raw,
            raw_hash=hashlib.sha256(raw).digest(),
            received_at=now,
            outcome=MailOutcome.RECEIVED.value,
        )
        .on_conflict_do_nothing()
        .returning(InboundMail.id)
    )
    if kept is not None:
        defer(take_mail, mail_id=str(kept))


@jobs.task(retry=_TRIES)
@in_its_own_session
def take_mail(mail_id: str) -> None:
    with acting_as_system(), transaction():
        taking.take(UUID(mail_id), now=utc_now())


@jobs.periodic(cron="*/5 * * * *")
@jobs.task(queueing_lock="show_mail_that_was_not_taken", queue=Queue.CLOCKS)
@in_its_own_session
def show_mail_that_was_not_taken(timestamp: int) -> None:  # noqa: ARG001  the queue tells when it was due
    with acting_as_system(), transaction():
        show_not_taken(now=utc_now())


@needs_system_scope
def show_not_taken(*, now: datetime) -> int:
    """What the worker tried for long, or died of, goes to the quarantine as it is; how many."""
    query = select(InboundMail).where(
        InboundMail.outcome == MailOutcome.RECEIVED.value, InboundMail.received_at < now - _TAKEN_WITHIN
    )
    # what the worker reads this moment is not too late yet
    found = db.session.scalars(query.with_for_update(skip_locked=True)).all()
    for row in found:
        log.warning("mail.not_taken", mail_id=str(row.id))
        quarantine.put(row, Reason.NOT_TAKEN, now=now)
    return len(found)


@gauge_at_scrape("aig_inbound_mail_quarantined", "Emails that nobody has looked at and that are no request.")
def quarantined() -> list[Reading]:
    return [({}, quarantine.count())]
