"""The worker's part: deliveries that are due, some at once, so that no receiver holds up another.

New deliveries go at once, and each retry has a job of its own for the time when it is due. The clock starts the same
every minute, for what was lost with a worker.

Receivers that were slow or did not take the last delivery are isolated: they have places of their own, and wait only
for each other.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Lock
from time import sleep
from uuid import UUID

import structlog
from flask import Flask, current_app

from core.clock import monotonic_s, utc_now
from core.db import acting_as_system, transaction
from core.jobs import Queue, defer, defer_at, in_its_own_session, jobs
from core.observability import report_error
from portal.notifications import dispatch
from portal.notifications.dispatch import DueDelivery
from portal.notifications.egress import Answer
from portal.notifications.models import Channel

log = structlog.get_logger()

AT_ONCE = 6
ISOLATED_AT_ONCE = 4
FOR_S = 30.0
"""How long a run takes on new deliveries; what is due then is for another run, so that both kinds have their turn."""
_LOOK_AGAIN_S = 0.25
"""A place that is free looks so often for what became due, as long as another of its run is taken."""


@jobs.periodic(cron="* * * * *")
@jobs.task(queueing_lock="send_due_notifications", queue=Queue.DELIVERIES)
@in_its_own_session
def send_due(timestamp: int = 0) -> None:  # noqa: ARG001  the queue tells when it was due
    _side_by_side(AT_ONCE, is_isolated=False)


@jobs.periodic(cron="* * * * *")
@jobs.task(
    aliases=["portal.notifications.sending.send_apart"],
    queueing_lock="send_isolated_notifications",
    queue=Queue.DELIVERIES,
)
@in_its_own_session
def send_isolated(timestamp: int = 0) -> None:  # noqa: ARG001  the queue tells when it was due
    _side_by_side(ISOLATED_AT_ONCE, is_isolated=True)


@jobs.task(queue=Queue.DELIVERIES)
@in_its_own_session
def retry(delivery_id: str, tries: int) -> None:
    """Begins a run when a delivery is due again; the run takes it, so that it is never sent twice."""
    with acting_as_system(), transaction():
        found = dispatch.find_untaken(UUID(delivery_id), tries=tries)
        if found is None:
            return
        delivery, channel = found
        if delivery.next_try_at is not None and delivery.next_try_at > utc_now():
            defer_at(delivery.next_try_at, retry, delivery_id=delivery_id, tries=tries)
        else:
            begin_run(channel)


def begin_run(channel: Channel) -> None:
    """Sends what is due through it, also if it is isolated, as its last delivery was slow or failed."""
    defer(send_isolated if channel.is_isolated else send_due)


def send_while_due(*, is_isolated: bool, is_over: Callable[[], bool]) -> int:
    """One after the other. How many were sent."""
    sent = 0
    while not is_over() and send_next(is_isolated=is_isolated):
        sent += 1
    return sent


def send_next(*, is_isolated: bool) -> bool:
    """Whether one was due."""
    due = _take(is_isolated=is_isolated)
    if due is not None:
        _send(due)
    return due is not None


def _take(*, is_isolated: bool) -> DueDelivery | None:
    with acting_as_system(), transaction():
        return dispatch.take(is_isolated=is_isolated, now=utc_now())


def _send(due: DueDelivery) -> None:
    """With no transaction open."""
    try:
        _record_outcome(due, dispatch.send(due, now=utc_now()))
    except Exception as error:
        log.exception("notification.not_sent", delivery_id=str(due.delivery_id))
        report_error(error)
        _record_outcome(due, Answer(took_ms=0, problem="Internal error on our side."))


def _record_outcome(due: DueDelivery, answer: Answer) -> None:
    with acting_as_system(), transaction():
        next_try_at = dispatch.record_outcome(due, answer, now=utc_now())
        if next_try_at is not None:
            defer_at(next_try_at, retry, delivery_id=str(due.delivery_id), tries=due.tries)


def _side_by_side(threads: int, *, is_isolated: bool) -> None:
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001
    run = _Run(is_isolated=is_isolated, ends_s=monotonic_s() + FOR_S)
    with ThreadPoolExecutor(max_workers=threads) as pool:
        senders = [pool.submit(run.send_until_none_is_due, app) for _ in range(threads)]
    for sender in senders:
        sender.result()
    if run.is_over():
        with acting_as_system(), transaction():
            defer(send_isolated if is_isolated else send_due)


class _Run:
    """Some senders beside each other. None ends while another still sends: what becomes due meanwhile does not wait."""

    def __init__(self, *, is_isolated: bool, ends_s: float) -> None:
        self._is_isolated = is_isolated
        self._ends_s = ends_s
        self._sending = 0
        self._lock = Lock()

    def is_over(self) -> bool:
        return monotonic_s() >= self._ends_s

    def send_until_none_is_due(self, app: Flask) -> None:
        with app.app_context():
            while not self.is_over():
                due = _take(is_isolated=self._is_isolated)
                if due is not None:
                    with self._counted():
                        _send(due)
                elif self._sending:
                    sleep(_LOOK_AGAIN_S)
                else:
                    return

    @contextmanager
    def _counted(self) -> Iterator[None]:
        with self._lock:
            self._sending += 1
        try:
            yield
        finally:
            with self._lock:
                self._sending -= 1
