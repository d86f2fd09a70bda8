"""At the same moment, on a real database: two tabs that subscribe, and a return page beside its webhooks."""

from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event, current_thread, main_thread
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from billing import catalogue, checkouts, mirror, refunds, webhook_events
from billing.connection import gateway
from billing.entitlements import access_for
from billing.errors import PaymentsAway
from billing.gateway import Gateway
from billing.models import BillingAccount, Checkout, StripeEvent, Subscription
from billing.plans import PlanCode
from core.audit import COMMAND_LINE
from core.clock import utc_now
from core.db import acting_as_system, db, transaction
from local.stripe_sandbox import checkout, store
from tests.billing.scene import open_checkout
from tests.cast import Member, organization_with_key
from tests.portal.test_team import at_once


@pytest.fixture
def home(live_app: Flask) -> Member:
    with live_app.app_context(), transaction():
        catalogue.sync(catalogue.parts(gateway().client, webhook_url=None))
    return organization_with_key(live_app)


def test_two_tabs_open_one_checkout_for_one_customer(live_app: Flask, home: Member) -> None:
    """Case 8."""
    urls: list[str] = []

    def click() -> None:
        with live_app.app_context(), acting_as_system(), transaction():
            urls.append(open_checkout(home))

    assert at_once(click, click) == [None, None]

    assert len(set(urls)) == 1
    with live_app.app_context(), acting_as_system():
        assert len(store.every("customer")) == 1
        assert db.session.scalar(select(func.count()).select_from(Checkout)) == 1
        assert db.session.scalar(select(func.count()).select_from(BillingAccount)) == 1


def test_another_plan_in_another_tab_ends_the_first_checkout(live_app: Flask, home: Member) -> None:
    with live_app.app_context(), acting_as_system(), transaction():
        first = open_checkout(home)
        db.session.get_one(BillingAccount, home.organization_id).is_metered_offered = True
        open_checkout(home, PlanCode.METERED)

        assert store.need(first.rpartition("/")[2])["status"] == "expired"
        assert sorted(db.session.scalars(select(Checkout.status))) == ["expired", "open"]


def test_after_paying_nobody_can_subscribe_once_more(live_app: Flask, home: Member) -> None:
    with live_app.app_context(), acting_as_system(), transaction():
        checkout.pay(open_checkout(home).rpartition("/")[2])
    with live_app.app_context(), acting_as_system(), pytest.raises(checkouts.AlreadySubscribed), transaction():
        open_checkout(home)


