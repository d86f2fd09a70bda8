"""What invoices say of taxes: that none were calculated, or who owes them. Rules that ask nobody."""

from collections.abc import Iterable
from typing import Any

from billing.money import format_amount
from billing.stripe_objects import StripeObject
from billing.tax_ids import OF_VALUE_ADDED_TAX

TAX_CODE = "txcd_10103001"
"""Software as a service, for business use: https://docs.stripe.com/tax/tax-codes"""

_NONE = "No tax was calculated for this invoice. Prices are without VAT, GST and sales tax."
_REVERSE = "Reverse charge: where it applies, the recipient of the service owes the VAT and accounts for it."


def footer_for(kinds: Iterable[str], *, is_automatic: bool) -> str:
    """The footer of a customer's invoices. Where Stripe calculates taxes, it writes the notes itself."""
    if is_automatic:
        return ""
    return f"{_NONE} {_REVERSE}" if OF_VALUE_ADDED_TAX.intersection(kinds) else _NONE


def is_our_footer(footer: str | None) -> bool:
    """Not one that somebody wrote at Stripe, which stays."""
    return not footer or footer.startswith(_NONE)


def note_of(invoice: StripeObject) -> str:
    """For the list of invoices."""
    taxes = invoice.get("total_taxes") or []
    reasons = {tax.get("taxability_reason") for tax in taxes}
    total = sum(tax.get("amount") or 0 for tax in taxes)
    if total:
        return f"including {format_amount(total, invoice.get('currency'))} tax"
    if "reverse_charge" in reasons or invoice.get("customer_tax_exempt") == "reverse":
        return "reverse charge: you account for the VAT"
    return "without tax" if is_calculated(invoice) else "no tax calculated"


def is_calculated(found: dict[str, Any]) -> bool:
    """Whether Stripe calculates the taxes of a subscription or an invoice."""
    return bool((found.get("automatic_tax") or {}).get("enabled"))
