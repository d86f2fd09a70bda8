"""The way of money on pages: to the checkout and back, invoices, switching, ending, refunds."""

import codecs
import csv
import io
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from billing.changes import find_out
from billing.connection import gateway
from billing.errors import PaymentsAway
from billing.intents import ChangeIntent
from billing.plans import PlanCode
from billing.resync import sync_later
from core.accounts import Organization
from core.db import acting_as_system, db, transaction
from local.stripe_sandbox import checkout, store
from tests.billing import conftest as money
from tests.billing.faulty_stripe import FaultyStripe
from tests.billing.scene import access
from tests.cast import Member
from tests.people import Person

prices = money.prices
judged = money.judged


@pytest.fixture
def paying(app: Flask, ada: Member, prices: None, billing: Person) -> Person:
    """Who is in charge of billing, after the return from a paid checkout."""
    url = billing.post("/plan/checkout/pro").headers["Location"]
    session_id = url.rpartition("/")[2]
    pay(app, session_id)
    look(app, ada)
    assert "Payment complete" in billing.get(f"/plan/return?session_id={session_id}").text
    return billing


def look(app: Flask, who: Member) -> None:
    """As the worker does, which the waiting page asked to."""
    with app.app_context():
        sync_later(organization_id=str(who.organization_id))


def pay(app: Flask, session_id: str, **how: Any) -> None:
    with app.app_context(), acting_as_system(), transaction():
        checkout.pay(session_id, **how)


def test_a_plan_is_chosen_paid_and_active(app: Flask, ada: Member, paying: Person, viewer: Person) -> None:
    assert access(app, ada).plan is PlanCode.PRO
    page = viewer.get("/plan").text
    assert "You are subscribed to Pro." in page
    assert "this is not Stripe, and no money moves" in page
    assert "Choose Pro" not in page


def test_the_return_page_waits_until_it_is_true(
    app: Flask, ada: Member, prices: None, billing: Person, stranger: Person
) -> None:
    session_id = billing.post("/plan/checkout/pro").headers["Location"].rpartition("/")[2]
    path = f"/plan/return?session_id={session_id}"

    waiting = billing.get(path)
    assert "Confirming your payment" in waiting.text
    assert 'hx-trigger="every 2s"' in waiting.text
    assert stranger.get(path).status_code == 404
    assert billing.get("/plan/return").status_code == 404

    pay(app, session_id, is_slow=True)
    look(app, ada)
    assert "Payment pending" in billing.get(path).text
    with app.app_context(), acting_as_system(), transaction():
        checkout.settle(session_id, has_arrived=True)
    look(app, ada)
    done = billing.get(path, headers={"HX-Request": "true"})
    assert "Payment complete" in done.text
    assert "every 2s" not in done.text


def test_while_stripe_is_silent_the_return_page_answers_and_nothing_is_sold(
    prices: None, billing: Person, monkeypatch: pytest.MonkeyPatch, app: Flask
) -> None:
    session_id = billing.post("/plan/checkout/pro").headers["Location"].rpartition("/")[2]

    def silent(*_: object) -> None:
        raise PaymentsAway

    with app.app_context():
        monkeypatch.setattr(type(gateway()), "customer", silent)
    assert "your plan starts as soon as it confirms" in billing.get(f"/plan/return?session_id={session_id}").text
    assert billing.post("/plan/checkout/pro").status_code == 503


def test_a_second_click_leads_to_the_same_checkout(prices: None, billing: Person, owner: Person) -> None:
    first = billing.post("/plan/checkout/pro").headers["Location"]

    assert billing.post("/plan/checkout/pro").headers["Location"] == first
    assert owner.post("/plan/checkout/pro").headers["Location"] == first
    assert owner.post("/plan/checkout/pay_as_you_go").status_code == 409  # nobody offered it
    assert owner.post("/plan/checkout/enterprise").status_code == 404


def test_invoices_stay_with_their_file_and_the_usage_behind_them(paying: Person, viewer: Person) -> None:
    page = viewer.get("/plan/invoices").text
    assert "SANDBOX-0001" in page
    assert "49.00 USD" in page
    assert "Save" not in page

    invoice = page.partition("/plan/invoices/")[2].partition("/pdf")[0]
    assert viewer.get(f"/plan/invoices/{invoice}/pdf").headers["Location"].endswith(f"{invoice}/pdf")
    proof = viewer.get(f"/plan/invoices/{invoice}/usage")
    assert proof.data.startswith(codecs.BOM_UTF8)
    assert next(csv.reader(io.StringIO(proof.data.decode("utf-8-sig")))) == [
        *("hour", "part", "checks", "identifier", "sealed_at", "sent_at")
    ]


