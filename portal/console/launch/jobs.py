"""When the checks of the board are run: every hour, and when somebody asks."""

from core import current
from core.clock import utc_now
from core.db import acting_as_system, transaction
from core.jobs import Queue, in_its_own_session, jobs
from portal.console.launch import services
from portal.console.launch.items import every_check
from portal.console.launch.running import run_check
from portal.console.launch.verdicts import CheckContext

HOURLY = "40 * * * *"


@jobs.task(queueing_lock="look_again", queue=Queue.LONG)
@in_its_own_session
def look_again() -> None:
    look_now()


@jobs.periodic(cron=HOURLY)
@jobs.task(queueing_lock="look_every_hour", queue=Queue.LONG)
@in_its_own_session
def look_every_hour(timestamp: int) -> None:  # noqa: ARG001  the queue tells when it was due
    look_now()


def look_now() -> None:
    """Runs every check and keeps at once what it found, so that the board shows how far it is.

    Other machines are asked outside of any transaction that writes.
    """
    around = CheckContext(current.settings(), utc_now())
    with acting_as_system():
        for code in every_check():
            verdict = run_check(code, around)
            with transaction():
                services.record({code: verdict}, now=utc_now())
