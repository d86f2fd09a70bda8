"""Where Stripe tells us things: verified, kept once, answered at once, and worked off by the worker."""

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
        raise InvalidRequest("An event is not that long.")
    event = gateway().read_event(body, request.headers.get("Stripe-Signature", ""))
    with acting_as_system(), transaction():
        if webhook_events.store(event, now=utc_now()):
            defer(process_event, event_id=event["id"])
            if operator_alerts.concerns(event["type"]):
                defer(operator_alerts.alert_operators_of_event, event_id=event["id"])
    return Response(status=204)