def test_when_stripe_is_silent_a_checkout_is_refused(
    live_app: Flask, home: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Case 8: an unsure answer is a no."""

    def silent(_self: object, _customer_id: str) -> None:
        raise PaymentsAway

    monkeypatch.setattr(type(live_app.extensions["billing_gateway"]), "subscriptions_of", silent)
    with live_app.app_context(), acting_as_system(), pytest.raises(PaymentsAway), transaction():
        open_checkout(home)

    with live_app.app_context(), acting_as_system():
        assert db.session.scalar(select(func.count()).select_from(Checkout)) == 0


def test_the_return_page_and_three_events_at_once_leave_one_of_everything(live_app: Flask, home: Member) -> None:
    """Case 3."""
    with live_app.app_context(), acting_as_system(), transaction():
        session = checkout.pay(open_checkout(home).rpartition("/")[2])
        sent = [event["id"] for event in store.every("event")][:3]
        for event_id in sent:
            webhook_events.store(store.need(event_id), now=utc_now())

    def process(event_id: str) -> None:
        with live_app.app_context(), acting_as_system(), transaction():
            webhook_events.process(event_id, gateway(), now=utc_now())

    def come_back() -> None:
        with live_app.app_context(), acting_as_system(), transaction():
            mirror.sync(home.organization_id, gateway(), now=utc_now())

    outcomes = at_once(come_back, *(lambda event_id=event_id: process(event_id) for event_id in sent))

    assert outcomes == [None] * 4
    with live_app.app_context(), acting_as_system():
        assert db.session.scalars(select(Subscription.id)).all() == [session["subscription"]]
        assert set(db.session.scalars(select(StripeEvent.status))) == {"processed"}
        assert access_for(home.organization_id, now=utc_now()).plan is PlanCode.PRO


def test_a_tab_that_asked_stripe_before_the_other_opened_its_checkout_gets_that_one(
    live_app: Flask, home: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    urls: list[str] = []
    list_open = Gateway.open_checkouts_of

    def open_checkouts_of(self: Gateway, customer_id: str) -> Any:
        found = list_open(self, customer_id)
        if not urls:
            monkeypatch.setattr(Gateway, "open_checkouts_of", list_open)
            urls.append(open_checkout(home))
        return found

    with live_app.app_context(), acting_as_system():
        monkeypatch.setattr(Gateway, "open_checkouts_of", open_checkouts_of)
        urls.append(open_checkout(home))
        attempts = db.session.scalar(select(func.count()).select_from(Checkout))

    assert urls[0] == urls[1]
    assert attempts == 1


def test_the_same_event_twice_at_once_is_one(live_app: Flask, home: Member) -> None:
    """Case 1."""
    with live_app.app_context(), acting_as_system(), transaction():
        checkout.pay(open_checkout(home).rpartition("/")[2])
        event = store.every("event")[0]
    are_new: list[bool] = []

    def store_it() -> None:
        with live_app.app_context(), acting_as_system(), transaction():
            are_new.append(webhook_events.store(event, now=utc_now()))

    assert at_once(store_it, store_it, store_it) == [None] * 3
    assert sorted(are_new) == [False, False, True]


def test_a_refund_that_was_decided_while_another_was_under_way_at_stripe_is_not_made(
    live_app: Flask, home: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second reads the charge before the first is made, and decides after the first was put on record."""
    with live_app.app_context(), acting_as_system(), transaction():
        checkout.pay(open_checkout(home).rpartition("/")[2])
        mirror.sync(home.organization_id, gateway(), now=utc_now())
        invoice_id = store.every("invoice")[0]["id"]
    has_read, is_made = Event(), Event()
    read_charge, make_refund = Gateway.charge_for, Gateway.refund

    def give_back() -> None:
        with live_app.app_context(), acting_as_system():
            refunds.refund(
                home.organization_id,
                invoice_id,
                gateway(),
                amount_minor=1_000,
                refunded_before_minor=0,
                reason="Kindness.",
                by=COMMAND_LINE,
                now=utc_now(),
            )

    def charge_for(self: Gateway, payment: str) -> Any:
        found = read_charge(self, payment)
        if current_thread() is not main_thread():
            has_read.set()
            is_made.wait(10)
        return found

    def refund(self: Gateway, payment: str, **options: Any) -> str:
        if current_thread() is main_thread():
            second.append(pool.submit(give_back))
            has_read.wait(10)
        return make_refund(self, payment, **options)

    monkeypatch.setattr(Gateway, "charge_for", charge_for)
    monkeypatch.setattr(Gateway, "refund", refund)
    second: list[Future[None]] = []
    with ThreadPoolExecutor(1) as pool:
        give_back()
        is_made.set()
        with pytest.raises(refunds.RefundedMeanwhile):
            second[0].result(30)

    with live_app.app_context(), acting_as_system():
        assert [refund["amount"] for refund in store.every("refund")] == [1_000]


def test_two_operators_who_refund_at_once_give_the_money_back_once(live_app: Flask, home: Member) -> None:
    with live_app.app_context(), acting_as_system(), transaction():
        checkout.pay(open_checkout(home).rpartition("/")[2])
        mirror.sync(home.organization_id, gateway(), now=utc_now())
        invoice_id = store.every("invoice")[0]["id"]

    def give_back() -> None:
        with live_app.app_context(), acting_as_system(), transaction():
            refunds.refund(
                home.organization_id,
                invoice_id,
                gateway(),
                amount_minor=1_000,
                refunded_before_minor=0,
                reason="Kindness.",
                by=COMMAND_LINE,
                now=utc_now(),
            )

    outcomes = at_once(give_back, give_back)

    assert sorted(type(one).__name__ for one in outcomes) == ["NoneType", "RefundedMeanwhile"]
    with live_app.app_context(), acting_as_system():
        assert [refund["amount"] for refund in store.every("refund")] == [1_000]
