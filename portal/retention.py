"""What the privacy policy says we forget is forgotten by the clock, every night. Its figures are the policy's own."""

from datetime import datetime, timedelta

import structlog

from backups import erasures
from billing import retention as billing
from core import mail_records, sessions
from core.calendar import months_later
from core.clock import utc_now
from core.db import acting_as_system, transaction
from core.jobs import Queue, in_its_own_session, jobs
from core.scope import needs_system_scope
from legal_docs.figures import MAIL_RECORD_MONTHS, SESSION_RECORD_DAYS, SUPPORT_RECORD_MONTHS, UNCONFIRMED_DAYS
from portal.customer.offboarding import deletion
from portal.customer.people import attempts, challenges, devices
from portal.feedback import erasure as feedback
from portal.support import erasure as support

log = structlog.get_logger()

NIGHTLY = "35 3 * * *"


@needs_system_scope
def forget(*, now: datetime) -> dict[str, int]:
    """How much of each was past its time. Harmless to repeat."""
    return {
        "sessions": sessions.forget_ended(before=now - timedelta(days=SESSION_RECORD_DAYS)),
        "sign_ups": deletion.forget_unconfirmed(before=now - timedelta(days=UNCONFIRMED_DAYS), now=now),
        "tries": attempts.forget_old(before=now - attempts.LONGEST_WINDOW),
        "challenges": challenges.forget_expired(before=now),
        "browsers": devices.forget_unused(before=now - devices.LIFE),
        "mails": mail_records.forget_written(before=months_later(now, -MAIL_RECORD_MONTHS)),
        "requests": support.forget_long_over(before=months_later(now, -SUPPORT_RECORD_MONTHS)),
        "feedback": feedback.forget_old(before=months_later(now, -SUPPORT_RECORD_MONTHS)),
        "payment_events": billing.forget_payloads(now=now),
        "billing_addresses": billing.forget_addresses(),
    }


@jobs.periodic(cron=NIGHTLY)
@jobs.task(queueing_lock="forget_what_is_past_its_time", queue=Queue.LONG)
@in_its_own_session
def forget_what_is_past_its_time(timestamp: int) -> None:  # noqa: ARG001  the queue tells when it was due
    with acting_as_system(), transaction():
        forgotten = forget(now=utc_now())
    log.info("personal_data.forgotten", **forgotten)


@erasures.restored.connect
def _forget_after_restore(_sender: object, *, now: datetime) -> None:
    """What was past its time since the backup is so still."""
    forget(now=now)
