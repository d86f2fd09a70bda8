"""Stripe in our words: events that come in by webhook, and whether it was Stripe who signed them."""

import json

import stripe

from billing.errors import WebhookRefused
from billing.stripe_objects import StripeObject
from billing.stripe_words import is_storable

TOLERANCE_S = 300


class SignedEvents:
    """The part of the gateway that is about events."""

    _secrets: tuple[str, ...]

    def read_event(self, body: bytes, signature: str) -> StripeObject:
        """A signed event, of either style. Raises WebhookRefused."""
        try:
            text = body.decode()
            event = json.loads(text) if self._is_signed(text, signature) else None
        except (ValueError, RecursionError) as error:  # neither UTF-8 nor JSON, or too deep
            raise WebhookRefused from error
        if not isinstance(event, dict) or not is_storable(event):
            raise WebhookRefused
        if not all(isinstance(event.get(name), str) and event[name] for name in ("id", "type")):
            raise WebhookRefused
        return event

    def _is_signed(self, body: str, signature: str) -> bool:
        for secret in self._secrets:
            try:
                stripe.WebhookSignature.verify_header(body, signature, secret, TOLERANCE_S)
            except stripe.SignatureVerificationError:
                continue
            return True
        return False
