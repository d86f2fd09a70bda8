"""Writing at Stripe: the intent first, then the write, then the record; and finding out where the answer was lost.

The worker is asked to look together with the intent, so it looks too where the process dies in the middle.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from billing import intents
from billing.connection import gateway as configured_gateway
from billing.errors import ChangeUnsure, PaymentsAway
from billing.gateway import Gateway
from billing.intents import Change, Outcome
from billing.resync import catch_up
from billing.waiting import UntilStripeAnswers
from core import audit
from core.audit import Actor
from core.clock import utc_now
from core.db import acting_as_system, transaction
from core.errors import AppError
from core.jobs import Queue, defer, defer_at, in_its_own_session, jobs

LOOK_AFTER = timedelta(minutes=1)


class Kind(msgspec.Struct, frozen=True):
    """`find` asks Stripe, and gives None where nothing was made, or else what the record needs to know beside.

    `note` puts on record what was made. Neither changes anything at Stripe.
    """

    words: str
    find: Callable[[Change, Gateway], dict[str, Any] | None]
    note: Callable[..., None]


def if_so(is_made: Callable[[Change, Gateway], bool]) -> Callable[[Change, Gateway], dict[str, Any] | None]:
    """Where it is enough to know that it was made."""
    return lambda change, gateway: {} if is_made(change, gateway) else None


_kinds: dict[str, Kind] = {}


def declare(name: str, kind: Kind) -> None:
    _kinds[name] = kind


class Steps:
    """Hands out a key for each write, and so knows whether a former one went through."""

    def __init__(self, change: Change) -> None:
        self.change = change
        self.begun = 0

    def key(self, step: str) -> str:
        self.begun += 1
        return self.change.key(step)


def begin(organization_id: UUID, kind: str, wanted: dict[str, Any], *, by: Actor, now: datetime) -> Change:
    """Within a transaction, whose commit has the worker look later. Raises ChangeUnsure while another one is open."""
    change = intents.begin(organization_id, kind, wanted, by=by, now=now)
    if not change.is_joined:
        defer_at(now + LOOK_AFTER, find_out, intent_id=str(change.id))
    return change


@contextmanager
def making(organization_id: UUID, kind: str, wanted: dict[str, Any], *, by: Actor, now: datetime) -> Iterator[Steps]:
    """Around the writes of one change. Commits before and after; nothing is held meanwhile.

    Raises ChangeUnsure where an answer was lost, or while another change is unsure.
    """
    with transaction():
        change = begin(organization_id, kind, wanted, by=by, now=now)
    with settled(change) as steps:
        yield steps
    with transaction():
        put_on_record(change, now=now)


@contextmanager
def settled(change: Change) -> Iterator[Steps]:
    """What becomes of a change whose writes fail. Of those that succeed, whoever makes it keeps record."""
    steps = Steps(change)
    try:
        yield steps
    except PaymentsAway as away:
        if away.is_unsent and steps.begun <= 1 and not change.is_joined:
            _close(change, Outcome.NOT_MADE)
            raise
        _leave_open(change, is_ended=away.is_answered)
        raise ChangeUnsure from away
    except AppError:
        if change.is_joined:
            _look_now(change)
        else:
            _close(change, Outcome.REFUSED)
        raise


def put_on_record(change: Change, *, now: datetime, **found: Any) -> None:
    """Within a transaction. Once, by whoever knows it first."""
    if intents.settle(change, Outcome.MADE, now=now):
        _kinds[change.kind].note(change, now, **found)


@jobs.task(retry=UntilStripeAnswers(), queue=Queue.STRIPE)
@in_its_own_session
def find_out(intent_id: str) -> None:
    """Looks at Stripe whether a change was made whose answer nobody has; the audit log says so, or that it was not."""
    with acting_as_system():
        with transaction():
            change = intents.find_open(UUID(intent_id))
        if change is None:
            return
        gateway, now = configured_gateway(), utc_now()
        found = _kinds[change.kind].find(change, gateway)
        with transaction():
            if found is not None:
                put_on_record(change, now=now, **found)
            elif now < change.unsure_until:
                defer_at(change.unsure_until, find_out, intent_id=intent_id)
            elif intents.settle(change, Outcome.NOT_MADE, now=now):
                about = {"change": _kinds[change.kind].words}
                audit.write(change.organization_id, "plan.change_not_made", by=change.by, now=now, after=about)
        catch_up(change.organization_id, gateway, now=now)


def _close(change: Change, outcome: Outcome) -> None:
    with transaction():
        intents.settle(change, outcome, now=utc_now())


def _leave_open(change: Change, *, is_ended: bool) -> None:
    now = utc_now()
    with transaction():
        if is_ended:
            intents.note_ended(change, now=now)
        about = {"change": _kinds[change.kind].words}
        audit.write(change.organization_id, "plan.change_unsure", by=change.by, now=now, after=about)
        defer(find_out, intent_id=str(change.id))


def _look_now(change: Change) -> None:
    with transaction():
        defer(find_out, intent_id=str(change.id))
