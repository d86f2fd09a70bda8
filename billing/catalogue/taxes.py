"""Stripe Tax, as far as it has to be set up by hand: where we are, and where we are registered."""

from http import HTTPStatus
from typing import Any

from billing.stripe_words import every, plain
from core.errors import AppError


class TaxesNotSetUp(AppError):
    status, code, title = HTTPStatus.CONFLICT, "taxes_not_set_up", "Stripe cannot calculate taxes yet"
    advice = (
        "Set Stripe Tax up at Stripe, with the head office and the registrations, or switch STRIPE_AUTOMATIC_TAX off."
    )


def fault(v1: Any) -> str | None:
    found = plain(v1.tax.settings.retrieve())
    if found.get("status") != "active":
        missing = ((found.get("status_details") or {}).get("pending") or {}).get("missing_fields") or []
        return f"Stripe Tax is not set up; missing: {', '.join(missing) or 'unknown'}"
    if next(every(v1.tax.registrations, {"status": "active"}), None) is None:
        return "there is no registration at Stripe Tax, so no tax is collected anywhere"
    return None


def mend() -> object:
    raise TaxesNotSetUp
