"""What invoices say of who pays: kept by Stripe, which writes them, and changed on our page."""

from datetime import datetime
from uuid import UUID

import msgspec

from billing.checkouts import customer_of
from billing.facts import account_of, find_account
from billing.gateway import Gateway
from core import audit
from core.accounts import Organization
from core.audit import Actor
from core.db import db

TAX_IDS = {
    "eu_vat": "EU VAT number",
    "gb_vat": "UK VAT number",
    "ch_vat": "Swiss VAT number",
    "us_ein": "US employer number (EIN)",
}
"""By the names that Stripe has for them."""


class BillingDetails(msgspec.Struct, frozen=True, kw_only=True):
    """Empty where nothing is known. `country` is a code of two letters."""

    email: str = ""
    line1: str = ""
    line2: str = ""
    postal_code: str = ""
    city: str = ""
    country: str = ""
    tax_id_type: str = ""
    tax_id: str = ""


def read(organization_id: UUID, gateway: Gateway) -> BillingDetails:
    """Raises PaymentsAway."""
    account = find_account(organization_id)
    customer = gateway.customer(account.customer_id) if account is not None and account.customer_id else None
    if account is None or customer is None:
        return BillingDetails(email=account.billing_email or "" if account else "")
    address = customer.get("address") or {}
    tax_ids = gateway.tax_ids_of(customer["id"])
    return BillingDetails(
        email=account.billing_email or "",
        **{name: address.get(name) or "" for name in ("line1", "line2", "postal_code", "city", "country")},
        tax_id_type=tax_ids[0]["type"] if tax_ids else "",
        tax_id=tax_ids[0]["value"] if tax_ids else "",
    )


def save(
    organization_id: UUID, wanted: BillingDetails, gateway: Gateway, *, email: str, by: Actor, now: datetime
) -> None:
    """`email` is where invoices go as long as no other address is wanted. Needs the system's scope.

    Raises PaymentsAway, or PaymentsRefused for a tax id that cannot be.
    """
    account = account_of(organization_id)
    account.billing_email = wanted.email or None
    customer_id = customer_of(account, db.session.get_one(Organization, organization_id), gateway, email=email, now=now)
    address = {name: getattr(wanted, name) for name in ("line1", "line2", "postal_code", "city", "country")}
    gateway.update_customer(customer_id, email=wanted.email or email, address=address)
    _set_tax_id(customer_id, wanted, gateway)
    audit.write(organization_id, "plan.billing_details_changed", by=by, now=now)


def _set_tax_id(customer_id: str, wanted: BillingDetails, gateway: Gateway) -> None:
    """Stripe changes none: another one takes the place of those there are."""
    before = gateway.tax_ids_of(customer_id)
    after = [(wanted.tax_id_type, wanted.tax_id)] if wanted.tax_id else []
    if [(one["type"], one["value"]) for one in before] == after:
        return
    for kind, value in after:
        gateway.add_tax_id(customer_id, kind, value)  # first: one that is refused leaves those there are
    for one in before:
        gateway.forget_tax_id(customer_id, one["id"])
