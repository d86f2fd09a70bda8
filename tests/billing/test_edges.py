"""Cases at the edges, each of which once had another end."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from billing import catalogue, details, entitlements, mirror, quotas, reconciliation, webhook_events
from billing import subscriptions as ours
from billing.access import AccessState
from billing.connection import gateway
from billing.details import BillingDetails
from billing.errors import PaymentsAway, PaymentsRefused
from billing.jobs import (
    end_plan_of_closed_account,
    end_plan_of_closing_account,
    go_on_with_plan_of_kept_account,
    process_stuck_events,
)
from billing.models import Drift, Entitlement, StripeEvent
from billing.plans import PlanCode, lookup_key
from core.accounts import BlockReason, Organization
from core.audit import SYSTEM
from core.clock import utc_now
from core.db import acting_as_system, db, transaction
from core.jobs import run_worker
from local.stripe_sandbox import checkout, customers, events, invoices, store, subscriptions
from local.stripe_sandbox.blank import blank
from tests.billing.scene import access, count, happen, open_checkout, receive, subscribe, subscription_id
from tests.cast import Caller, Member
from tests.portal.test_documents import forget

DAY = timedelta(days=1)


def change(app: Flask, who: Member, **values: Any) -> None:
    with app.app_context(), acting_as_system(), transaction():
        organization = db.session.get_one(Organization, who.organization_id)
        for name, value in values.items():
            setattr(organization, name, value)


def sync(app: Flask, who: Member) -> None:
    with app.app_context(), acting_as_system(), transaction():
        mirror.sync(who.organization_id, gateway(), now=utc_now())


def test_a_new_price_leaves_those_who_have_the_old_one_where_they_are(app: Flask, subscribed: Member) -> None:
    with app.app_context(), acting_as_system(), transaction():
        old = store.every("price", lookup_key=lookup_key(PlanCode.PRO))[0]
        store.save({**old, "unit_amount": 3_900})
        catalogue.sync(catalogue.parts(gateway().client, webhook_url=None))
        assert store.need(old["id"])["lookup_key"] is None

    sync(app, subscribed)

    assert access(app, subscribed).plan is PlanCode.PRO


def test_nobody_pays_for_an_account_that_closes(app: Flask, subscribed: Member) -> None:
    def run(job: Callable[..., Any]) -> AccessState:
        with app.app_context():
            job(organization_id=str(subscribed.organization_id))
        return access(app, subscribed).state

    for _ in range(2):
        assert run(end_plan_of_closing_account) is AccessState.ACTIVE_ENDING
    for _ in range(2):
        assert run(go_on_with_plan_of_kept_account) is AccessState.ACTIVE
    for _ in range(2):
        assert run(end_plan_of_closed_account) is not AccessState.ACTIVE
    with app.app_context(), acting_as_system():
        assert store.every("subscription")[0]["status"] == "canceled"


def test_closing_an_account_without_a_plan_asks_nothing_of_stripe(app: Flask, ada: Member) -> None:
    with app.app_context():
        end_plan_of_closing_account(organization_id=str(ada.organization_id))

    assert access(app, ada).state is AccessState.PILOT


def test_a_mistyped_tax_id_loses_nothing_and_does_not_keep_anybody_from_buying(
    app: Flask, ada: Member, prices: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def save(email: str, tax_id: str) -> None:
        wanted = BillingDetails(email=email, tax_id_type="eu_vat" if tax_id else "", tax_id=tax_id)
        with app.app_context(), acting_as_system(), transaction():
            details.save(ada.organization_id, wanted, gateway(), email="a@x.example", by=SYSTEM, now=utc_now())

    def refuse(*_: object, **__: object) -> None:
        raise PaymentsRefused

    save("", "DE1")
    with app.app_context():
        monkeypatch.setattr(type(gateway()), "add_tax_id", refuse)
        monkeypatch.setattr(type(gateway()), "forget_tax_id", lambda *_: pytest.fail("forgot one before the next held"))
    with pytest.raises(PaymentsRefused):
        save("money@x.example", "nonsense")

    with app.app_context(), acting_as_system(), transaction():
        assert [one["value"] for one in store.every("tax_id") if one["customer"]] == ["DE1"]
        assert open_checkout(ada)


def test_a_customer_is_the_same_whoever_asks_first(app: Flask, ada: Member) -> None:
    with app.app_context(), acting_as_system(), transaction():
        made = {
            gateway().make_customer(ada.organization_id, name=name, email=email, number=1)
            for name, email in (("Ada", "a@x.example"), ("Ada & Co", "b@x.example"))
        }
        assert len(made) == 1


def test_an_abandoned_checkout_does_not_wake_the_keys_of_who_did_not_pay(app: Flask, subscribed: Member) -> None:
    change(app, subscribed, pilot_ends_at=None)
    happen(app, subscriptions.end_now, subscription_id(app, subscribed), because="payment_failed")
    assert access(app, subscribed).state is AccessState.RESTRICTED

    session_id = subscribe(app, subscribed, is_slow=True)
    with app.app_context(), acting_as_system(), transaction():
        checkout.settle(session_id, has_arrived=False)
    sync(app, subscribed)

    assert access(app, subscribed).state is AccessState.RESTRICTED


def test_what_else_is_sold_to_the_same_customer_is_not_the_plan(app: Flask, subscribed: Member) -> None:
    with app.app_context(), acting_as_system(), transaction():
        customer = store.every("customer")[0]["id"]
        price = store.make("price", "price", product="prod_hours", currency="usd", unit_amount=100_000, active=True)
        subscriptions.start(customer, price["id"], {"product": "consulting"}, is_paid=True)

    sync(app, subscribed)

    assert access(app, subscribed).plan is PlanCode.PRO


def test_a_deleted_customer_is_noticed_by_whoever_comes_first(app: Flask, subscribed: Member) -> None:
    with app.app_context(), acting_as_system(), transaction():
        customers.delete(store.every("customer")[0]["id"])
        open_checkout(subscribed)

    assert access(app, subscribed).plan is not PlanCode.PRO


@pytest.mark.parametrize("legal_due_in", [-1, 3, 30])
def test_the_contracts_date_does_not_move_the_date_of_a_payment(
    app: Flask, subscribed: Member, as_ada: Caller, legal_due_in: int
) -> None:
    change(app, subscribed, legal_due_at=utc_now() + legal_due_in * DAY)
    happen(app, subscriptions.next_period, subscription_id(app, subscribed), is_paid=False)

    with app.app_context(), acting_as_system():
        organization = db.session.get_one(Organization, subscribed.organization_id)
        assert organization.blocked_because == BlockReason.PAYMENT
        assert organization.blocked_from is not None
        assert 13 * DAY < organization.blocked_from - utc_now() <= 14 * DAY
    change(app, subscribed, legal_due_at=None)
    forget(app, subscribed)
    assert as_ada.check().status_code == 200


def test_what_was_used_under_another_plan_does_not_count_against_free(app: Flask, ada: Member) -> None:
    now = utc_now()
    with app.app_context(), acting_as_system(), transaction():
        entitlements.refresh(ada.organization_id, now=now - 20 * DAY)
    change(app, ada, pilot_ends_at=now - DAY, created_at=now - 25 * DAY)
    with app.app_context(), acting_as_system(), transaction():
        found = entitlements.refresh(ada.organization_id, now=now)
        organization = db.session.get_one(Organization, ada.organization_id)
        quota = quotas.quota_of(organization, found, now=now)
        assert quota is not None
        assert quota.since == now.replace(minute=0, second=0, microsecond=0)
        assert db.session.get_one(Entitlement, ada.organization_id).plan_since == now


def test_a_quota_that_another_plan_has_overtaken_does_nothing(app: Flask, ada: Member) -> None:
    change(app, ada, pilot_ends_at=None)
    with app.app_context(), acting_as_system(), transaction():
        entitlements.refresh(ada.organization_id, now=utc_now())
        [quota] = quotas.counted(utc_now())
        entitlements.grant(ada.organization_id, PlanCode.PRO, until=None, reason="Paid.", by=SYSTEM, now=utc_now())

        quotas.note_usage(quota, 99_999, now=utc_now())

        assert db.session.get_one(Organization, ada.organization_id).blocked_from is None


def test_what_a_killed_worker_left_is_taken_up_again(live_app: Flask) -> None:
    with live_app.app_context(), acting_as_system(), transaction():
        event = events.emit("customer.updated", blank("customer", id="cus_of_nobody"))
        webhook_events.store(event, now=utc_now() - timedelta(minutes=20))
        assert [one.id for one in webhook_events.in_trouble(utc_now())] == [event["id"]]
    with live_app.app_context():
        process_stuck_events(timestamp=0)

    run_worker(live_app, until_done=True)

    with live_app.app_context(), acting_as_system():
        assert db.session.get_one(StripeEvent, event["id"]).status == "ignored"
        assert webhook_events.in_trouble(utc_now()) == []


def test_a_new_address_of_a_file_is_no_drift(app: Flask, subscribed: Member) -> None:
    with app.app_context(), acting_as_system(), transaction():
        invoice = store.every("invoice")[0]
        store.save({**invoice, "invoice_pdf": "https://pay.example/another"})
        run_id = reconciliation.begin(utc_now())
        assert reconciliation.compare(run_id, subscribed.organization_id, gateway(), now=utc_now()) == 0
    assert count(app, Drift) == 0


def test_a_thin_dispute_leads_to_its_customer(app: Flask, subscribed: Member) -> None:
    change(app, subscribed, pilot_ends_at=None)
    with app.app_context(), acting_as_system(), transaction():
        charge = store.every("charge")[0]["id"]
        invoices.dispute(charge, status="needs_response")
        dispute = invoices.dispute(charge, status="lost")
    thin = {
        "id": "evt_thin",
        "object": "v2.core.event",
        "type": "v1.charge.dispute.closed",
        "livemode": False,
        "created": "2026-11-22T12:00:00Z",
        "related_object": {"id": dispute["id"], "type": "dispute"},
    }

    assert receive(app, thin) == 204

    assert access(app, subscribed).state is AccessState.RESTRICTED


def test_what_stripe_did_is_on_record_also_if_it_falls_silent_afterwards(
    app: Flask, subscribed: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent(*_: object) -> None:
        raise PaymentsAway

    with app.app_context():
        monkeypatch.setattr(type(gateway()), "invoices_of", silent)
    with app.app_context(), acting_as_system(), transaction():
        ours.end(subscribed.organization_id, gateway(), by=SYSTEM, now=utc_now())
    monkeypatch.undo()

    sync(app, subscribed)
    assert access(app, subscribed).state is AccessState.ACTIVE_ENDING
