"""Our products, prices, meter, portal and webhook at Stripe, as code: what should be there, and what differs.

With the gateway and the sandbox this is the only file that knows the SDK.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec
import stripe

from billing.plans import (
    CURRENCY,
    METER_EVENT,
    METERED_CHECKS_PER_CENT,
    METERED_MINIMUM_MINOR,
    PLANS,
    SOLD,
    Plan,
    PlanCode,
    lookup_key,
    product_id,
)
from billing.stripe_words import PRODUCT, is_ours, translated

EVENTS = (
    "checkout.session.completed",
    "checkout.session.async_payment_succeeded",
    "checkout.session.async_payment_failed",
    "checkout.session.expired",
    "customer.updated",
    "customer.deleted",
    "customer.subscription.created",
    "customer.subscription.updated",
    "customer.subscription.deleted",
    "customer.subscription.paused",
    "customer.subscription.resumed",
    "customer.subscription.trial_will_end",
    "customer.subscription.pending_update_applied",
    "customer.subscription.pending_update_expired",
    "invoice.finalized",
    "invoice.paid",
    "invoice.payment_failed",
    "invoice.voided",
    "invoice.marked_uncollectible",
    "charge.refunded",
    "charge.dispute.created",
    "charge.dispute.updated",
    "charge.dispute.closed",
    "subscription_schedule.updated",
    "subscription_schedule.released",
)
"""What our webhook is told."""

_PORTAL: dict[str, Any] = {
    "customer_update": {"enabled": True, "allowed_updates": ["email", "address", "name", "tax_id"]},
    "invoice_history": {"enabled": True},
    "payment_method_update": {"enabled": True},
    "subscription_cancel": {"enabled": True, "mode": "at_period_end"},
}
"""Plans are changed on our own page, which shows what it costs before."""


class Part(msgspec.Struct, frozen=True):
    """One thing that should be at Stripe. `fault` says how it is not; `mend` makes it so."""

    name: str
    fault: Callable[[], str | None]
    mend: Callable[[], object]


def parts(client: stripe.StripeClient, *, webhook_url: str | None) -> list[Part]:
    """In the order in which they are set up. Without an address that Stripe can reach there is no webhook to set up."""
    v1 = client.v1
    found = [Part("meter", partial(_fault_of_meter, v1), partial(_make_meter, v1))]
    for plan in (PLANS[code] for code in SOLD):
        found += [
            Part(f"product {plan.name}", partial(_fault_of_product, v1, plan), partial(_mend_product, v1, plan)),
            Part(f"price of {plan.name}", partial(_fault_of_price, v1, plan), partial(_mend_price, v1, plan)),
        ]
    found.append(Part("customer portal", partial(_fault_of_portal, v1), partial(_mend_portal, v1)))
    if webhook_url is not None:
        about = (v1, webhook_url)
        found.append(Part("webhook", partial(_fault_of_webhook, *about), partial(_mend_webhook, *about)))
    return found


def sync(wanted: list[Part]) -> list[str]:
    """Makes Stripe match; what was done, in words. A second run does nothing."""
    done = []
    for part in wanted:
        with translated():
            fault = part.fault()
            if fault is not None:
                part.mend()
                done.append(f"{part.name}: {fault}; mended")
    return done


def differences(wanted: list[Part]) -> list[str]:
    """What differs, in words."""
    with translated():
        return [f"{part.name}: {fault}" for part in wanted if (fault := part.fault()) is not None]


def _meter(v1: Any) -> Any | None:
    return next((one for one in v1.billing.meters.list().data if one.event_name == METER_EVENT), None)


def _fault_of_meter(v1: Any) -> str | None:
    return "is missing" if _meter(v1) is None else None


def _make_meter(v1: Any) -> object:
    return v1.billing.meters.create(
        {
            "display_name": "Live checks",
            "event_name": METER_EVENT,
            "default_aggregation": {"formula": "sum"},
            "customer_mapping": {"type": "by_id", "event_payload_key": "stripe_customer_id"},
            "value_settings": {"event_payload_key": "value"},
        }
    )


def _product(v1: Any, plan: Plan) -> Any | None:
    return next((one for one in v1.products.list({"limit": 100}).data if one.id == product_id(plan.code)), None)


def _fault_of_product(v1: Any, plan: Plan) -> str | None:
    product = _product(v1, plan)
    if product is None:
        return "is missing"
    return None if product.name == plan.name and product.active else "has another name, or is not active"


def _mend_product(v1: Any, plan: Plan) -> object:
    words = {"name": plan.name, "metadata": {"product": PRODUCT}}
    if _product(v1, plan) is None:
        return v1.products.create({"id": product_id(plan.code), **words})
    return v1.products.update(product_id(plan.code), {**words, "active": True})


def _price(v1: Any, plan: Plan) -> Any | None:
    found = v1.prices.list({"lookup_keys": [lookup_key(plan.code)], "active": True, "expand": ["data.tiers"]}).data
    return found[0] if found else None


def _fault_of_price(v1: Any, plan: Plan) -> str | None:
    price = _price(v1, plan)
    if price is None:
        return "is missing"
    if plan.code is PlanCode.METERED:
        is_right = price.billing_scheme == "tiered" and price.tiers_mode == "graduated"
    else:
        is_right = price.unit_amount == plan.price_minor
    return None if is_right and price.currency == CURRENCY else "costs something else"


def _mend_price(v1: Any, plan: Plan) -> object:
    """A price is never changed: a new one takes its lookup key over, and who has the old one keeps it."""
    common = {
        "product": product_id(plan.code),
        "currency": CURRENCY,
        "lookup_key": lookup_key(plan.code),
        "transfer_lookup_key": True,
        "nickname": f"{plan.name}, monthly",
        "tax_behavior": "exclusive",
    }
    if plan.code is not PlanCode.METERED:
        return v1.prices.create({**common, "unit_amount": plan.price_minor, "recurring": {"interval": "month"}})
    meter = _meter(v1)
    included = METERED_MINIMUM_MINOR * METERED_CHECKS_PER_CENT
    return v1.prices.create(
        {
            **common,
            "billing_scheme": "tiered",
            "tiers_mode": "graduated",
            "tiers": [
                {"up_to": included, "flat_amount": METERED_MINIMUM_MINOR, "unit_amount": 0},
                {"up_to": "inf", "unit_amount_decimal": str(1 / METERED_CHECKS_PER_CENT)},
            ],
            "recurring": {"interval": "month", "usage_type": "metered", "meter": meter.id if meter else ""},
        }
    )


def _portal(v1: Any) -> Any | None:
    """Ours, by its metadata: one that is made by code is never the default."""
    found = v1.billing_portal.configurations.list({"active": True, "limit": 100}).data
    return next((one for one in found if is_ours(one)), None)


def _fault_of_portal(v1: Any) -> str | None:
    portal = _portal(v1)
    if portal is None:
        return "is not configured"
    features = portal.features
    is_right = (
        features.subscription_cancel.enabled
        and features.subscription_cancel.mode == "at_period_end"
        and features.payment_method_update.enabled
        and features.invoice_history.enabled
        and not features.subscription_update.enabled
    )
    return None if is_right else "lets customers do something else"


def _mend_portal(v1: Any) -> object:
    portal = _portal(v1)
    if portal is None:
        return v1.billing_portal.configurations.create({"features": _PORTAL, "metadata": {"product": PRODUCT}})
    features = {**_PORTAL, "subscription_update": {"enabled": False}}
    return v1.billing_portal.configurations.update(portal.id, {"features": features})


def _webhook(v1: Any, url: str) -> Any | None:
    return next((one for one in v1.webhook_endpoints.list({"limit": 100}).data if one.url == url), None)


def _fault_of_webhook(v1: Any, url: str) -> str | None:
    endpoint = _webhook(v1, url)
    if endpoint is None:
        return "is missing"
    if endpoint.api_version != stripe.api_version:
        return f"speaks version {endpoint.api_version}: delete it at Stripe, and run this again"
    if endpoint.status == "disabled":
        return "is switched off: switch it on at Stripe"
    return None if set(EVENTS) <= set(endpoint.enabled_events) else "is not told everything"


def _mend_webhook(v1: Any, url: str) -> object:
    endpoint = _webhook(v1, url)
    if endpoint is None:
        return v1.webhook_endpoints.create(
            {"url": url, "enabled_events": list(EVENTS), "api_version": stripe.api_version}
        )
    return v1.webhook_endpoints.update(endpoint.id, {"enabled_events": list(EVENTS)})