BARE = {"country": "", "tax_id_type": ""}
DETAILS = {"line1": "1 Example Street", "city": "Berlin", "country": "DE", "tax_id_type": "eu_vat", "tax_id": "DE1"}


def test_invoices_say_and_go_where_they_are_wanted(app: Flask, ada: Member, prices: None, billing: Person) -> None:
    """Also before anything was bought."""
    for wrong in ({"email": "nonsense"}, {"tax_id_type": ""}, {"country": "XX"}):
        assert billing.post("/plan/billing-details", **{**DETAILS, **wrong}).status_code == 422
    for city in ("Berlin", "Hamburg"):
        kept = billing.post("/plan/billing-details", **DETAILS | {"email": "money@people.example", "city": city})
        assert kept.status_code == 303

    page = billing.get("/plan/invoices").text
    assert "money@people.example" in page
    assert "Hamburg" in page
    assert "DE1, European Union: VAT (eu_vat), verification pending" in page
    with app.app_context(), acting_as_system():
        [customer] = store.every("customer")
        assert (customer["email"], customer["address"]["city"]) == ("money@people.example", "Hamburg")
        assert [one["value"] for one in store.every("tax_id", customer=customer["id"])] == ["DE1"]

    billing.post("/plan/billing-details", country="", tax_id_type="")
    with app.app_context(), acting_as_system():
        assert store.every("customer")[0]["email"] == billing.email
        assert [one["value"] for one in store.every("tax_id", customer=customer["id"])] == ["DE1"]


def test_a_company_has_as_many_tax_ids_as_it_adds_until_it_removes_them(
    app: Flask, prices: None, billing: Person
) -> None:
    """Whatever else is saved, also beside a kind that our form would not offer."""

    def tax_ids() -> dict[str, str]:
        with app.app_context(), acting_as_system():
            [customer] = store.every("customer")
            return {one["value"]: one["id"] for one in store.every("tax_id", customer=customer["id"])}

    for kind, value in (("no_vat", "123456789MVA"), ("eu_vat", "DE1"), ("eu_vat", "de 1"), ("us_ein", "12-3456789")):
        assert (
            billing.post("/plan/billing-details", **{**BARE, "tax_id_type": kind, "tax_id": value}).status_code == 303
        )
    billing.post("/plan/billing-details", **{**BARE, "email": "money@people.example", "name": "Example AS"})
    assert set(tax_ids()) == {"123456789MVA", "DE1", "12-3456789"}
    page = billing.get("/plan/invoices").text
    assert 'value="Example AS"' in page
    for value in tax_ids():
        assert f"{value}, " in page

    billing.post("/plan/billing-details", **{**BARE, "removed_tax_ids": tax_ids()["DE1"]})
    assert set(tax_ids()) == {"123456789MVA", "12-3456789"}

    refused = billing.post("/plan/billing-details", email="nonsense")
    assert refused.status_code == 422
    assert "123456789MVA" in refused.text


@pytest.mark.parametrize("status", ["pending", "verified", "unverified", "unavailable", "unexpected state"])
def test_the_page_says_what_the_authority_said_of_a_tax_id(
    app: Flask, ada: Member, prices: None, billing: Person, status: str
) -> None:
    billing.post("/plan/billing-details", **{**BARE, "tax_id_type": "eu_vat", "tax_id": "DE1"})
    with app.app_context(), acting_as_system(), transaction():
        [tax_id] = store.every("tax_id")
        store.save({**tax_id, "verification": {**tax_id["verification"], "status": status}})
    look(app, ada)

    words = {"pending": "verification pending", "unverified": "verification failed", "unavailable": "not verified"}
    assert f"DE1, European Union: VAT (eu_vat), {words.get(status, status)}" in billing.get("/plan/invoices").text


