"""Taxes: calculated by Stripe where the setting says so, and said to be missing where it does not."""

import inspect
import re
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from stripe.params import CustomerCreateTaxIdParams

from billing import catalogue, credit_notes, details, mirror, reconciliation, taxes
from billing.catalogue.taxes import TaxesNotSetUp
from billing.connection import gateway
from billing.details import BillingDetails
from billing.errors import PaymentsAway, PaymentsRefused
from billing.tax_ids import TAX_IDS
from core.audit import SYSTEM
from core.clock import utc_now
from core.db import acting_as_system, transaction
from local.stripe_sandbox import store
from tests.billing.scene import subscribe
from tests.billing.test_refunds import refund
from tests.cast import Member
from tests.people import Person, mails_to


@pytest.fixture
def calculated(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    with app.app_context():
        monkeypatch.setattr(gateway(), "is_automatic_tax", True)


def found_at_stripes(app: Flask, kind: str) -> dict[str, Any]:
    with app.app_context(), acting_as_system():
        return store.every(kind)[0]


def save(app: Flask, who: Member, **wanted: Any) -> None:
    with app.app_context(), acting_as_system(), transaction():
        details.save(
            who.organization_id, BillingDetails(**wanted), gateway(), email="a@x.example", by=SYSTEM, now=utc_now()
        )


def test_every_kind_of_tax_id_that_the_sdk_knows_can_be_chosen() -> None:
    source = Path(str(inspect.getsourcefile(CustomerCreateTaxIdParams))).read_text()

    assert set(TAX_IDS) == set(re.findall(r'"([a-z]{2}_[a-z_]+)"', source))
    assert len(TAX_IDS) > 100
    assert TAX_IDS["no_vat"] == "Norway: VAT (no_vat)"
    assert TAX_IDS["eu_vat"] == "European Union: VAT (eu_vat)"


def test_without_the_setting_none_are_calculated_and_invoices_say_so(app: Flask, ada: Member, prices: None) -> None:
    subscribe(app, ada)

    assert not taxes.is_calculated(found_at_stripes(app, "subscription"))
    assert "No tax was calculated" in found_at_stripes(app, "customer")["invoice_settings"]["footer"]
    assert taxes.note_of(found_at_stripes(app, "invoice")) == "no tax calculated"


def test_a_vat_number_puts_the_note_on_reverse_charge_onto_invoices(app: Flask, ada: Member, prices: None) -> None:
    save(app, ada, tax_id_type="us_ein", tax_id="12-3456789")
    assert "Reverse charge" not in found_at_stripes(app, "customer")["invoice_settings"]["footer"]

    save(app, ada, tax_id_type="eu_vat", tax_id="DE1")
    assert "Reverse charge" in found_at_stripes(app, "customer")["invoice_settings"]["footer"]


def test_what_somebody_wrote_at_the_foot_of_invoices_stays(app: Flask, ada: Member, prices: None) -> None:
    save(app, ada)
    with app.app_context(), acting_as_system(), transaction():
        customer = store.every("customer")[0]
        store.save({**customer, "invoice_settings": {**customer["invoice_settings"], "footer": "PO 4711"}})

    save(app, ada, name="Example GmbH")

    assert found_at_stripes(app, "customer")["invoice_settings"]["footer"] == "PO 4711"


@pytest.mark.usefixtures("calculated")
def test_with_the_setting_stripe_calculates_them(app: Flask, ada: Member, prices: None) -> None:
    subscribe(app, ada)

    assert taxes.is_calculated(found_at_stripes(app, "subscription"))
    assert not found_at_stripes(app, "customer")["invoice_settings"]
    assert taxes.note_of(found_at_stripes(app, "invoice")) == "without tax"


def bring_in_line(app: Flask, who: Member) -> None:
    with app.app_context(), acting_as_system(), transaction():
        reconciliation.bring_taxes_in_line(who.organization_id, gateway(), now=utc_now())


def test_who_subscribed_before_the_setting_was_switched_on_follows_it(
    app: Flask, subscribed: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    with app.app_context():
        monkeypatch.setattr(gateway(), "is_automatic_tax", True)

    bring_in_line(app, subscribed)

    assert taxes.is_calculated(found_at_stripes(app, "subscription"))
    assert not found_at_stripes(app, "customer")["invoice_settings"]["footer"]


@pytest.mark.usefixtures("calculated")
def test_operators_hear_where_stripe_cannot_calculate(
    app: Flask, subscribed: Member, operator: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    with app.app_context(), acting_as_system(), transaction():
        subscription = store.every("subscription")[0]
        store.save({**subscription, "automatic_tax": {**subscription["automatic_tax"], "enabled": False}})
        refresh(subscribed)
        monkeypatch.setattr(type(gateway()), "calculate_taxes", refuse)

    for _ in range(2):
        bring_in_line(app, subscribed)

    assert [mail.template for mail in mails_to(app, operator.email)] == ["tax_not_calculated"]


def refresh(who: Member) -> None:
    mirror.sync(who.organization_id, gateway(), now=utc_now())


def refuse(*_: Any, **__: Any) -> None:
    raise PaymentsRefused


def test_the_doctor_says_what_is_missing_at_stripe_tax(app: Flask) -> None:
    def said() -> str:
        with app.app_context(), transaction():
            parts = catalogue.parts(gateway().client, webhook_url=None, is_automatic_tax=True)
            return " ".join(catalogue.differences([part for part in parts if part.name == "taxes"]))

    with app.app_context(), acting_as_system(), transaction():
        details_of = {"active": None, "pending": {"missing_fields": ["head_office"]}}
        store.make("tax.settings", "", id="tax.settings", status="pending", status_details=details_of)
    assert "missing: head_office" in said()
    with app.app_context(), acting_as_system(), transaction():
        store.save({**store.need("tax.settings"), "status": "active"})
    assert "no registration" in said()
    with pytest.raises(TaxesNotSetUp), app.app_context(), transaction():
        catalogue.sync(catalogue.parts(gateway().client, webhook_url=None, is_automatic_tax=True))
    with app.app_context(), acting_as_system(), transaction():
        store.make("tax.registration", "taxreg", country="DE", status="active")
    assert not said()


TAXED = {"automatic_tax": {"enabled": True}, "currency": "eur"}


@pytest.mark.parametrize(
    ("invoice", "note"),
    [
        ({**TAXED, "total_taxes": [{"amount": 931, "taxability_reason": "standard_rated"}]}, "including 9.31 EUR tax"),
        ({**TAXED, "total_taxes": [{"amount": 0, "taxability_reason": "reverse_charge"}]}, "reverse charge: you"),
        ({"customer_tax_exempt": "reverse", "total_taxes": None}, "reverse charge: you"),
        ({**TAXED, "total_taxes": []}, "without tax"),
        ({}, "no tax calculated"),
    ],
)
def test_the_list_of_invoices_says_what_became_of_taxes(invoice: dict[str, Any], note: str) -> None:
    assert taxes.note_of(invoice).startswith(note)


def test_a_refund_has_a_credit_note_over_the_same_amount(app: Flask, subscribed: Member) -> None:
    refund(app, subscribed, 1_000)
    refund(app, subscribed, refunded_before=1_000)

    with app.app_context(), acting_as_system():
        notes = list(reversed(store.every("credit_note")))
        refunded = [one["id"] for one in reversed(store.every("refund"))]
    assert [(one["amount"], one["memo"]) for one in notes] == [(1_000, "Kindness."), (3_900, "Kindness.")]
    assert [one["refunds"][0]["refund"] for one in notes] == refunded


@pytest.mark.parametrize("failure", [PaymentsAway, PaymentsRefused])
def test_a_credit_note_that_cannot_be_written_takes_no_refund_back(
    app: Flask, subscribed: Member, operator: Person, monkeypatch: pytest.MonkeyPatch, failure: type[Exception]
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise failure

    with monkeypatch.context() as failing, app.app_context():
        failing.setattr(type(gateway()), "write_credit_note", fail)
        refund(app, subscribed, 1_000)

    is_refused = failure is PaymentsRefused
    assert [mail.template for mail in mails_to(app, operator.email)] == ["credit_note_missing"] * is_refused
    with app.app_context(), acting_as_system():
        assert store.every("charge")[0]["amount_refunded"] == 1_000
        [made], [invoice] = store.every("refund"), store.every("invoice")
    about = {"invoice_id": invoice["id"], "refund_id": made["id"], "amount_minor": 1_000, "memo": "Kindness."}
    for _ in range(2):  # by the worker, twice
        with app.app_context():
            credit_notes.write_credit_note(organization_id=str(subscribed.organization_id), **about)
    with app.app_context(), acting_as_system():
        assert len(store.every("credit_note")) == 1
