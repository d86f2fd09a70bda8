"""Impact analyses in the worker: part by part, with pauses, so that checks have the machine for most of the time."""

from uuid import UUID

import structlog

from api.decisions.impact import replays, services
from api.decisions.impact.analysis import Analysis
from api.decisions.impact.pacing import Pace
from api.decisions.impact.tally import Tally
from core.clock import utc_now
from core.db import acting_as_system, acting_for, db, is_away, transaction
from core.graceful_shutdown import is_stopping
from core.jobs import Queue, defer, in_its_own_session, isolate_errors, jobs
from core.observability import report_error

log = structlog.get_logger()


@jobs.task(queue=Queue.LONG)
@in_its_own_session
def analyze_impact(organization_id: str, impact_id: str) -> None:
    """Goes on where a worker that was lost has stopped.

    Raises ReplayDiffers where decisions can't be reproduced, so that the job fails and waits for a person.
    """
    differing = 0
    with acting_for(UUID(organization_id)):
        try:
            differing = _analyze(UUID(organization_id), UUID(impact_id))
        except Exception as error:
            if is_away(error):
                raise  # tried again when it is back
            log.exception("impact.failed", impact_id=impact_id)
            report_error(error)
            with transaction():
                services.fail(UUID(organization_id), UUID(impact_id), now=utc_now())
    if differing:
        raise replays.ReplayDiffers(f"{differing} decisions differ when replayed")


def _analyze(organization_id: UUID, impact_id: UUID) -> int:
    """How many decisions can't be reproduced, of an analysis that came to its end."""
    differing = 0

    def on_done(tally: Tally) -> None:
        nonlocal differing
        differing = tally.recorded_otherwise
        replays.report_differences(organization_id, tally, now=utc_now())

    with transaction():
        analysis = Analysis(organization_id, impact_id, on_done=on_done)
    pause, goes_on = Pace(), True
    while goes_on:
        with transaction():
            part = analysis.read(pause=pause)
        if part is None:
            break
        pause()
        analysis.judge(part, pause=pause)
        with transaction():
            goes_on = analysis.keep(part, now=utc_now())
            if goes_on and is_stopping.is_set():
                defer(analyze_impact, organization_id=str(organization_id), impact_id=str(impact_id))
                break
        pause()
    return differing


@jobs.periodic(cron="20 3 * * *")
@jobs.task(queueing_lock="check_replays", queue=Queue.LONG)
@in_its_own_session
def check_replays(timestamp: int) -> None:  # noqa: ARG001  the queue tells when it was due
    """Raises ReplayDiffers where a sample can't be reproduced, so that the job fails and waits for a person."""
    now, differing = utc_now(), 0
    with acting_as_system():
        found = replays.organizations_with_decisions(since=now - replays.OVER)
        db.session.rollback()
    pause = Pace()
    for organization_id in found:
        pause()
        with isolate_errors("replay.not_checked", organization_id), acting_for(organization_id), transaction():
            differing += replays.check_sample(organization_id, now=now).recorded_otherwise
    if differing:
        raise replays.ReplayDiffers(f"{differing} decisions differ when replayed")
