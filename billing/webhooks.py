"""Where Stripe's events arrive: verified, stored once, answered at once, and processed by the worker."""

from flask import Blueprint, Response, request

from billing import operator_alerts, webhook_events
from billing.connection import gateway
from billing.jobs import process_event
from core.clock import utc_now
from core.db import acting_as_system, transaction
from core.errors import InvalidRequest
from core.jobs import defer

bp = Blueprint("stripe_webhooks", __name__)

PATH = "/webhooks/stripe"
MOST_BYTES = 1_000_000


@bp.post(PATH)
def receive() -> Response:
    """204 for every event that is signed, new or not; a duplicate has no further effect."""
    body = request.get_data(cache=False)
    if len(body) > MOST_BYTES:
        raise InvalidRequest("The body is longer than any Stripe event.")
    event = gateway().read_event(body, request.headers.get("Stripe-Signature", ""))
    jobs = [process_event, *operator_alerts.jobs_for(event["type"])]
    with acting_as_system(), transaction():
        if webhook_events.store(event, now=utc_now()):
            for job in jobs:
                defer(job, event_id=event["id"])
    return Response(status=204)
