"""What events brought along is forgotten by the clock, and sooner where the organization is closed."""

from datetime import timedelta

import pytest
from flask import Flask

from billing import webhook_events
from billing.models import BillingAccount, StripeEvent
from core.accounts import Organization
from core.clock import utc_now
from core.db import acting_as_system, db, transaction
from core.retention import FAILED_PAYMENT_EVENT_DAYS, PAYMENT_EVENT_DAYS
from local.stripe_sandbox import events, store
from portal.retention import forget
from tests.billing.scene import access, receive
from tests.cast import Member

DAY = timedelta(days=1)


def stored(app: Flask, status: str, who: Member | None = None) -> str:
    with app.app_context(), acting_as_system(), transaction():
        event = events.emit("customer.updated", {**store.every("customer")[0], "name": "Ada Example"})
        webhook_events.store(event, now=utc_now())
        row = db.session.get_one(StripeEvent, event["id"])
        row.status, row.organization_id = status, who.organization_id if who else None
    return str(event["id"])


def night(app: Flask, *, days: float) -> None:
    with app.app_context(), acting_as_system(), transaction():
        forget(now=utc_now() + days * DAY)


def kept(app: Flask, event_id: str) -> tuple[str, bool]:
    with app.app_context(), acting_as_system():
        row = db.session.get_one(StripeEvent, event_id)
        return row.status, "Ada Example" in str(row.payload)


@pytest.mark.parametrize("status", ["processed", "ignored"])
def test_what_is_done_is_emptied_after_a_month(app: Flask, subscribed: Member, status: str) -> None:
    event_id = stored(app, status)

    night(app, days=PAYMENT_EVENT_DAYS - 1)
    assert kept(app, event_id) == (status, True)
    night(app, days=PAYMENT_EVENT_DAYS + 1)
    assert kept(app, event_id) == (status, False)


@pytest.mark.parametrize("status", ["failed", "received"])
def test_what_failed_can_be_tried_again_for_longer(app: Flask, subscribed: Member, status: str) -> None:
    event_id = stored(app, status)

    night(app, days=FAILED_PAYMENT_EVENT_DAYS - 1)
    assert kept(app, event_id) == (status, True)
    night(app, days=FAILED_PAYMENT_EVENT_DAYS + 1)
    assert kept(app, event_id) == ("ignored", False)


def test_of_a_closed_organization_nothing_waits_for_a_month(app: Flask, subscribed: Member) -> None:
    closed_one, another = stored(app, "processed", subscribed), stored(app, "processed")
    with app.app_context(), acting_as_system(), transaction():
        db.session.get_one(Organization, subscribed.organization_id).status = "closed"
        db.session.get_one(BillingAccount, subscribed.organization_id).billing_email = "ada@home.example"

    night(app, days=0)

    assert kept(app, closed_one) == ("processed", False)
    assert kept(app, another) == ("processed", True)
    with app.app_context(), acting_as_system():
        assert db.session.get_one(BillingAccount, subscribed.organization_id).billing_email is None


def test_an_event_that_was_emptied_is_still_known_when_it_comes_again(app: Flask, subscribed: Member) -> None:
    with app.app_context(), acting_as_system():
        event = store.every("event")[0]
    night(app, days=PAYMENT_EVENT_DAYS + 1)

    assert receive(app, event) == 204

    assert access(app, subscribed).plan is not None
    with app.app_context(), acting_as_system():
        assert db.session.get_one(StripeEvent, event["id"]).payload == {}
