"""What invoices say of who pays: kept by Stripe, which writes them, and changed on our page."""

from contextlib import suppress
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import convert, to_builtins

from billing import changes
from billing.accounts import find_account, lock_account
from billing.changes import Steps, making
from billing.checkouts import customer_of
from billing.errors import PaymentsAway
from billing.gateway import Gateway
from billing.intents import Change
from billing.stripe_objects import StripeObject
from core import audit
from core.accounts import Organization
from core.audit import Actor
from core.db import db, transaction
from core.scope import needs_system_scope


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


DETAILS = "details"
_ADDRESS = ("line1", "line2", "postal_code", "city", "country")


def read(organization_id: UUID) -> BillingDetails:
    """As Stripe gave them last."""
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


@needs_system_scope
def save(
    organization_id: UUID, wanted: BillingDetails, gateway: Gateway, *, email: str, by: Actor, now: datetime
) -> None:
    """`email` is where invoices go as long as no other address is wanted.

    Raises PaymentsAway, or PaymentsRefused for a tax id that cannot be; then nothing else is changed.
    """
    customer_id = customer_of(organization_id, gateway, email=email, now=now)
    with transaction():
        name = wanted.name or db.session.get_one(Organization, organization_id).name
    about = {"customer": customer_id, "email": wanted.email or email, "name": name}
    with making(organization_id, DETAILS, {**about, "details": to_builtins(wanted)}, by=by, now=now) as steps:
        _change_tax_ids(customer_id, wanted, gateway, steps)
        address = _address(wanted)
        key = steps.key("customer")
        gateway.update_customer(customer_id, email=about["email"], name=name, address=address, key=key)
        gateway.write_tax_note(customer_id, key=steps.key("tax-note"))
    with suppress(PaymentsAway):
        _show(organization_id, gateway.customer_with_tax_ids(customer_id))


def _show(organization_id: UUID, customer: StripeObject | None) -> None:
    """On our pages, as Stripe has it now."""
    with transaction():
        account = lock_account(organization_id)
        if customer is not None and account.customer_id == customer["id"]:
            account.customer, account.version = customer, account.version + 1


def _change_tax_ids(customer_id: str, wanted: BillingDetails, gateway: Gateway, steps: Steps) -> None:
    """Stripe changes none: one is added, or removed by its id."""
    there = {one["id"]: (one["type"], _bare(one["value"])) for one in gateway.tax_ids_of(customer_id)}
    if wanted.tax_id and (wanted.tax_id_type, _bare(wanted.tax_id)) not in there.values():
        key = steps.key("tax-id")  # first: a refused one changes nothing
        gateway.add_tax_id(customer_id, wanted.tax_id_type, wanted.tax_id, key=key)
    for removed in wanted.removed_tax_ids:
        if removed in there:
            steps.key(removed)  # Stripe takes none for that; a second one finds nothing to remove
            gateway.forget_tax_id(customer_id, removed)


def _is_saved(change: Change, gateway: Gateway) -> bool:
    customer = gateway.customer_with_tax_ids(change.wanted["customer"]) or {}
    wanted = convert(change.wanted["details"], BillingDetails)
    address = customer.get("address") or {}
    tax_ids = customer.get("tax_ids") or ()
    return (
        (customer.get("email"), customer.get("name")) == (change.wanted["email"], change.wanted["name"])
        and {name: address.get(name) or "" for name in _ADDRESS} == _address(wanted)
        and not {one["id"] for one in tax_ids} & set(wanted.removed_tax_ids)
        and (not wanted.tax_id or _bare(wanted.tax_id) in {_bare(one["value"]) for one in tax_ids})
    )


def _note_saved(change: Change, now: datetime) -> None:
    account = lock_account(change.organization_id)
    account.billing_email = change.wanted["details"]["email"] or None
    audit.write(change.organization_id, "plan.billing_details_changed", by=change.by, now=now)


changes.declare(DETAILS, changes.Kind("billing details", changes.if_so(_is_saved), _note_saved))


def _address(details: BillingDetails) -> dict[str, str]:
    return {name: getattr(details, name) for name in _ADDRESS}


def _tax_id(found: dict[str, Any]) -> TaxId:
    status = (found.get("verification") or {}).get("status") or "unavailable"
    return TaxId(id=found["id"], kind=found["type"], value=found["value"], status=status)


def _bare(value: str) -> str:
    """As it counts: spaces and points say nothing."""
    return "".join(filter(str.isalnum, value)).upper()
