"""The judge of our requests to Stripe must itself be able to say no."""

from typing import Any

import pytest
import stripe

from billing.catalogue import EVENTS
from local.stripe_sandbox.blank import blank
from tests.contract.stripe_contract import AgainstTheContract, judge_event, judge_object, judge_request

CHECKOUT = "/v1/checkout/sessions"


@pytest.mark.parametrize(
    ("verb", "path", "params"),
    [
        ("post", CHECKOUT, {"mode": "subscription", "line_items": [{"price": "price_1", "quantity": "1"}]}),
        ("get", "/v1/subscriptions", {"customer": "cus_1", "status": "all", "expand": ["data.schedule"]}),
        ("post", "/v1/subscriptions/sub_1", {"cancel_at": ""}),
        ("delete", "/v1/subscriptions/sub_1", {}),
    ],
)
def test_what_stripe_takes_is_taken(verb: str, path: str, params: dict[str, Any]) -> None:
    judge_request(verb, path, params)


@pytest.mark.parametrize(
    ("verb", "path", "params"),
    [
        ("post", CHECKOUT, {"mode": "subscripton"}),
        ("post", CHECKOUT, {"line_items": [{"pric": "price_1"}]}),
        ("post", CHECKOUT, {"line_items": [{"price": "price_1", "quantity": "some"}]}),
        ("post", "/v1/subscription_items/si_1/usage_records", {"quantity": "1"}),
        ("post", "/v1/subscriptions/sub_1", {"billing_cycle_anchor": "now"}),
        ("post", "/v1/subscriptions/sub_1", {"proration_behavior": "sometimes"}),
        ("post", "/v1/customers", {"coupon": "spring"}),
        ("post", "/v1/products", {"active": "true"}),
        ("put", "/v1/customers", {}),
    ],
)
def test_what_stripe_refuses_is_refused(verb: str, path: str, params: dict[str, Any]) -> None:
    with pytest.raises(AgainstTheContract):
        judge_request(verb, path, params)


@pytest.mark.parametrize("kind", ["subscription", "invoice", "checkout.session", "customer", "charge", "dispute"])
def test_an_object_needs_all_its_fields_and_no_other(kind: str) -> None:
    sound = blank(kind, id="x_1")
    judge_object(sound)

    with pytest.raises(AgainstTheContract):
        judge_object({**sound, "current_period_end_of_old": 1})
    with pytest.raises(AgainstTheContract):
        judge_object({name: value for name, value in sound.items() if name != "livemode"})
    with pytest.raises(AgainstTheContract):
        judge_object({**sound, "created": "yesterday"})


def test_what_we_ask_to_be_told_are_types_of_events() -> None:
    for kind in EVENTS:
        subject = blank("invoice", id="in_1")
        event = blank("event", id="evt_1", type=kind, api_version=stripe.api_version)
        judge_event({**event, "data": {"object": subject, "previous_attributes": None}})

    with pytest.raises(AgainstTheContract):
        judge_event({**event, "type": "invoice.payed", "data": {"object": subject, "previous_attributes": None}})