def test_a_company_s_name_is_on_the_invoices(app: Flask, prices: None, billing: Person) -> None:
    billing.post("/plan/billing-details", **{**BARE, "name": "Example GmbH"})

    with app.app_context(), acting_as_system():
        assert store.every("customer")[0]["name"] == "Example GmbH"


def test_a_plan_is_ended_and_taken_back_on_the_page(paying: Person) -> None:
    paying.post("/plan/end")
    assert "You canceled Pro. Your plan stays active until" in paying.get("/plan").text

    paying.post("/plan/resume")
    assert "It renews on" in paying.get("/plan").text
    assert "Canceled the subscription" in paying.get("/audit-trail").text


def test_the_page_says_that_we_are_finding_out_where_an_answer_was_lost(
    app: Flask, paying: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    stripe = FaultyStripe(monkeypatch)
    stripe.fail("POST /v1/subscriptions/", is_applied=True)

    answer = paying.post("/plan/end")

    assert answer.status_code == 503
    assert "checking whether" in answer.text
    assert "you were not charged" not in answer.text.lower()
    with app.app_context(), acting_as_system():
        [intent] = db.session.scalars(select(ChangeIntent.id))
    with app.app_context():
        find_out(intent_id=str(intent))
    assert "Canceled the subscription" in paying.get("/audit-trail").text


def test_a_switch_says_before_what_it_means(ada: Member, paying: Person, operator: Person) -> None:
    assert paying.get("/plan/switch/pay_as_you_go").status_code == 409
    operator.post(f"/console/organizations/{ada.organization_id}/metered", offered="yes")

    assert "Your current plan stays active until" in paying.get("/plan/switch/pay_as_you_go").text
    assert paying.post("/plan/switch/pay_as_you_go").status_code == 303
    page = paying.get("/plan").text
    assert "You switch to Pay as you go" in page
    assert "Keep Pro" in page


def test_cards_and_addresses_are_changed_at_stripes(paying: Person, stranger: Person) -> None:
    url = paying.post("/plan/cards").headers["Location"]

    assert "/_sandbox/stripe/portal/" in url
    assert stranger.post("/plan/cards").status_code == 409


def test_an_operator_refunds_from_the_organizations_page(
    app: Flask, ada: Member, paying: Person, operator: Person, viewer: Person
) -> None:
    path = f"/console/organizations/{ada.organization_id}"
    with app.app_context(), acting_as_system():
        invoice = store.every("invoice")[0]["id"]
    assert "SANDBOX-0001" in operator.get(path).text

    def give_back(refunded: int, **fields: str) -> int:
        fields = {"reason": "Kindness.", "refunded": str(refunded), **fields}
        return int(operator.post(f"{path}/invoices/{invoice}/refund", **fields).status_code)

    assert give_back(0, amount="x") == 422
    assert give_back(0, amount="9.00") == 303
    assert give_back(0, amount="9.00") == 409  # the second press of the same button
    assert give_back(900, amount="45.00") == 422
    assert give_back(900) == 303
    assert give_back(4_900) == 409
    assert "Refunded an invoice" in viewer.get("/audit-trail").text
    assert access(app, ada).plan is not PlanCode.PRO


def test_nothing_is_sold_before_the_approval(app: Flask, ada: Member, prices: None, billing: Person) -> None:
    with app.app_context(), acting_as_system(), transaction():
        db.session.get_one(Organization, ada.organization_id).status = "sandbox"

    assert "Choose Pro" not in billing.get("/plan").text
    assert billing.post("/plan/checkout/pro").status_code == 409


def test_the_sandbox_plays_what_customers_banks_and_time_do(app: Flask, ada: Member, paying: Person) -> None:
    portal = paying.post("/plan/cards").headers["Location"]
    path = portal.partition("://")[2].partition("/")[2]
    for verb in ("cancel", "undo_cancel", "next_month", "next_month_unpaid", "pay", "dispute", "dispute_won"):
        assert paying.post(f"/{path}/{verb}").status_code == 303, verb
    assert paying.post(f"/{path}/nonsense").status_code == 404
    assert paying.post(f"/{path}/money_arrives").status_code == 409
    assert "evt_" not in paying.get(f"/{path}").text
    assert paying.post(f"/{path}/send_again_in_reverse").status_code == 303
    assert paying.post(f"/{path}/give_up").status_code == 303
    assert paying.post(f"/{path}/delete_customer").status_code == 303
