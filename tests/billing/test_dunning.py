"""Emails about arrears and cards, and alerts to operators about money that is claimed back."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask

from billing import operator_alerts, webhook_events
from billing.access import GRACE
from billing.connection import gateway
from billing.dunning import CARD_WARNED, remind_of_arrears, warn_of_card, warn_of_expiring_cards
from billing.jobs import reconcile
from billing.models import BillingAccount, Entitlement
from billing.operator_alerts import alert_operators_of_event
from core.accounts import Organization
from core.clock import utc_now
from core.db import acting_as_system, db, transaction
from local.stripe_sandbox import events, invoices, store
from local.stripe_sandbox import subscriptions as at_stripe
from tests.billing.scene import access, happen, subscription_id
from tests.cast import Member
from tests.people import Person, mails_to

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
PAYER = "payer@bookkeepers.example"


@pytest.fixture
def in_arrears(app: Flask, subscribed: Member) -> datetime:
    """Ada, whose pilot is over and whose last payment failed. Until when live keys work."""
    with app.app_context(), acting_as_system(), transaction():
        db.session.get_one(BillingAccount, subscribed.organization_id).billing_email = PAYER
        db.session.get_one(Organization, subscribed.organization_id).pilot_ends_at = utc_now() - DAY
    happen(app, at_stripe.next_period, subscription_id(app, subscribed), is_paid=False)
    with app.app_context(), acting_as_system(), transaction():
        db.session.get_one(Entitlement, subscribed.organization_id).since -= 2 * DAY
    until = access(app, subscribed).unpaid_from
    assert until is not None
    return until


def templates(app: Flask, email: str) -> list[str]:
    return [mail.template for mail in mails_to(app, email)]


def strike(app: Flask, at: datetime) -> None:
    with app.app_context():
        remind_of_arrears(timestamp=int(at.timestamp()))


def test_a_letter_comes_in_the_middle_and_two_days_before_also_to_who_pays(
    app: Flask, owner: Person, in_arrears: datetime
) -> None:
    assert templates(app, PAYER) == ["payment_failed"]
    for email in (owner.email, PAYER):
        assert "payment_failed" in templates(app, email)
    at, sent = in_arrears - GRACE + 3 * DAY, []
    while at < in_arrears:
        before = len(mails_to(app, PAYER))
        if any(abs(in_arrears - at - days * DAY) < 4 * HOUR for days in (7, 5, 2, 1)):
            strike(app, at)
        sent += [in_arrears - at] * (len(mails_to(app, PAYER)) - before)
        at += HOUR

    assert len(sent) == 2
    assert 7 * DAY <= sent[0] <= 7 * DAY + 3 * HOUR
    assert 2 * DAY <= sent[1] <= 2 * DAY + 3 * HOUR
    assert (
        templates(app, owner.email)
        == templates(app, PAYER)
        == ["payment_failed", "payment_reminder", "payment_reminder"]
    )


def test_who_has_paid_is_not_reminded(app: Flask, subscribed: Member, in_arrears: datetime) -> None:
    happen(app, at_stripe.pay_open_invoice, subscription_id(app, subscribed))

    strike(app, in_arrears - DAY)

    assert templates(app, PAYER) == ["payment_failed"]


def with_card(app: Flask, who: Member, year: int, month: int, *, on: str) -> str:
    """The id of the subscription that it pays for."""
    identifier = subscription_id(app, who)
    with app.app_context(), acting_as_system(), transaction():
        card = {"brand": "visa", "last4": "4242", "exp_year": year, "exp_month": month}
        made = store.save({"id": "pm_1", "object": "payment_method", "type": "card", "card": card})
        if on == "subscription":
            store.save({**store.need(identifier), "default_payment_method": made["id"]})
        else:
            customer = store.every("customer")[0]
            store.save({**customer, "invoice_settings": {"default_payment_method": made["id"]}})
    return identifier


@pytest.fixture
def unjudged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.billing.conftest.judge_object", lambda _found: None)


@pytest.mark.usefixtures("unjudged")
@pytest.mark.parametrize("on", ["subscription", "customer"])
@pytest.mark.parametrize(("left", "is_told"), [(CARD_WARNED + DAY, False), (CARD_WARNED - DAY, True), (-DAY, True)])
def test_a_card_that_expires_is_announced_once(
    app: Flask, subscribed: Member, owner: Person, on: str, left: timedelta, is_told: bool
) -> None:
    identifier = with_card(app, subscribed, 2027, 2, on=on)
    refreshed(app, subscribed)
    end_of_month = datetime.fromisoformat("2027-03-01T00:00:00+00:00")

    for _ in range(2):
        with app.app_context(), acting_as_system(), transaction():
            warn_of_card(identifier, gateway(), now=end_of_month - left)

    assert templates(app, owner.email) == ["card_expiring"] * is_told


@pytest.mark.usefixtures("unjudged")
def test_nobody_is_told_of_the_card_of_a_plan_that_ends_or_where_there_is_none(
    app: Flask, subscribed: Member, owner: Person
) -> None:
    with app.app_context():
        warn_of_expiring_cards(timestamp=0)  # there is no card yet
    with_card(app, subscribed, 2020, 1, on="customer")
    happen(app, at_stripe.cancel_in_portal, subscription_id(app, subscribed), is_ending=True)

    with app.app_context():
        warn_of_expiring_cards(timestamp=0)

    assert templates(app, owner.email) == []


def refreshed(app: Flask, who: Member) -> None:
    happen(app, at_stripe.cancel_in_portal, subscription_id(app, who), is_ending=False)


def alert(app: Flask, kind: str, subject: dict[str, Any]) -> None:
    """An event of Stripe's comes in, and the worker tells of it, twice."""
    with app.app_context(), acting_as_system(), transaction():
        event = events.emit(kind, subject)
        assert webhook_events.store(event, now=utc_now())
    for _ in range(2):
        with app.app_context():
            alert_operators_of_event(event_id=event["id"])


