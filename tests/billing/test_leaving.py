"""What is left at Stripe of accounts that close, of customers that are gone, and of events that say odd things."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from billing import checkouts, mirror, webhook_events
from billing.connection import gateway
from billing.errors import PaymentsAway
from billing.jobs import end_plan_of_closed_account, end_plan_of_closing_account, process_event
from billing.models import BillingAccount, StripeEvent
from billing.plans import PlanCode
from core.accounts import Organization
from core.clock import utc_now
from core.db import acting_as_system, db, transaction
from local.stripe_sandbox import checkout, events, store, subscriptions
from local.stripe_sandbox.store import SandboxObject
from tests.billing.scene import access, count, open_checkout, post, receive
from tests.cast import Member
from tests.people import Person, mails_to


def set_status(app: Flask, who: Member, status: str) -> None:
    with app.app_context(), acting_as_system(), transaction():
        db.session.get_one(Organization, who.organization_id).status = status


def second_subscription(app: Flask, who: Member) -> None:
    with app.app_context(), acting_as_system(), transaction():
        customer = db.session.get_one(BillingAccount, who.organization_id).customer_id or ""
        price = store.every("price")[0]["id"]
        subscriptions.start(customer, price, {"product": "ai-governance"}, is_paid=True)


def statuses(app: Flask) -> set[str]:
    with app.app_context(), acting_as_system():
        return {one["status"] for one in store.every("subscription")}


def test_closing_ends_every_live_subscription(app: Flask, subscribed: Member) -> None:
    second_subscription(app, subscribed)

    with app.app_context():
        end_plan_of_closing_account(organization_id=str(subscribed.organization_id))
    with app.app_context(), acting_as_system():
        assert all(one["cancel_at"] or one["cancel_at_period_end"] for one in store.every("subscription"))

    with app.app_context():
        end_plan_of_closed_account(organization_id=str(subscribed.organization_id))
    assert statuses(app) == {"canceled"}


def test_operators_hear_of_a_second_live_subscription(app: Flask, subscribed: Member, operator: Person) -> None:
    second_subscription(app, subscribed)
    for _ in range(2):
        with app.app_context(), acting_as_system():
            mirror.sync(subscribed.organization_id, gateway(), now=utc_now())

    assert [mail.template for mail in mails_to(app, operator.email)] == ["subscription_second"]


def test_an_open_checkout_does_not_survive_closing(app: Flask, ada: Member, prices: None) -> None:
    with app.app_context(), acting_as_system():
        session_id = open_checkout(ada).rpartition("/")[2]
        db.session.commit()

    with app.app_context():
        end_plan_of_closing_account(organization_id=str(ada.organization_id))

    with app.app_context(), acting_as_system():
        assert store.need(session_id)["status"] == "expired"


def test_what_is_paid_after_closing_is_ended_and_told(
    app: Flask, ada: Member, prices: None, operator: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    with app.app_context(), acting_as_system(), transaction():
        checkout.pay(open_checkout(ada).rpartition("/")[2])
    set_status(app, ada, "closed")
    left: list[Any] = []
    monkeypatch.setattr("billing.jobs.defer", lambda job, **about: left.append((job, about)))

    with app.app_context(), acting_as_system():
        mirror.sync(ada.organization_id, gateway(), now=utc_now())

    assert left == [(end_plan_of_closed_account, {"organization_id": str(ada.organization_id)})]
    assert "charged_after_closing" in [mail.template for mail in mails_to(app, operator.email)]


def forget_at_stripe(app: Flask, identifier: str) -> None:
    with app.app_context(), acting_as_system(), transaction():
        db.session.get_one(SandboxObject, identifier).id = f"gone:{identifier}"


def test_a_customer_unknown_at_stripe_changes_nothing_and_is_told(
    app: Flask, subscribed: Member, operator: Person
) -> None:
    with app.app_context(), acting_as_system():
        [customer] = store.every("customer")
    forget_at_stripe(app, customer["id"])

    assert (
        receive(app, {**blank_event("evt_1"), "data": {"object": {"object": "invoice", "customer": customer["id"]}}})
        == 204
    )

    assert access(app, subscribed).plan is PlanCode.PRO
    assert [mail.template for mail in mails_to(app, operator.email)] == ["customer_gone"]
    page = operator.get("/console/billing").text
    assert customer["id"] in page
    assert operator.post(f"/console/organizations/{subscribed.organization_id}/customer/unlink").status_code == 303
    assert access(app, subscribed).plan is not PlanCode.PRO
    assert operator.post(f"/console/organizations/{subscribed.organization_id}/customer/unlink").status_code == 404


def blank_event(identifier: str) -> dict[str, Any]:
    return {"id": identifier, "object": "event", "type": "invoice.paid", "livemode": False, "created": 1}


@pytest.mark.parametrize("kind", ["charge", "invoice", "subscription", "dispute", "checkout.session"])
def test_an_event_whose_object_is_gone_is_ignored(app: Flask, subscribed: Member, kind: str) -> None:
    family = {"subscription": "customer.subscription", "dispute": "charge.dispute"}.get(kind, kind)
    thin = {
        **blank_event("evt_gone"),
        "object": "v2.core.event",
        "created": "2026-11-22T12:00:00Z",
        "type": f"v1.{family}.updated",
        "related_object": {"id": "gone_1", "type": kind},
    }

    assert receive(app, thin) == 204

    with app.app_context(), acting_as_system():
        assert db.session.get_one(StripeEvent, "evt_gone").status == "ignored"


def test_while_stripe_is_away_an_event_waits_and_never_fails(
    app: Flask, subscribed: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent(*_: object, **__: object) -> None:
        raise PaymentsAway

    with app.app_context(), acting_as_system(), transaction():
        event = events.emit("customer.updated", store.every("customer")[0])
        webhook_events.store(event, now=utc_now())
    monkeypatch.setattr(mirror, "sync", silent)
    job = process_event.configure().job.evolve(attempts=40)
    with pytest.raises(PaymentsAway) as away, app.app_context():
        process_event.func(type("Context", (), {"job": job})(), event_id=event["id"])

    decision = process_event.get_retry_exception(exception=away.value, job=job)
    assert decision is not None
    with app.app_context(), acting_as_system():
        assert db.session.get_one(StripeEvent, event["id"]).status == "received"


ODD: dict[str, Callable[[], dict[str, Any]]] = {
    "created is a word": lambda: {"created": "yesterday"},
    "created is beyond all years": lambda: {"created": 10**30},
    "created is a list": lambda: {"created": [1]},
    "created is negative": lambda: {"created": -(10**12)},
    "data is a list": lambda: {"data": [1, 2]},
    "data is a text": lambda: {"data": "x"},
    "object is a list": lambda: {"data": {"object": [1]}},
    "customer without an id": lambda: {"data": {"object": {"object": "invoice", "customer": {}}}},
    "metadata is a list": lambda: {"data": {"object": {"object": "invoice", "customer": "cus_x", "metadata": [1]}}},
}


@pytest.mark.parametrize("name", ODD)
def test_an_odd_event_that_is_signed_is_kept(app: Flask, name: str) -> None:
    assert receive(app, {**blank_event("evt_odd"), **ODD[name]()}) == 204
    assert count(app, StripeEvent, StripeEvent.status == "ignored") == 1


@pytest.mark.parametrize(
    "spoiled",
    [
        '"data": ' + "[" * 20_000 + "]" * 20_000,
        '"data": ' + '{"a":' * 500 + "1" + "}" * 500,
        '"data": "\\u0000"',
        '"data": "\\ud800"',
        '"data": NaN',
        '"data": 1e999',
        '"id": ["evt_1"]',
        '"type": 7',
    ],
)
def test_what_cannot_be_kept_is_refused(app: Flask, spoiled: str) -> None:
    body = json.dumps(blank_event("evt_odd"))[:-1] + ", " + spoiled + "}"

    assert post(app, body.encode()) == 400
    assert count(app, StripeEvent) == 0


def test_a_planned_downgrade_keeps_the_quantity(app: Flask, subscribed: Member) -> None:
    with app.app_context(), acting_as_system(), transaction():
        subscription = store.every("subscription")[0]
        subscription["items"]["data"][0]["quantity"] = 5
        store.save(subscription)
        gateway().change_later(subscription, PlanCode.METERED, key="later")
        [schedule] = store.every("subscription_schedule")

    assert int(schedule["phases"][0]["items"][0]["quantity"]) == 5


def test_who_buys_another_product_may_still_subscribe(app: Flask, ada: Member, prices: None) -> None:
    with app.app_context(), acting_as_system(), transaction():
        customer = checkouts.customer_of(ada.organization_id, gateway(), email="a@x.example", now=utc_now())
        price = store.make("price", "price", product="prod_hours", currency="usd", unit_amount=1, active=True)
        subscriptions.start(customer, price["id"], {"product": "consulting"}, is_paid=True)

        assert open_checkout(ada)
