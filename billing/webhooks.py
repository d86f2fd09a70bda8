"""Where Stripe tells us things: verified, kept once, answered at once, and worked off by the worker."""

from flask import Blueprint, Response, request

from billing import inbox, operator_alerts
from billing.connection import gateway
from billing.jobs import work_off_event
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
        if inbox.take_in(event, now=utc_now()):
            defer(work_off_event, event_id=event["id"])
            if operator_alerts.concerns(event["type"]):
                defer(operator_alerts.alert_operators_of_event, event_id=event["id"])
    return Response(status=204)
