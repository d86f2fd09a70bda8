"""By the clock: heads every minute, and every night a look at the newest heads and a sample of older ones."""

from datetime import timedelta
from uuid import UUID

import structlog
from sqlalchemy import func, select, text

from api.ledger import fence, signing, verification
from api.ledger.models import LogChain, LogCursor
from api.ledger.signing import Signed
from core import audit
from core.audit import SYSTEM
from core.clock import monotonic_s, utc_now
from core.db import acting_as_system, db, transaction
from core.jobs import Queue, in_its_own_session, isolate_errors, jobs
from core.observability import gauge_at_scrape
from core.observability.scrape import Reading

log = structlog.get_logger()

SIGN_FOR_S = 30.0
"""Less than a minute: what is left then is signed in the next. Measured: 19,000 rows a second on a busy machine."""
VERIFY_FOR_S = 600.0
LOOK_BACK = timedelta(days=2)
NIGHTLY = "20 4 * * *"

_SUMMARIZE = text("SELECT summarize_recorded_numbers(:since)")


@jobs.periodic(cron="* * * * *")
@jobs.task(queueing_lock="sign_log_heads", queue=Queue.CLOCKS)
@in_its_own_session
def sign_log_heads(timestamp: int) -> None:  # noqa: ARG001  the queue tells when it was due
    sign_now()


def sign_now() -> None:
    """All that was recorded, or as much as there is time for."""
    until_s = monotonic_s() + SIGN_FOR_S
    signed = _sign_slice()
    while signed is not None and not signed.is_all and monotonic_s() < until_s:
        signed = _sign_slice()
    with acting_as_system(), transaction():
        db.session.execute(_SUMMARIZE, {"since": (utc_now() - timedelta(days=1)).date()})


def _sign_slice() -> Signed | None:
    """None while the log is held by somebody who writes for long."""
    with acting_as_system(), transaction():
        try:
            complete_through = fence.complete_through()
        except fence.WritersBusy:
            log.warning("log_heads.waiting")
            return None
        signed = signing.sign_slice(now=utc_now(), complete_through=complete_through)
    if signed.heads:
        log.info("log_heads.signed", heads=signed.heads, rows=signed.rows)
    return signed


@jobs.periodic(cron=NIGHTLY)
@jobs.task(queueing_lock="verify_log_heads", queue=Queue.LONG)
@in_its_own_session
def verify_log_heads(timestamp: int) -> None:  # noqa: ARG001  the queue tells when it was due
    """Those first that were looked at least lately, so that each has its turn however many there are."""
    with acting_as_system(), transaction():
        order = (LogChain.verified_at.asc().nulls_first(), LogChain.organization_id)
        waiting = list(db.session.scalars(select(LogChain.organization_id).order_by(*order)))
    until_s = monotonic_s() + VERIFY_FOR_S
    for organization_id in waiting:
        if monotonic_s() > until_s:
            return
        with isolate_errors("log_heads.not_verified", organization_id), acting_as_system(), transaction():
            verify_one(organization_id)


def verify_one(organization_id: UUID) -> None:
    """Keeps what was found, for the page, the alert and the audit log."""
    now = utc_now()
    chain = db.session.get_one(LogChain, organization_id, populate_existing=True)
    report = verification.verify_sample(chain, since=now - LOOK_BACK)
    chain.verified_at, chain.findings = now, [finding.words for finding in report.findings]
    if not report.is_intact:
        log.critical("log_heads.tampering", organization_id=str(organization_id), findings=chain.findings)
        audit.write(
            organization_id, "decisions.tampering_found", by=SYSTEM, now=now, after={"findings": chain.findings[:5]}
        )


@gauge_at_scrape("aig_log_unsigned_seconds", "How long ago the log was last signed.")
def unsigned_seconds() -> list[Reading]:
    return [({}, (utc_now() - db.session.scalars(select(LogCursor.advanced_at)).one()).total_seconds())]


@gauge_at_scrape("aig_log_unsigned_rows", "Decisions that were recorded and that no head covers yet, about.")
def unsigned_rows() -> list[Reading]:
    return [({}, max(0, fence.last_number() - db.session.scalars(select(LogCursor.recorded_through)).one()))]


@gauge_at_scrape("aig_log_tampering_findings", "Entries of decision logs that the last verifications found changed.")
def tampering_findings() -> list[Reading]:
    return [
        ({}, db.session.scalar(select(func.coalesce(func.sum(func.jsonb_array_length(LogChain.findings)), 0))) or 0)
    ]
