"""What invoices say of who pays: kept by Stripe, which writes them, and changed on our page."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from billing.afterwards import found_out_if_unsure
from billing.checkouts import customer_of
from billing.facts import account_of, find_account
from billing.gateway import Gateway
from core import audit
from core.accounts import Organization
from core.audit import Actor
from core.db import db, transaction


class TaxId(msgspec.Struct, frozen=True, kw_only=True):
    """One that is on invoices. `status` is what Stripe found when it asked the authority."""

    id: str
    kind: str
    value: str
    status: str


class BillingDetails(msgspec.Struct, frozen=True, kw_only=True):
    """Empty where nothing is known. `country` is a code of two letters; `name` is the company's."""

    email: str = ""
    name: str = ""
    line1: str = ""
    line2: str = ""
    postal_code: str = ""
    city: str = ""
    country: str = ""
    tax_ids: tuple[TaxId, ...] = ()
    """Those there are."""
    tax_id_type: str = ""
    tax_id: str = ""
    """One that is to be added."""
    removed_tax_ids: tuple[str, ...] = ()
    """The ids of those to be removed. Others stay, whatever else is saved."""


_ADDRESS = ("line1", "line2", "postal_code", "city", "country")


def read(organization_id: UUID) -> BillingDetails:
    """As Stripe told them last."""
    account = find_account(organization_id)
    customer = account.customer if account is not None else None
    if account is None or customer is None:
        name = db.session.get_one(Organization, organization_id).name
        return BillingDetails(email=account.billing_email or "" if account else "", name=name)
    address = customer.get("address") or {}
    lines: Any = {name: address.get(name) or "" for name in _ADDRESS}
    return BillingDetails(
        email=account.billing_email or "",
        name=customer.get("name") or "",
        **lines,
        tax_ids=tuple(map(_tax_id, customer.get("tax_ids") or ())),
    )


def save(
    organization_id: UUID, wanted: BillingDetails, gateway: Gateway, *, email: str, by: Actor, now: datetime
) -> None:
    """`email` is where invoices go as long as no other address is wanted. Needs the system's scope.

    Raises PaymentsAway, or PaymentsRefused for a tax id that cannot be; then nothing else is changed.
    """
    customer_id = customer_of(organization_id, gateway, email=email, now=now)
    with transaction():
        organization_name = db.session.get_one(Organization, organization_id).name
    with found_out_if_unsure(organization_id, "billing details", by=by, now=now):
        _change_tax_ids(customer_id, wanted, gateway)
        gateway.update_customer(
            customer_id,
            email=wanted.email or email,
            name=wanted.name or organization_name,
            address={name: getattr(wanted, name) for name in _ADDRESS},
        )
        gateway.write_tax_note(customer_id)
    customer = gateway.customer_with_tax_ids(customer_id)
    with transaction():
        account = account_of(organization_id)
        account.billing_email, account.version = wanted.email or None, account.version + 1
        account.customer = customer if account.customer_id == customer_id else account.customer
        audit.write(organization_id, "plan.billing_details_changed", by=by, now=now)


def _change_tax_ids(customer_id: str, wanted: BillingDetails, gateway: Gateway) -> None:
    """Stripe changes none: one is added, or removed by its id."""
    there = {one["id"]: (one["type"], _bare(one["value"])) for one in gateway.tax_ids_of(customer_id)}
    if wanted.tax_id and (wanted.tax_id_type, _bare(wanted.tax_id)) not in there.values():
        gateway.add_tax_id(customer_id, wanted.tax_id_type, wanted.tax_id)  # first: a refused one changes nothing
    for removed in wanted.removed_tax_ids:
        if removed in there:
            gateway.forget_tax_id(customer_id, removed)


def _tax_id(found: dict[str, Any]) -> TaxId:
    status = (found.get("verification") or {}).get("status") or "unavailable"
    return TaxId(id=found["id"], kind=found["type"], value=found["value"], status=status)


def _bare(value: str) -> str:
    """As it counts: spaces and points say nothing."""
    return "".join(filter(str.isalnum, value)).upper()
