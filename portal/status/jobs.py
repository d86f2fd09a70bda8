"""What the worker does by the clock: probes, maintenance, warnings, and the static page; and after every change."""

from collections.abc import Sequence
from datetime import datetime

import structlog

from core import audit, current
from core.audit import AuditEvent
from core.clock import utc_now
from core.db import acting_as_system, transaction
from core.jobs import Queue, defer, in_its_own_session, jobs
from core.observability import report_error
from portal.status import maintenances, prober, probes, snapshot, subscribers, watch
from portal.status.bucket import BucketTrouble
from portal.status.detection import Sample
from portal.status.maintenances import MaintenanceMoved
from portal.status.states import ProbeSource

log = structlog.get_logger()

EVERY_MINUTE = "* * * * *"
EVERY_FIVE_MINUTES = "2-59/5 * * * *"
DAILY = "50 3 * * *"
_NOUNS = frozenset({"incident", "maintenance"})


@jobs.periodic(cron=EVERY_MINUTE)
@jobs.task(queueing_lock="probe_ourselves", queue=Queue.PROBES)
@in_its_own_session
def probe_ourselves(timestamp: int) -> None:  # noqa: ARG001  the queue tells when it was due
    """The network is asked between two transactions, not within one."""
    settings, now = current.settings(), utc_now()
    with acting_as_system(), transaction():
        secret = probes.secret_for_probes(secret_key=settings.secret_key, now=now)
    samples = list(prober.run(settings.probed_url, secret, now=now))
    with acting_as_system(), transaction():
        samples.append(probes.sample_of_messages(now=now))
        note_probes(samples, now=now, source=ProbeSource.WORKER)
        probes.renew_key_if_refused(samples, now=now)


def note_probes(samples: Sequence[Sample], *, now: datetime, source: ProbeSource) -> None:
    """The page follows at once where the state of a component changes."""
    before = probes.states(now=now)
    probes.note(samples, now=now, source=source)
    if probes.states(now=now) != before:
        defer(render_status)


@jobs.periodic(cron=EVERY_MINUTE)
@jobs.task(aliases=["portal.status.jobs.keep_time_of_status"], queueing_lock="run_status_clocks", queue=Queue.CLOCKS)
@in_its_own_session
def run_status_clocks(timestamp: int) -> None:  # noqa: ARG001  the queue tells when it was due
    """Begins and ends maintenance, and tells of clocks that ran out."""
    now = utc_now()
    with acting_as_system():
        for maintenance in maintenances.due(now=now):
            try:
                with transaction():
                    maintenances.advance(maintenance, now=now)
            except MaintenanceMoved:
                continue
            except Exception as error:
                log.exception("maintenance.not_advanced")
                report_error(error)
        with transaction():
            watch.warn(now=now)


@jobs.task(queueing_lock="render_status")
@in_its_own_session
def render_status() -> None:
    _render()


@jobs.periodic(cron=EVERY_FIVE_MINUTES)
@jobs.task(queueing_lock="render_status_by_the_clock")
@in_its_own_session
def render_status_by_the_clock(timestamp: int) -> None:  # noqa: ARG001  the queue tells when it was due
    """So that uptime and the time of rendering are never old."""
    _render()


@jobs.periodic(cron=DAILY)
@jobs.task(queueing_lock="tidy_status")
@in_its_own_session
def tidy_status(timestamp: int) -> None:  # noqa: ARG001  the queue tells when it was due
    now = utc_now()
    with acting_as_system(), transaction():
        probes.purge(now=now)
        subscribers.forget_unconfirmed(now=now)


@audit.written.connect
def render_after(event: AuditEvent) -> None:
    """Whatever changes the page is on the audit log, and the page follows it."""
    if event.action.partition(".")[0] in _NOUNS:
        defer(render_status)


def _render() -> None:
    settings = current.settings()
    with acting_as_system():
        count = snapshot.render(settings.status_path, base_url=settings.base_url, now=utc_now())
    log.info("status.rendered", files=count)
    if settings.status_push_url:
        _push(settings.status_push_url, base_url=settings.base_url)


def _push(url: str, *, base_url: str) -> None:
    """What another host does not take now it is offered again in five minutes; the files here are there already."""
    try:
        with acting_as_system():
            count = snapshot.push(url, base_url=base_url, now=utc_now())
    except BucketTrouble as error:
        log.exception("status.not_pushed")
        report_error(error)
    else:
        log.info("status.pushed", files=count)
