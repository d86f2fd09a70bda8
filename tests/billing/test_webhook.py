"""What comes in by webhook: signed or refused, stored once, processed in any order with the same end."""

import inspect
from collections.abc import Callable
from functools import partial
from itertools import permutations
from typing import Any, cast

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from billing import mirror, webhook_events
from billing.access import AccessState
from billing.connection import gateway, is_sandbox
from billing.entitlements import access_for
from billing.models import BillingAccount, StripeEvent, Subscription
from billing.plans import PlanCode
from core.accounts import Organization
from core.audit import AuditEvent
from core.clock import utc_now
from core.db import acting_as_system, db, transaction
from core.settings import Environment, Settings
from local.stripe_sandbox import checkout, customers, events, invoices, store, subscriptions
from local.stripe_sandbox.blank import blank
from tests.billing.scene import (
    access,
    count,
    happen,
    open_checkout,
    post,
    receive,
    sent_events,
    sign,
    subscribe,
    subscription_id,
)
from tests.cast import Member
from tests.people import Person, mails_to
from wsgi import create_app


def test_the_same_event_many_times_has_one_effect(app: Flask, subscribed: Member, owner: Person) -> None:
    """Case 1: whatever comes again changes nothing, writes nothing to the audit log and emails nobody."""
    with app.app_context(), acting_as_system():
        again = sent_events()
    before = count(app, AuditEvent), count(app, StripeEvent), len(mails_to(app, owner.email))

    for event in again * 2:
        assert receive(app, event) == 204

    assert (count(app, AuditEvent), count(app, StripeEvent), len(mails_to(app, owner.email))) == before


def test_every_order_of_the_first_events_ends_alike(app: Flask, ada: Member, prices: None) -> None:
    """Case 2: what Stripe says when it is asked is what counts, not what an old event says."""
    subscribe(app, ada)
    with app.app_context(), acting_as_system():
        emitted = sent_events()
        stale = {**emitted[-1], "id": "evt_stale", "type": "customer.subscription.updated"}
        stale["data"] = {"object": {**store.every("subscription")[0], "status": "incomplete"}}
    ends = set()
    for number, order in enumerate(list(permutations([*emitted, stale]))[::11]):
        for event in order:
            receive(app, {**event, "id": f"{event['id']}_{number}"})
        ends.add((access(app, ada).state, subscription_id(app, ada)))
        with app.app_context(), acting_as_system():
            assert db.session.scalars(select(Subscription.status)).all() == ["active"]

    assert len(ends) == 1


@pytest.mark.parametrize(
    "spoil",
    [
        {"body": b'{"id": "evt_1", "type": "invoice.paid"} '},
        {"header": ""},
        {"header": "t=1,v1=00"},
        {"secret": "whsec_of_somebody_else"},
        {"age_s": 301},
        {"body": b"\xff\xfe"},
        {"body": b"[]"},
        {"body": b"not json"},
        {"body": b'{"type": "invoice.paid"}'},
    ],
)
def test_what_is_not_signed_and_sound_writes_nothing(app: Flask, spoil: dict[str, Any]) -> None:
    """Case 4. A body that was changed is one whose signature belongs to another."""
    body = spoil.pop("body", b'{"id": "evt_1", "type": "invoice.paid"}')
    if body.endswith(b" "):
        right = sign(body.strip(), events.secret_from(app.config["SECRET_KEY"]), int(utc_now().timestamp()))
        spoil = {"header": right}

    assert post(app, body, **spoil) == 400
    assert count(app, StripeEvent) == 0


def test_the_previous_secret_still_counts_while_a_new_one_is_rolled_out(app: Flask) -> None:
    old, new = "whsec_old", "whsec_new"
    with app.app_context():
        both = type(gateway())(gateway().client, webhook_secrets=[new, old], is_live=False)
    body = b'{"id": "evt_1", "type": "invoice.paid"}'

    for secret in (old, new):
        assert both.read_event(body, sign(body, secret, int(utc_now().timestamp())))["id"] == "evt_1"


@pytest.mark.parametrize("status", ["paused", "a_status_of_next_year"])
def test_an_odd_status_is_kept_grants_nothing_paid_and_raises_one_alert(
    app: Flask, subscribed: Member, operator: Person, status: str
) -> None:
    """Case 5."""
    for _ in range(2):
        happen(app, tell, subscription_id(app, subscribed), status=status)

    assert access(app, subscribed).plan is not PlanCode.PRO
    with app.app_context(), acting_as_system():
        assert db.session.scalars(select(Subscription.status)).all() == [status]
    assert [mail.template for mail in mails_to(app, operator.email)] == ["subscription_odd"]


def tell(subscription: str, **changes: Any) -> None:
    """Stripe changes a subscription and says so, in a way that its contract may not know yet."""
    changed = store.save({**store.need(subscription), **changes})
    inspect.unwrap(events.emit)("customer.subscription.updated", changed)


