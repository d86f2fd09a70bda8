"""Stripe's own pages for cards, addresses and invoices, as we configure them."""

from typing import Any

from billing.catalogue.part import differing
from billing.stripe_objects import PRODUCT
from billing.stripe_words import every, is_ours, plain

_FEATURES: dict[str, Any] = {
    "customer_update": {"enabled": True, "allowed_updates": ["email", "address", "name", "tax_id"]},
    "invoice_history": {"enabled": True},
    "payment_method_update": {"enabled": True},
    "subscription_cancel": {"enabled": True, "mode": "at_period_end"},
}
"""Plans are changed on our own page, which shows what it costs before."""


_NOT_SAID = {"subscription_update": {"enabled": False}}


def find(v1: Any) -> Any | None:
    """Ours, by its metadata: one that is made by code is never the default."""
    return next((one for one in every(v1.billing_portal.configurations, {"active": True}) if is_ours(one)), None)


def fault(v1: Any) -> str | None:
    portal = find(v1)
    if portal is None:
        return "is not configured"
    different = differing(_flat({**_NOT_SAID, **(plain(portal).get("features") or {})}), _flat(_wanted()))
    return f"allows something else: {different}" if different else None


def mend(v1: Any) -> object:
    portal = find(v1)
    if portal is None:
        return v1.billing_portal.configurations.create({"features": _FEATURES, "metadata": {"product": PRODUCT}})
    return v1.billing_portal.configurations.update(portal.id, {"features": _wanted()})


def _wanted() -> dict[str, Any]:
    return {**_FEATURES, **_NOT_SAID}


def _flat(features: dict[str, Any]) -> dict[str, Any]:
    """Of what we have an opinion on; the order of a list says nothing."""
    return {
        f"{feature}_{name}": sorted(found) if isinstance(found, list) else found
        for feature, wishes in _wanted().items()
        for name in wishes
        if (found := (features.get(feature) or {}).get(name)) is not None
    }
