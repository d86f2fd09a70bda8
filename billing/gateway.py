"""Stripe in our words. Beside the catalogue and the sandbox this is the only file that knows its SDK."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
import stripe

from billing.charges import Charges
from billing.errors import PriceMissing
from billing.meters import Meters
from billing.plans import PlanCode, lookup_key
from billing.signed_events import SignedEvents
from billing.stripe_objects import PRODUCT, StripeObject, id_of
from billing.stripe_words import MOST_LISTED, found_or_none, ours, plain, translated
from core.errors import AppError


class CheckoutPage(msgspec.Struct, frozen=True):
    session_id: str
    url: str


class Gateway(Charges, Meters, SignedEvents):
    """One client. Every write carries an idempotency key, ours where a crash in the middle must not double it."""

    def __init__(
        self,
        client: stripe.StripeClient,
        *,
        webhook_secrets: Sequence[str],
        is_live: bool,
        is_automatic_tax: bool = False,
    ) -> None:
        super().__init__(client, is_automatic_tax=is_automatic_tax)
        self._secrets = tuple(webhook_secrets)
        self.is_live = is_live

    def open_checkout(
        self,
        organization_id: UUID,
        *,
        attempt_id: UUID,
        customer_id: str,
        plan: PlanCode,
        success_url: str,
        cancel_url: str,
    ) -> CheckoutPage:
        """Raises PriceMissing."""
        price = self._price(plan)
        metered = plan is PlanCode.METERED
        with translated():
            session = self.client.v1.checkout.sessions.create(
                {
                    "mode": "subscription",
                    "customer": customer_id,
                    "line_items": [{"price": price} if metered else {"price": price, "quantity": 1}],
                    "success_url": success_url,
                    "cancel_url": cancel_url,
                    "client_reference_id": str(organization_id),
                    "metadata": ours(organization_id),
                    "subscription_data": {"metadata": ours(organization_id)},
                    "billing_address_collection": "required",
                    "customer_update": {"address": "auto", "name": "auto"},
                    "tax_id_collection": {"enabled": True},
                    "automatic_tax": {"enabled": self.is_automatic_tax},
                },
                {"idempotency_key": f"checkout-{attempt_id}"},
            )
        return CheckoutPage(session.id, session.url or cancel_url)

    def checkout(self, session_id: str) -> StripeObject:
        with translated():
            return plain(self.client.v1.checkout.sessions.retrieve(session_id))

    def find_checkout(self, session_id: str) -> StripeObject | None:
        return found_or_none(lambda: self.client.v1.checkout.sessions.retrieve(session_id))

    def open_checkouts_of(self, customer_id: str) -> list[StripeObject]:
        with translated():
            found = self.client.v1.checkout.sessions.list(
                {"customer": customer_id, "status": "open", "limit": MOST_LISTED}
            )
            return list(map(plain, found.auto_paging_iter()))

    def expire_checkout(self, session_id: str) -> None:
        with translated():
            self.client.v1.checkout.sessions.expire(session_id)

    def preview_change(self, subscription: StripeObject, plan: PlanCode) -> int:
        """What switching now costs at once, in cents, with the taxes that Stripe calculates. Raises PriceMissing."""
        items: Any = [_switched(subscription, self._price(plan), plan)]
        with translated():
            preview = self.client.v1.invoices.create_preview(
                {
                    "customer": id_of(subscription["customer"]),
                    "subscription": subscription["id"],
                    "automatic_tax": {"enabled": self.is_automatic_tax},
                    "subscription_details": {"items": items, "proration_behavior": "always_invoice"},
                }
            )
        return preview.amount_due

    def change_now(self, subscription: StripeObject, plan: PlanCode, *, key: str) -> None:
        """Raises the plan, charged at once; if the bank asks back, nothing changes before it is answered."""
        items: Any = [_switched(subscription, self._price(plan), plan)]
        with translated():
            self.client.v1.subscriptions.update(
                subscription["id"],
                {
                    "items": items,
                    "proration_behavior": "always_invoice",
                    "payment_behavior": "pending_if_incomplete",
                },
                {"idempotency_key": key},
            )

    def change_later(self, subscription: StripeObject, plan: PlanCode, *, key: str) -> None:
        """Lowers the plan from the next period on."""
        price, item = self._price(plan), subscription["items"]["data"][0]
        later: Any = _priced(price, None if plan is PlanCode.METERED else item.get("quantity") or 1)
        with translated():
            schedule = self.client.v1.subscription_schedules.create(
                {"from_subscription": subscription["id"]}, {"idempotency_key": f"{key}-schedule"}
            )
        try:
            self._plan_phases(schedule.id, item, later, plan, key=f"{key}-phases")
        except AppError:
            self.release_schedule(
                schedule.id, key=f"{key}-undo"
            )  # half of a plan would hold the subscription for nothing
            raise

    def _plan_phases(self, schedule_id: str, item: StripeObject, later: Any, plan: PlanCode, *, key: str) -> None:
        phases: Any = [
            {
                "items": [_priced(id_of(item["price"]), item.get("quantity"))],
                "start_date": item["current_period_start"],
                "end_date": item["current_period_end"],
            },
            {"items": [later], "start_date": item["current_period_end"]},
        ]
        with translated():
            self.client.v1.subscription_schedules.update(
                schedule_id,
                {"end_behavior": "release", "metadata": {"plan": plan.value}, "phases": phases},
                {"idempotency_key": key},
            )

    def release_schedule(self, schedule_id: str, *, key: str) -> None:
        """Undoes a change that was planned."""
        with translated():
            self.client.v1.subscription_schedules.release(schedule_id, {}, {"idempotency_key": key})

    def end_at_period(self, subscription_id: str, *, is_ending: bool, key: str) -> None:
        """Ends a subscription with what was paid, or takes that back."""
        # the customer portal sets a time, which has to be unset by its name
        params: Any = {"cancel_at_period_end": True} if is_ending else {"cancel_at": ""}
        with translated():
            self.client.v1.subscriptions.update(subscription_id, params, {"idempotency_key": key})

    def cancel(self, subscription_id: str, *, bills_usage: bool = True) -> None:
        """At once, without giving anything back. `bills_usage` is about what was used and not billed yet.

        Stripe takes no key for that: a second one is refused.
        """
        with translated():
            self.client.v1.subscriptions.cancel(subscription_id, {"invoice_now": bills_usage, "prorate": False})

    def calculate_taxes(self, subscription_id: str) -> None:
        """From the next invoice on. Raises PaymentsRefused where Stripe does not know where the customer is."""
        with translated():
            self.client.v1.subscriptions.update(subscription_id, {"automatic_tax": {"enabled": True}})

    def subscriptions_of(self, customer_id: str) -> list[StripeObject]:
        """All, ended ones too, newest first."""
        with translated():
            found = self.client.v1.subscriptions.list(
                {"customer": customer_id, "status": "all", "limit": MOST_LISTED, "expand": ["data.schedule"]}
            )
            return list(map(plain, found.auto_paging_iter()))

    def subscription(self, subscription_id: str) -> StripeObject:
        with translated():
            return plain(self.client.v1.subscriptions.retrieve(subscription_id))

    def find_subscription(self, subscription_id: str) -> StripeObject | None:
        """With the schedule that holds it, if one does."""
        return found_or_none(lambda: self.client.v1.subscriptions.retrieve(subscription_id, {"expand": ["schedule"]}))

    def invoices_of(self, customer_id: str) -> list[StripeObject]:
        """Newest first, with their payments."""
        with translated():
            found = self.client.v1.invoices.list(
                {"customer": customer_id, "limit": MOST_LISTED, "expand": ["data.payments"]}
            )
            return list(map(plain, found.auto_paging_iter()))

    def invoice(self, invoice_id: str) -> StripeObject:
        with translated():
            return plain(self.client.v1.invoices.retrieve(invoice_id))

    def every_subscription(self) -> list[StripeObject]:
        """Of our product, whoever's, ended ones too."""
        with translated():
            found = self.client.v1.subscriptions.list({"status": "all", "limit": MOST_LISTED})
            every = list(map(plain, found.auto_paging_iter()))
        return [one for one in every if (one.get("metadata") or {}).get("product") == PRODUCT]

    def _price(self, plan: PlanCode) -> str:
        with translated():
            found = self.client.v1.prices.list({"lookup_keys": [lookup_key(plan)], "active": True}).data
        if not found:
            raise PriceMissing
        return found[0].id


def _switched(subscription: StripeObject, price: str, plan: PlanCode) -> dict[str, Any]:
    item = subscription["items"]["data"][0]
    return {"id": item["id"], **_priced(price, None if plan is PlanCode.METERED else item.get("quantity") or 1)}


def _priced(price: str, quantity: int | None) -> dict[str, Any]:
    """What is metered has no quantity; whatever else was bought keeps its own."""
    return {"price": price} if quantity is None else {"price": price, "quantity": quantity}
