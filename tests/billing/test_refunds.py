"""Refunds by an operator, and what becomes of the subscription behind them."""

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from billing import refunds
from billing.access import AccessState
from billing.connection import gateway
from billing.errors import PaymentsAway
from billing.models import Invoice
from billing.plans import PlanCode
from core.audit import COMMAND_LINE
from core.clock import utc_now
from core.db import acting_as_system, db, transaction
from local.stripe_sandbox import invoices, store
from local.stripe_sandbox import subscriptions as at_stripe
from tests.billing.scene import access, happen, subscription_id
from tests.cast import Member
from tests.people import Person, mails_to


def refund(app: Flask, who: Member, amount: int | None = None, **how: Any) -> refunds.Refunded:
    with app.app_context(), acting_as_system(), transaction():
        return refunds.refund(
            who.organization_id,
            str(how.pop("invoice_id", None) or store.every("invoice")[0]["id"]),
            gateway(),
            amount_minor=amount,
            refunded_before_minor=how.pop("refunded_before", 0),
            reason="Kindness.",
            by=COMMAND_LINE,
            now=utc_now(),
            **how,
        )


def at_stripes(app: Flask, who: Member) -> dict[str, Any]:
    identifier = subscription_id(app, who)
    with app.app_context(), acting_as_system():
        return store.need(identifier)


def test_a_full_refund_ends_the_subscription_so_that_nothing_is_charged_again(app: Flask, subscribed: Member) -> None:
    done = refund(app, subscribed)

    assert done == refunds.Refunded(4_900, "usd", refunds.AfterRefund.ENDED)
    assert at_stripes(app, subscribed)["status"] == "canceled"
    assert access(app, subscribed).plan is not PlanCode.PRO


def test_the_part_that_makes_a_refund_full_ends_the_subscription_too(app: Flask, subscribed: Member) -> None:
    assert refund(app, subscribed, 4_000).after is refunds.AfterRefund.UNTOUCHED
    assert at_stripes(app, subscribed)["status"] == "active"

    assert refund(app, subscribed, 900, refunded_before=4_000).after is refunds.AfterRefund.ENDED
    assert at_stripes(app, subscribed)["status"] == "canceled"


def test_a_refund_of_an_older_invoice_leaves_the_subscription_alone(app: Flask, subscribed: Member) -> None:
    with app.app_context(), acting_as_system(), transaction():
        old = store.every("invoice")[0]["id"]
        db.session.get_one(Invoice, old).created_at -= timedelta(days=30)
    happen(app, at_stripe.next_period, subscription_id(app, subscribed), is_paid=True)

    assert refund(app, subscribed, invoice_id=old).after is refunds.AfterRefund.UNTOUCHED

    assert at_stripes(app, subscribed)["status"] == "active"
    assert access(app, subscribed).plan is PlanCode.PRO


def test_what_was_used_and_not_billed_yet_is_not_billed_with_the_end(
    app: Flask, subscribed: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []
    with app.app_context():
        monkeypatch.setattr(
            type(gateway()), "cancel", lambda _self, _id, *, bills_usage=True: asked.append(bills_usage)
        )

    refund(app, subscribed)

    assert asked == [False]


def test_while_stripe_is_silent_the_money_stays_given_back_and_the_end_is_made_up_for(
    app: Flask, subscribed: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent(*_: Any, **__: Any) -> None:
        raise PaymentsAway

    with monkeypatch.context() as while_silent, app.app_context():
        while_silent.setattr(type(gateway()), "cancel", silent)
        assert refund(app, subscribed).after is refunds.AfterRefund.WILL_END
    assert at_stripes(app, subscribed)["status"] == "active"

    for _ in range(2):
        with app.app_context():
            refunds.end_refunded_subscription(
                organization_id=str(subscribed.organization_id), subscription_id=subscription_id(app, subscribed)
            )
    assert at_stripes(app, subscribed)["status"] == "canceled"


def test_an_operator_may_keep_the_subscription_and_is_told_what_it_does(
    app: Flask, subscribed: Member, operator: Person
) -> None:
    path = f"/console/organizations/{subscribed.organization_id}"
    page = operator.get(path).text
    assert "No further charges are made" in page
    assert "paid access resumes" in page
    with app.app_context(), acting_as_system():
        invoice = store.every("invoice")[0]["id"]

    assert (
        operator.post(f"{path}/invoices/{invoice}/refund", refunded="0", reason="x", subscription="x").status_code
        == 422
    )
    operator.post(f"{path}/invoices/{invoice}/refund", refunded="0", reason="Kindness.", subscription="keep")

    assert at_stripes(app, subscribed)["status"] == "active"
    assert access(app, subscribed).plan is not PlanCode.PRO
    assert "with the next charge on" in operator.get(path).text
    assert "charged_without_access" in [mail.template for mail in mails_to(app, operator.email)]

    assert operator.post(f"{path}/subscription/end").status_code == 303
    assert at_stripes(app, subscribed)["status"] == "canceled"
    assert operator.post(f"{path}/subscription/end").status_code == 404


@pytest.mark.parametrize("how", ["refunded", "charged back"])
def test_operators_hear_of_a_subscription_that_charges_without_access(
    app: Flask, subscribed: Member, operator: Person, how: str
) -> None:
    """Also where the money was given back at Stripe, or by the bank."""
    with app.app_context(), acting_as_system():
        charge = store.every("charge")[0]
    if how == "refunded":
        happen(app, gateway_refund, app, charge["payment_intent"])
    else:
        happen(app, invoices.dispute, charge["id"], status="lost")

    assert access(app, subscribed).state is not AccessState.ACTIVE
    assert [mail.template for mail in mails_to(app, operator.email)] == ["charged_without_access"]


def gateway_refund(_app: Flask, intent: str) -> None:
    gateway().refund(intent, amount_minor=None, key="by-somebody")


@pytest.fixture
def in_yen(app: Flask, subscribed: Member) -> str:
    """An invoice over 7,000 yen."""
    with app.app_context(), acting_as_system(), transaction():
        [invoice], [charge] = store.every("invoice"), store.every("charge")
        store.save({**invoice, "currency": "jpy", "total": 7_000, "amount_paid": 7_000})
        store.save({**charge, "currency": "jpy", "amount": 7_000})
    happen(app, at_stripe.cancel_in_portal, subscription_id(app, subscribed), is_ending=False)
    return str(invoice["id"])


def test_a_refund_in_a_currency_without_cents_is_what_was_written(
    app: Flask, subscribed: Member, in_yen: str, operator: Person
) -> None:
    path = f"/console/organizations/{subscribed.organization_id}"
    assert "7,000 JPY" in operator.get(path).text

    def give_back(amount: str, before: int = 0) -> int:
        url = f"{path}/invoices/{in_yen}/refund"
        return int(operator.post(url, reason="Kindness.", refunded=str(before), amount=amount).status_code)

    assert give_back("70.50") == 422
    assert give_back("7001") == 422
    assert give_back("70.00") == 303
    with app.app_context(), acting_as_system():
        assert store.every("charge")[0]["amount_refunded"] == 70
    assert "70 JPY refunded" in operator.get(path).text
