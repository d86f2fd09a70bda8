"""The states of an event from Stripe: every pair of them, and no other way to change one."""

from itertools import product

import pytest
from flask import Flask

from billing import webhook_events
from billing.models import StripeEvent
from billing.states import DONE, MOVES, EventStatus
from core.clock import utc_now
from core.db import acting_as_system, db, transaction

EVENT = {"id": "evt_states", "type": "invoice.paid", "created": 1_700_000_000, "livemode": False}


def stored(app: Flask, status: EventStatus) -> None:
    with app.app_context(), acting_as_system(), transaction():
        webhook_events.store(EVENT, now=utc_now())
        db.session.get_one(StripeEvent, EVENT["id"]).status = status.value


def kept(app: Flask) -> tuple[str, int, str | None]:
    with app.app_context(), acting_as_system():
        event = db.session.get_one(StripeEvent, EVENT["id"])
        return event.status, event.attempts, event.note


def test_every_state_stands_in_the_table() -> None:
    assert set(MOVES) == set(EventStatus)
    assert {EventStatus.PROCESSED, EventStatus.IGNORED} == DONE


@pytest.mark.parametrize(("before", "after"), list(product(EventStatus, EventStatus)))
def test_an_event_changes_only_as_the_table_says(app: Flask, before: EventStatus, after: EventStatus) -> None:
    stored(app, before)

    with app.app_context(), acting_as_system(), transaction():
        webhook_events._move(str(EVENT["id"]), after)

    is_allowed = after in MOVES[before]
    assert kept(app)[:2] == ((after, 1) if is_allowed else (before, 0))


@pytest.mark.parametrize("before", sorted(DONE))
def test_a_failure_that_comes_late_leaves_an_event_done_that_another_worker_has_processed(
    app: Flask, before: EventStatus
) -> None:
    stored(app, before)

    with app.app_context(), acting_as_system(), transaction():
        webhook_events.note_failure(str(EVENT["id"]), "RuntimeError: it took too long")

    assert kept(app) == (before, 0, None)
