"""The address to which Stripe tells events, and which events."""

from typing import Any

import stripe

from billing.stripe_words import every

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
    "radar.early_fraud_warning.created",
    "refund.failed",
    "refund.updated",
    "subscription_schedule.updated",
    "subscription_schedule.released",
)
"""The events that our webhook subscribes to."""


def fault(v1: Any, url: str) -> str | None:
    endpoint = _find(v1, url)
    if endpoint is None:
        return "is missing"
    if endpoint.api_version != stripe.api_version:
        return f"speaks version {endpoint.api_version}: delete it at Stripe, and run this again"
    if endpoint.status == "disabled":
        return "is switched off: switch it on at Stripe"
    return None if set(EVENTS) <= set(endpoint.enabled_events) else "does not receive all events"


def mend(v1: Any, url: str) -> object:
    endpoint = _find(v1, url)
    if endpoint is None:
        return v1.webhook_endpoints.create(
            {"url": url, "enabled_events": list(EVENTS), "api_version": stripe.api_version}
        )
    return v1.webhook_endpoints.update(endpoint.id, {"enabled_events": list(EVENTS)})


def _find(v1: Any, url: str) -> Any | None:
    return next((one for one in every(v1.webhook_endpoints) if one.url == url), None)
