"""Stripe in our words: customers, what invoices say of them, and their way to Stripe's own pages."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import stripe

from billing.stripe_objects import StripeObject
from billing.stripe_words import MOST_LISTED, every, found_or_none, is_ours, ours, plain, translated
from billing.taxes import footer_for, is_our_footer


class Customers:
    """The part of the gateway that is about who pays."""

    def __init__(self, client: stripe.StripeClient, *, is_automatic_tax: bool = False) -> None:
        self.client = client
        self.is_automatic_tax = is_automatic_tax

    def make_customer(self, organization_id: UUID, *, name: str, email: str, number: int) -> str:
        """The customer's id; the same one for the same organization and number, whoever asks and with what address."""
        with translated():
            made = self.client.v1.customers.create(
                {"metadata": ours(organization_id)}, {"idempotency_key": f"customer-{organization_id}-{number}"}
            )
            about: Any = {"name": name, "email": email}
            if not self.is_automatic_tax:
                about["invoice_settings"] = {"footer": footer_for((), is_automatic=False)}
            self.client.v1.customers.update(made.id, about)
        return made.id

    def customer(self, customer_id: str) -> StripeObject | None:
        """None if it was deleted, or Stripe knows none of this id."""
        found = found_or_none(lambda: self.client.v1.customers.retrieve(customer_id))
        return None if found is None or found.get("deleted") else found

    def customer_with_tax_ids(self, customer_id: str) -> StripeObject | None:
        """With `tax_ids` as a plain list; `deleted` if it was, None if Stripe knows none of this id."""
        found = found_or_none(lambda: self.client.v1.customers.retrieve(customer_id))
        if found is None or found.get("deleted"):
            return found
        return {**found, "tax_ids": self.tax_ids_of(customer_id)}

    def update_customer(self, customer_id: str, *, email: str, name: str, address: Mapping[str, str], key: str) -> None:
        given: Any = {part: value for part, value in address.items() if value}
        about: Any = {"email": email, "name": name, "address": given or ""}
        with translated():
            self.client.v1.customers.update(customer_id, about, {"idempotency_key": key})

    def write_tax_note(self, customer_id: str, *, key: str | None = None) -> None:
        """What invoices say of taxes, at their foot; one that somebody else wrote there stays."""
        customer = self.customer(customer_id)
        if customer is None:
            return
        before = (customer.get("invoice_settings") or {}).get("footer") or ""
        kinds = [one["type"] for one in self.tax_ids_of(customer_id)]
        footer = footer_for(kinds, is_automatic=self.is_automatic_tax)
        if footer != before and is_our_footer(before):
            with translated():
                options: Any = {"idempotency_key": key} if key else None
                self.client.v1.customers.update(customer_id, {"invoice_settings": {"footer": footer}}, options)

    def set_customer_email(self, customer_id: str, email: str) -> None:
        with translated():
            self.client.v1.customers.update(customer_id, {"email": email})

    def tax_ids_of(self, customer_id: str) -> list[StripeObject]:
        with translated():
            found = self.client.v1.customers.tax_ids.list(customer_id, {"limit": MOST_LISTED})
            return list(map(plain, found.auto_paging_iter()))

    def add_tax_id(self, customer_id: str, kind: str, value: str, *, key: str) -> None:
        params: Any = {"type": kind, "value": value}
        with translated():
            self.client.v1.customers.tax_ids.create(customer_id, params, {"idempotency_key": key})

    def forget_tax_id(self, customer_id: str, tax_id: str) -> None:
        with translated():
            self.client.v1.customers.tax_ids.delete(customer_id, tax_id)

    def portal_url(self, customer_id: str, *, return_url: str) -> str:
        """Stripe's own pages for cards and invoices, as we configured them."""
        with translated():
            configurations = every(self.client.v1.billing_portal.configurations, {"active": True})
            own = next((one.id for one in configurations if is_ours(one)), None)
            params: Any = {"customer": customer_id, "return_url": return_url, "configuration": own}
            return self.client.v1.billing_portal.sessions.create(params).url