def disputed(app: Flask, status: str) -> dict[str, Any]:
    with app.app_context(), acting_as_system(), transaction():
        return invoices.dispute(store.every("charge")[0]["id"], status=status)


def test_operators_hear_of_a_dispute_and_until_when_evidence_counts(
    app: Flask, subscribed: Member, operator: Person
) -> None:
    alert(app, "charge.dispute.created", disputed(app, "needs_response"))

    [mail] = mails_to(app, operator.email)
    assert mail.template == "dispute_opened"
    assert "49.00 USD" in str(mail.text)
    assert f"{utc_now() + timedelta(seconds=invoices.EVIDENCE_WITHIN_S):%Y}" in str(mail.text)
    assert "Submit evidence in Stripe before" in str(mail.text)

    alert(app, "charge.dispute.closed", disputed(app, "won"))
    assert templates(app, operator.email) == ["dispute_opened", "dispute_closed"]


def test_an_inquiry_that_becomes_a_dispute_is_told_of_again(app: Flask, subscribed: Member, operator: Person) -> None:
    alert(app, "charge.dispute.created", disputed(app, "warning_needs_response"))
    alert(app, "charge.dispute.updated", disputed(app, "needs_response"))

    assert [mail.subject.split(" about")[0] for mail in mails_to(app, operator.email)] == ["Inquiry", "Dispute"]


def test_a_dispute_whose_event_was_missed_is_found_by_the_round(
    app: Flask, subscribed: Member, operator: Person
) -> None:
    disputed(app, "needs_response")

    for _ in range(2):
        with app.app_context():
            reconcile(timestamp=0)

    assert templates(app, operator.email) == ["dispute_opened"]


def test_operators_hear_of_an_early_fraud_warning(app: Flask, subscribed: Member, operator: Person) -> None:
    with app.app_context(), acting_as_system(), transaction():
        charge = store.every("charge")[0]
        warning = store.make(
            "radar.early_fraud_warning",
            "issfr",
            charge=charge["id"],
            fraud_type="made_with_stolen_card",
            actionable=True,
        )

    alert(app, "radar.early_fraud_warning.created", warning)

    [mail] = mails_to(app, operator.email)
    assert (mail.template, "made with stolen card" in str(mail.text)) == ("early_fraud_warning", True)


@pytest.mark.parametrize(("status", "alerts"), [("failed", ["refund_failed"]), ("succeeded", [])])
@pytest.mark.parametrize("kind", ["refund.failed", "refund.updated"])
def test_operators_hear_of_a_refund_that_failed(
    app: Flask, subscribed: Member, operator: Person, kind: str, status: str, alerts: list[str]
) -> None:
    with app.app_context(), acting_as_system(), transaction():
        charge = store.every("charge")[0]
        gateway().refund(charge["payment_intent"], amount_minor=100, key="some")
        made = store.save({**store.every("refund")[0], "status": status, "failure_reason": "lost_or_stolen_card"})

    alert(app, kind, made)

    assert templates(app, operator.email) == alerts


def test_another_product_s_dispute_is_none_of_ours(app: Flask, subscribed: Member, operator: Person) -> None:
    with app.app_context(), acting_as_system(), transaction():
        charge = store.every("charge")[0]
        store.save({**charge, "customer": "cus_of_another_product"})

    alert(app, "charge.dispute.created", disputed(app, "needs_response"))

    assert templates(app, operator.email) == []


def test_the_webhook_leaves_a_job_that_alerts_operators(app: Flask) -> None:
    assert operator_alerts.jobs_for("charge.dispute.created") == [operator_alerts.alert_operators_of_event]
    assert operator_alerts.jobs_for("invoice.paid") == []
