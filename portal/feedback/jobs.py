"""Every morning: whoever's time has come is asked."""

from core.clock import utc_now
from core.db import acting_as_system, transaction
from core.jobs import in_its_own_session, isolate_errors, jobs
from portal.feedback import services
from portal.status import probes

MORNINGS = "10 9 * * *"


@jobs.periodic(cron=MORNINGS)
@jobs.task(queueing_lock="ask_for_feedback")
@in_its_own_session
def ask_for_feedback(timestamp: int) -> None:  # noqa: ARG001  the queue tells when it was due
    """One transaction for each organization: the trouble of one holds up no other."""
    now = utc_now()
    with acting_as_system():
        for organization in services.live_organizations(but=probes.SLUG):
            with isolate_errors("feedback.not_asked", organization.id), transaction():
                services.ask_what_is_due(organization, now=now)