def test_a_cancellation_in_the_portal_shows_its_day_and_can_be_undone_there(app: Flask, subscribed: Member) -> None:
    """Case 6: it comes as `cancel_at`, with `cancel_at_period_end` false."""
    identifier = subscription_id(app, subscribed)

    happen(app, subscriptions.cancel_in_portal, identifier, is_ending=True)
    ending = access(app, subscribed)
    assert (ending.state, ending.plan) == (AccessState.ACTIVE_ENDING, PlanCode.PRO)
    assert "Your plan stays active until" in ending.reason

    happen(app, subscriptions.cancel_in_portal, identifier, is_ending=False)
    assert access(app, subscribed).state is AccessState.ACTIVE


def test_a_failed_renewal_has_one_deadline_one_mail_and_ends_with_the_payment(
    app: Flask, subscribed: Member, owner: Person
) -> None:
    """Case 7."""
    identifier = subscription_id(app, subscribed)
    happen(app, subscriptions.next_period, identifier, is_paid=False)
    first = access(app, subscribed)
    assert first.state is AccessState.GRACE

    for _ in range(3):  # further tries that fail
        happen(app, lambda: events.emit("invoice.payment_failed", store.every("invoice", status="open")[0]))
    assert access(app, subscribed).changes_at == first.changes_at
    assert [mail.template for mail in mails_to(app, owner.email)].count("payment_failed") == 1

    happen(app, subscriptions.pay_open_invoice, identifier)
    assert access(app, subscribed).state is AccessState.ACTIVE


@pytest.mark.parametrize("status", ["unpaid", "paused"])
def test_what_stripe_gives_up_on_restricts(app: Flask, subscribed: Member, status: str) -> None:
    with app.app_context(), acting_as_system(), transaction():
        from_pilot(subscribed)

    happen(app, tell, subscription_id(app, subscribed), status=status)

    assert access(app, subscribed).state is AccessState.RESTRICTED


def from_pilot(who: Member) -> None:
    db.session.get_one(Organization, who.organization_id).pilot_ends_at = None


def test_slow_money_grants_nothing_before_it_arrives(app: Flask, ada: Member, prices: None) -> None:
    """Case 9."""
    session_id = subscribe(app, ada, is_slow=True)
    happen(app, lambda: events.emit("checkout.session.completed", store.need(session_id)))
    assert access(app, ada).state is AccessState.PILOT

    happen(app, checkout.settle, session_id, has_arrived=True)
    assert access(app, ada).plan is PlanCode.PRO


def test_after_slow_money_failed_one_can_try_again(app: Flask, ada: Member, prices: None) -> None:
    session_id = subscribe(app, ada, is_slow=True)
    happen(app, checkout.settle, session_id, has_arrived=False)
    assert access(app, ada).state is AccessState.PILOT

    second = subscribe(app, ada)
    happen(app, lambda: events.emit("checkout.session.completed", store.need(second)))
    assert access(app, ada).plan is PlanCode.PRO


@pytest.mark.parametrize(
    ("act", "state"),
    [
        ("refund all", AccessState.PILOT),
        ("refund a part", AccessState.ACTIVE),
        ("inquiry", AccessState.ACTIVE),
        ("dispute", AccessState.ACTIVE),
        ("dispute won", AccessState.ACTIVE),
        ("dispute lost", AccessState.PILOT),
    ],
)
def test_refunds_and_disputes_follow_the_table(app: Flask, subscribed: Member, act: str, state: AccessState) -> None:
    """Case 12. The pilot is what is left where the paid plan is over."""
    with app.app_context(), acting_as_system():
        charge = store.every("charge")[0]
        intent = charge["payment_intent"]
    acts: dict[str, list[Callable[[], Any]]] = {
        "refund all": [lambda: gateway().refund(intent, amount_minor=None, key="r1")],
        "refund a part": [lambda: gateway().refund(intent, amount_minor=100, key="r1")],
        "inquiry": [lambda: invoices.dispute(charge["id"], status="warning_needs_response")],
        "dispute": [lambda: invoices.dispute(charge["id"], status="needs_response")],
    }
    acts["dispute won"] = [*acts["dispute"], lambda: invoices.dispute(charge["id"], status="won")]
    acts["dispute lost"] = [*acts["dispute"], lambda: invoices.dispute(charge["id"], status="lost")]

    for one in acts[act]:
        happen(app, one)

    assert access(app, subscribed).state is state


def test_a_refund_counts_also_when_a_later_invoice_was_over_nothing(app: Flask, subscribed: Member) -> None:
    with app.app_context(), acting_as_system():
        intent = store.every("charge")[0]["payment_intent"]
        subscription = store.every("subscription")[0]
    happen(app, invoices.make, subscription, 0, "subscription_update", is_paid=True)
    happen(app, lambda: gateway().refund(intent, amount_minor=None, key="r1"))

    assert access(app, subscribed).state is AccessState.PILOT


