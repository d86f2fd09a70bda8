"""Stripe in our words: what was charged, given back, or is disputed."""

from typing import Any

from billing.customers import Customers
from billing.stripe_objects import PRODUCT, StripeObject, id_of
from billing.stripe_words import every, plain, translated


class Charges(Customers):
    """The part of the gateway that is about money that was paid."""

    def charge_for(self, payment_intent_id: str) -> StripeObject | None:
        """What was charged; None as long as nothing was."""
        with translated():
            intent = self.client.v1.payment_intents.retrieve(payment_intent_id, {"expand": ["latest_charge"]})
        charge = plain(intent).get("latest_charge")
        return charge if isinstance(charge, dict) else None

    def charge(self, charge_id: str) -> StripeObject:
        with translated():
            return plain(self.client.v1.charges.retrieve(charge_id))

    def dispute(self, dispute_id: str) -> StripeObject:
        with translated():
            return plain(self.client.v1.disputes.retrieve(dispute_id))

    def dispute_of(self, payment_intent_id: str) -> StripeObject | None:
        """The latest."""
        with translated():
            found = self.client.v1.disputes.list({"payment_intent": payment_intent_id, "limit": 1}).data
        return plain(found[0]) if found else None

    def early_fraud_warning(self, warning_id: str) -> StripeObject:
        with translated():
            return plain(self.client.v1.radar.early_fraud_warnings.retrieve(warning_id))

    def refund_of(self, refund_id: str) -> StripeObject:
        with translated():
            return plain(self.client.v1.refunds.retrieve(refund_id))

    def card_of(self, customer_id: str, subscription: StripeObject) -> StripeObject | None:
        """The card that is charged for a subscription, with its id; None for another means of payment, or none."""
        chosen = subscription.get("default_payment_method")
        if not chosen:
            customer = self.customer(customer_id) or {}
            chosen = (customer.get("invoice_settings") or {}).get("default_payment_method")
        if not chosen:
            return None
        with translated():
            method = plain(self.client.v1.payment_methods.retrieve(id_of(chosen)))
        card = method.get("card")
        return {**card, "id": method["id"]} if isinstance(card, dict) else None

    def refund(self, payment_intent_id: str, *, amount_minor: int | None, key: str) -> str:
        """All of it, or a part; the refund's id. Raises PaymentsRefused for money that is disputed or was refunded.

        It is found again by its key.
        """
        metadata = {"product": PRODUCT, "key": key}
        params: Any = {"payment_intent": payment_intent_id, "amount": amount_minor, "metadata": metadata}
        with translated():
            return self.client.v1.refunds.create(params, {"idempotency_key": key}).id

    def find_refund(self, payment_intent_id: str, *, key: str) -> str | None:
        """The id of the refund that was made by this key; None if there is none."""
        with translated():
            for one in every(self.client.v1.refunds, {"payment_intent": payment_intent_id}):
                if (plain(one).get("metadata") or {}).get("key") == key:
                    return str(one.id)
        return None

    def write_credit_note(self, *, invoice_id: str, refund_id: str, amount_minor: int, memo: str) -> None:
        """For a refund that was made, with the taxes in it. Once for each refund."""
        params: Any = {
            "invoice": invoice_id,
            "amount": amount_minor,
            "refunds": [{"refund": refund_id, "amount_refunded": amount_minor}],
            "memo": memo,
        }
        with translated():
            self.client.v1.credit_notes.create(params, {"idempotency_key": f"credit-{refund_id}"})
