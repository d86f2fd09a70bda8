"""What is sold: a product for each plan, under an id of our own."""

from typing import Any

import stripe

from billing.catalogue.part import differing
from billing.plans import Plan, product_id
from billing.stripe_objects import PRODUCT, id_of
from billing.stripe_words import plain
from billing.taxes import TAX_CODE


def fault(v1: Any, plan: Plan) -> str | None:
    product = _find(v1, plan)
    if product is None:
        return "is missing"
    described = plain(product)
    tax_code = id_of(described["tax_code"]) if described.get("tax_code") else None
    found = {**described, "product": (described.get("metadata") or {}).get("product"), "tax_code": tax_code}
    wanted = {"name": plan.name, "active": True, "product": PRODUCT, "tax_code": TAX_CODE}
    different = differing(found, wanted)
    return f"has other details: {different}" if different else None


def mend(v1: Any, plan: Plan) -> object:
    words = {"name": plan.name, "metadata": {"product": PRODUCT}, "tax_code": TAX_CODE}
    if _find(v1, plan) is None:
        return v1.products.create({"id": product_id(plan.code), **words})
    return v1.products.update(product_id(plan.code), {**words, "active": True})


def _find(v1: Any, plan: Plan) -> Any | None:
    """By its id: however many others the account has."""
    try:
        return v1.products.retrieve(product_id(plan.code))
    except stripe.InvalidRequestError as error:
        if error.code == "resource_missing":
            return None
        raise
