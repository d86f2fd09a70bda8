"""The worker's part: deliveries that are due, some at once, so that no receiver holds up another.

Receivers that were slow or did not take the last delivery stand apart: they have places of their own, and wait for each
other only.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import structlog
from flask import Flask, current_app

from core.clock import monotonic_s, utc_now
from core.db import acting_as_system, transaction
from core.jobs import Queue, in_its_own_session, jobs
from core.observability import report_error
from portal.notifications import dispatch
from portal.notifications.dispatch import Parcel
from portal.notifications.outside import Answer

log = structlog.get_logger()

AT_ONCE = 6
APART_AT_ONCE = 4
FOR_S = 30.0
"""How long a run takes on new deliveries; what is due then is for the run of the next minute."""


@jobs.periodic(cron="* * * * *")
@jobs.task(queueing_lock="send_due_notifications", queue=Queue.DELIVERIES)
@in_its_own_session
def send_due(timestamp: int = 0) -> None:  # noqa: ARG001  the queue tells when it was due
    _side_by_side(AT_ONCE, is_apart=False)


@jobs.periodic(cron="* * * * *")
@jobs.task(queueing_lock="send_notifications_apart", queue=Queue.DELIVERIES)
@in_its_own_session
def send_apart(timestamp: int = 0) -> None:  # noqa: ARG001  the queue tells when it was due
    _side_by_side(APART_AT_ONCE, is_apart=True)


def send_while_due(*, is_apart: bool, is_over: Callable[[], bool]) -> int:
    """One after the other. How many were sent."""
    sent = 0
    while not is_over() and send_next(is_apart=is_apart):
        sent += 1
    return sent


def send_next(*, is_apart: bool) -> bool:
    """Whether one was due. Between its two transactions nothing is held."""
    with acting_as_system(), transaction():
        parcel = dispatch.take(is_apart=is_apart, now=utc_now())
    if parcel is None:
        return False
    try:
        _finish(parcel, dispatch.send(parcel, now=utc_now()))
    except Exception as error:
        log.exception("notification.not_sent", delivery_id=str(parcel.delivery_id))
        report_error(error)
        _finish(parcel, Answer(took_ms=0, problem="Something went wrong on our side."))
    return True


def _finish(parcel: Parcel, answer: Answer) -> None:
    with acting_as_system(), transaction():
        dispatch.finish(parcel, answer, now=utc_now())


def _side_by_side(threads: int, *, is_apart: bool) -> None:
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001
    ends = monotonic_s() + FOR_S
    with ThreadPoolExecutor(max_workers=threads) as pool:
        lanes = [pool.submit(_lane, app, is_apart, ends) for _ in range(threads)]
    for lane in lanes:
        lane.result()


def _lane(app: Flask, is_apart: bool, ends: float) -> None:
    with app.app_context():
        send_while_due(is_apart=is_apart, is_over=lambda: monotonic_s() >= ends)
