"""When the worker watches over requests: promises every minute, the rest every hour."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Protocol
from uuid import UUID

import structlog
from sqlalchemy import func, select

from core.clock import utc_now
from core.db import acting_as_system, db, transaction
from core.jobs import Queue, in_its_own_session, jobs
from core.observability import Reading, gauge_at_scrape, report_error
from portal.support import queue, watch
from portal.support.models import NoticeKind, Ticket, TicketNotice
from portal.support.severities import Level, Severity
from portal.support.sla import Kind
from portal.support.states import RequestStatus

log = structlog.get_logger()

EVERY_MINUTE = "* * * * *"
HOURLY = "25 * * * *"


class _Act(Protocol):
    def __call__(self, ticket_id: UUID, *, now: datetime) -> None: ...


@jobs.periodic(cron=EVERY_MINUTE)
@jobs.task(queueing_lock="watch_promises", queue=Queue.CLOCKS)
@in_its_own_session
def watch_promises(timestamp: int) -> None:  # noqa: ARG001  the queue tells when it was due
    _each(watch.due, watch.look)


@jobs.periodic(cron=HOURLY)
@jobs.task(queueing_lock="tend_requests")
@in_its_own_session
def tend_requests(timestamp: int) -> None:  # noqa: ARG001  the queue tells when it was due
    _each(watch.unheard, watch.end_waiting)
    _each(watch.to_be_asked, watch.ask)
    _each(watch.resolved_long_ago, watch.close)


def _each(find: Callable[[datetime], Iterable[UUID]], act: _Act) -> None:
    """One transaction for each request: the trouble of one holds up no other."""
    now = utc_now()
    with acting_as_system():
        for ticket_id in find(now):
            try:
                with transaction():
                    act(ticket_id, now=now)
            except Exception as error:
                log.exception("ticket.not_tended", ticket_id=str(ticket_id))
                report_error(error)


@gauge_at_scrape("aig_tickets_open", "Requests under way, by severity.")
def open_tickets() -> list[Reading]:
    counts = queue.counts_by_severity()
    return [({"severity": severity.value}, counts.get(severity.value, 0)) for severity in Severity]


@gauge_at_scrape("aig_tickets_due_soon", "Requests whose promise was warned of and is not yet over.")
def tickets_due_soon() -> list[Reading]:
    query = (
        select(func.count(func.distinct(Ticket.id)))
        .join(TicketNotice, TicketNotice.ticket_id == Ticket.id)
        .where(TicketNotice.kind == NoticeKind.WARNED.value, TicketNotice.due_at == Ticket.due_at)
    )
    return [({}, db.session.scalar(query) or 0)]


@gauge_at_scrape("aig_critical_tickets_unanswered", "Requests that whoever is on call has and nobody has taken.")
def critical_tickets_unanswered() -> list[Reading]:
    """Those that call nobody, of strangers who write many, are not among them."""
    query = select(func.count()).where(
        Ticket.severity == Severity.CRITICAL.value,
        Ticket.level == Level.ON_CALL.value,
        Ticket.status == RequestStatus.NEW.value,
    )
    return [({}, db.session.scalar(query) or 0)]


@gauge_at_scrape("aig_ticket_clocks_breached", "Promises missed so far, by clock and severity.")
def clocks_breached() -> list[Reading]:
    query = select(TicketNotice.clock, TicketNotice.severity, func.count())
    missed = query.where(TicketNotice.kind == NoticeKind.MISSED.value).group_by(
        TicketNotice.clock, TicketNotice.severity
    )
    counts = {(row[0], row[1]): row[2] for row in db.session.execute(missed)}
    return [
        ({"clock": clock.value, "severity": severity.value}, counts.get((clock.value, severity.value), 0))
        for clock in Kind
        for severity in Severity
    ]
