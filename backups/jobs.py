"""Backups by the clock: nightly at 02:00 UTC, and within the hour if that night's was missed or failed."""

from datetime import datetime

import structlog

from backups import making, names, replacing, runs, services
from backups.errors import BackupTrouble
from backups.models import RunKind
from backups.names import BackupKind
from backups.place import Place, here
from core.audit import SYSTEM
from core.clock import utc_now
from core.db import acting_as_system, db
from core.jobs import Queue, in_its_own_session, jobs
from core.observability import report_error

log = structlog.get_logger()

DAILY_AT_TWO = "0 2 * * *"
HOURLY = "40 * * * *"


@jobs.periodic(cron=DAILY_AT_TWO)
@jobs.task(aliases=["core.backups.jobs.back_up"], queueing_lock="back_up", queue=Queue.LONG)
@in_its_own_session
def back_up(timestamp: int) -> None:  # noqa: ARG001  the queue tells when it was due
    now = utc_now()
    making.nightly(_place(now), now=now)


@jobs.periodic(cron=HOURLY)
@jobs.task(aliases=["core.backups.jobs.back_up_if_missed"], queueing_lock="back_up_if_missed", queue=Queue.LONG)
@in_its_own_session
def back_up_if_missed(timestamp: int) -> None:  # noqa: ARG001  the queue tells when it was due
    now = utc_now()
    place = _place(now)
    _catch_up(place, now=now)
    with acting_as_system():
        is_overdue = services.is_overdue(now=now)
        db.session.rollback()
    if is_overdue:
        making.nightly(place, now=now)


def _catch_up(place: Place, *, now: datetime) -> None:
    """If a restore was cut off before it came to that. Its trouble keeps no night's backup from being made up for."""
    try:
        made_again = replacing.catch_up(place, now=now)
    except Exception as error:
        log.exception("erasures.not_made_again")
        report_error(error)
        return
    if made_again:
        log.warning("erasures.made_again", erasures=made_again)


def _place(now: datetime) -> Place:
    """Settings that cannot be used make a failed backup, which is told of as any other."""
    try:
        return here()
    except BackupTrouble:
        with runs.on_record(RunKind.NIGHTLY, names.new_name(BackupKind.NIGHTLY, now=now), by=SYSTEM, now=now):
            raise
