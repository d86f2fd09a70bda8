"""What happened, signed as Stripe signs it and handed to our real webhook by a job."""

import hashlib
import hmac
from typing import Any

import msgspec
import stripe
from flask import current_app
from werkzeug.test import Client

from core import current
from core.clock import utc_now
from core.jobs import defer, in_its_own_session, jobs
from local.stripe_sandbox import store
from local.stripe_sandbox.blank import blank

WEBHOOK_PATH = "/webhooks/stripe"


def secret_from(secret_key: str) -> str:
    """The same in every process, and known to none that does not know ours."""
    return f"whsec_{hmac.new(secret_key.encode(), b'sandbox webhook', hashlib.sha256).hexdigest()}"


def emit(kind: str, subject: dict[str, Any]) -> dict[str, Any]:
    """Keeps an event, and sends it once the transaction is committed."""
    event = blank(
        "event",
        id=store.new_id("evt"),
        api_version=stripe.api_version,
        created=store.now_s(),
        type=kind,
        data={"object": subject, "previous_attributes": None},
        pending_webhooks=1,
        request={"id": None, "idempotency_key": None},
    )
    store.save(event)
    defer(deliver_sandbox_event, event_id=event["id"])
    return event


def send_again(event_id: str) -> None:
    """As Stripe does without being asked."""
    defer(deliver_sandbox_event, event_id=event_id)


def send(event_id: str) -> int:
    """Posts an event to our webhook, now. The status of the answer."""
    body = msgspec.json.encode(store.need(event_id, "event"))
    secret = secret_from(current.settings().secret_key)
    signature = stripe.WebhookSignature.generate_signature_header(
        body.decode(), secret, timestamp=int(utc_now().timestamp())
    )
    client = Client(current_app._get_current_object())  # type: ignore[attr-defined]  # noqa: SLF001
    headers = {"Stripe-Signature": signature, "Content-Type": "application/json"}
    return client.post(WEBHOOK_PATH, data=body, headers=headers).status_code


@jobs.task
@in_its_own_session
def deliver_sandbox_event(event_id: str) -> None:
    status = send(event_id)
    if status >= 300:  # noqa: PLR2004  whatever is no success is tried again
        raise RuntimeError(f"The webhook answered {status} to {event_id}.")