@pytest.mark.parametrize(
    ("changes", "note"),
    [
        ({"livemode": True}, "other mode"),
        (
            {"data": {"object": {"object": "invoice", "customer": "cus_foreign", "metadata": {}}}},
            "does not belong to any",
        ),
        ({"data": {"object": {"object": "invoice"}}}, "has no customer"),
        ({"type": "price.updated"}, "does not affect any"),
    ],
)
def test_what_is_not_ours_is_kept_as_ignored(
    app: Flask, subscribed: Member, changes: dict[str, Any], note: str
) -> None:
    """Case 13."""
    before = access(app, subscribed)
    event = {**blank("event", id="evt_foreign", type="invoice.paid", livemode=False, created=1), **changes}

    assert receive(app, event) == 204

    with app.app_context(), acting_as_system():
        kept = db.session.get_one(StripeEvent, "evt_foreign")
        assert kept.status == "ignored"
        assert note in (kept.note or "")
    assert access(app, subscribed) == before


def test_a_customer_deleted_at_stripe_ends_the_plan_keeps_the_history_and_can_buy_again(
    app: Flask, subscribed: Member
) -> None:
    with app.app_context(), acting_as_system():
        customer_id = str(db.session.get_one(BillingAccount, subscribed.organization_id).customer_id)

    happen(app, customers.delete, customer_id)

    assert access(app, subscribed).plan is not PlanCode.PRO
    with app.app_context(), acting_as_system():
        assert len(mirror.invoices_of(subscribed.organization_id)) == 1
    second = subscribe(app, subscribed)
    happen(app, lambda: events.emit("checkout.session.completed", store.need(second)))
    assert access(app, subscribed).plan is PlanCode.PRO


def test_a_thin_event_does_as_well_as_a_whole_one(app: Flask, ada: Member, prices: None) -> None:
    subscribe(app, ada)
    with app.app_context(), acting_as_system():
        subscription = store.every("subscription")[0]["id"]
    thin = {
        "id": "evt_thin",
        "object": "v2.core.event",
        "type": "v1.customer.subscription.created",
        "livemode": False,
        "created": "2026-11-22T12:00:00Z",
        "related_object": {"id": subscription, "type": "subscription", "url": f"/v1/subscriptions/{subscription}"},
    }

    assert receive(app, thin) == 204

    assert access(app, ada).plan is PlanCode.PRO


def test_without_the_sandbox_its_pages_do_not_exist(migrated_url: str) -> None:
    real = create_app(Settings(database_url=migrated_url, stripe_api_key="sk_test_x", stripe_webhook_secret="whsec_x"))

    assert not [rule for rule in real.url_map.iter_rules() if rule.rule.startswith("/_sandbox")]
    assert real.test_client().get("/_sandbox/stripe/checkout/x").status_code == 404
    assert not is_sandbox(Settings(environment=Environment.PRODUCTION))


ACTS: dict[str, Callable[[str], Any]] = {
    "next paid": partial(subscriptions.next_period, is_paid=True),
    "next unpaid": partial(subscriptions.next_period, is_paid=False),
    "pay": subscriptions.pay_open_invoice,
    "cancel": partial(subscriptions.cancel_in_portal, is_ending=True),
    "undo": partial(subscriptions.cancel_in_portal, is_ending=False),
}


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=st.lists(st.sampled_from(sorted(ACTS)), max_size=4), seed=st.randoms())
def test_whatever_happens_in_whatever_order_it_is_told_the_end_is_what_stripe_says(
    app: Flask, ada: Member, prices: None, acts: list[str], seed: Any
) -> None:
    with app.app_context(), acting_as_system():
        outer = cast("Any", db.engines[None]).begin_nested()
        session_id = open_checkout(ada).rpartition("/")[2]
        checkout.pay(session_id)
        identifier = store.need(session_id)["subscription"]
        for act in acts:
            if store.need(identifier)["status"] != "canceled":
                ACTS[act](identifier)
        sent = sent_events()
        shuffled = [*sent, *sent]
        seed.shuffle(shuffled)
        for event in shuffled:
            webhook_events.store(event, now=utc_now())
            webhook_events.process(event["id"], gateway(), now=utc_now())

        kept = db.session.get_one(Subscription, identifier)
        assert kept.snapshot == {**store.need(identifier)}
        by_events = access_for(ada.organization_id, now=utc_now())
        mirror.sync(ada.organization_id, gateway(), now=utc_now())
        assert access_for(ada.organization_id, now=utc_now()) == by_events
        db.session.remove()
        outer.rollback()
