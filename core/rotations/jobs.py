"""What is noticed without anybody: a secret that was changed, and what is still sealed with an older key."""

import structlog
from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from core.clock import utc_now
from core.current import settings
from core.db import acting_as_system, transaction
from core.jobs import in_its_own_session, jobs
from core.rotations import services

log = structlog.get_logger()

DAILY_AT_FOUR = "0 4 * * *"


def notice_at_start(app: Flask) -> None:
    """A new value begins with a start. A database that is away keeps nothing from starting; the next one notices."""
    with app.app_context():
        try:
            with acting_as_system(), transaction():
                noticed = services.notice(now=utc_now())
        except SQLAlchemyError as error:
            log.warning("secrets.not_noticed", exc_info=error)
            return
        if noticed:
            log.info("secrets.noticed", names=noticed)


@jobs.periodic(cron=DAILY_AT_FOUR)
@jobs.task(queueing_lock="reseal")
@in_its_own_session
def reseal(timestamp: int) -> None:  # noqa: ARG001  the queue tells when it was due
    """A day after the new key came at the latest: by then no process runs that has the old one alone."""
    if settings().secret_key_previous:
        with acting_as_system(), transaction():
            log.info("secrets.resealed", count=services.reseal())
