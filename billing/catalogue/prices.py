"""What a plan costs. A price is never changed: a new one takes its lookup key, and who has the old one keeps it."""

from decimal import Decimal
from typing import Any

from billing.catalogue.part import differing
from billing.meters import find_meter
from billing.plans import (
    CURRENCY,
    METERED_CHECKS_PER_CENT,
    METERED_MINIMUM_MINOR,
    Plan,
    PlanCode,
    lookup_key,
    product_id,
)
from billing.stripe_objects import StripeObject, id_of
from billing.stripe_words import plain

_INCLUDED = METERED_MINIMUM_MINOR * METERED_CHECKS_PER_CENT
_BEYOND = Decimal(1) / METERED_CHECKS_PER_CENT
"""Cents for a check."""


def fault(v1: Any, plan: Plan) -> str | None:
    found = _find(v1, plan)
    if found is None:
        return "is missing"
    different = differing(_said_of(found), _wanted(v1, plan))
    return f"has other amounts: {different}" if different else None


def mend(v1: Any, plan: Plan) -> object:
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
    return v1.prices.create(
        {
            **common,
            "billing_scheme": "tiered",
            "tiers_mode": "graduated",
            "tiers": [
                {"up_to": _INCLUDED, "flat_amount": METERED_MINIMUM_MINOR, "unit_amount": 0},
                {"up_to": "inf", "unit_amount_decimal": _BEYOND},
            ],
            "recurring": {"interval": "month", "usage_type": "metered", "meter": _meter_id(v1) or ""},
        }
    )


def _find(v1: Any, plan: Plan) -> StripeObject | None:
    found = v1.prices.list({"lookup_keys": [lookup_key(plan.code)], "active": True, "expand": ["data.tiers"]}).data
    return plain(found[0]) if found else None


def _wanted(v1: Any, plan: Plan) -> dict[str, Any]:
    metered = plan.code is PlanCode.METERED
    return {
        "product": product_id(plan.code),
        "currency": CURRENCY,
        "tax_behavior": "exclusive",
        "interval": "month",
        "interval_count": 1,
        "trial_period_days": 0,
        "divided_by": 1,
        "billing_scheme": "tiered" if metered else "per_unit",
        "tiers_mode": "graduated" if metered else None,
        "cents": None if metered else _plain_number(plan.price_minor),
        "tiers": _TIERS if metered else [],
        "usage_type": "metered" if metered else "licensed",
        "meter": _meter_id(v1) if metered else None,
    }


def _said_of(price: StripeObject) -> dict[str, Any]:
    recurring = price.get("recurring") or {}
    is_tiered = price.get("billing_scheme") == "tiered"
    return {
        "product": id_of(price.get("product")),
        "currency": price.get("currency"),
        "tax_behavior": price.get("tax_behavior"),
        "interval": recurring.get("interval"),
        "interval_count": recurring.get("interval_count") or 1,
        "trial_period_days": recurring.get("trial_period_days") or 0,
        "divided_by": (price.get("transform_quantity") or {}).get("divide_by") or 1,
        "billing_scheme": price.get("billing_scheme"),
        "tiers_mode": price.get("tiers_mode"),
        "cents": None if is_tiered else _amount(price, "unit_amount"),
        "tiers": list(map(_tier, price.get("tiers") or [])),
        "usage_type": recurring.get("usage_type") or "licensed",
        "meter": recurring.get("meter") or None,
    }


def _tier(tier: StripeObject) -> str:
    up_to = tier.get("up_to")
    first = f"up to {up_to}" if up_to else "beyond"
    return f"{first}: {_amount(tier, 'flat_amount')} cents and {_amount(tier, 'unit_amount')} cents a check"


def _amount(found: StripeObject, name: str) -> str:
    """In cents; Stripe gives parts of a cent in a field of their own."""
    exact = found.get(f"{name}_decimal")
    return _plain_number(found.get(name) if exact is None else exact)


def _plain_number(value: Any) -> str:
    return f"{Decimal(str(value or 0)).normalize():f}"


def _meter_id(v1: Any) -> str | None:
    meter = find_meter(v1)
    return str(meter.id) if meter is not None else None


_TIERS = [
    _tier({"up_to": _INCLUDED, "flat_amount": METERED_MINIMUM_MINOR}),
    _tier({"up_to": None, "unit_amount_decimal": _BEYOND}),
]
