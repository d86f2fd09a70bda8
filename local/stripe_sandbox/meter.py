"""The meter: takes each identifier once, and says what it has counted."""

from typing import Any

from local.stripe_sandbox import store
from local.stripe_sandbox.blank import blank, list_of
from local.stripe_sandbox.routes import Call, plays


@plays("POST", "/v1/billing/meter_events")
def take(call: Call) -> dict[str, Any]:
    identifier = call.need("identifier")
    if store.find(f"meter:{identifier}") is not None:
        raise store.Refused(f"An event already exists with identifier {identifier}.", param="identifier")
    event = blank(
        "billing.meter_event",
        created=store.now_s(),
        event_name=call.need("event_name"),
        identifier=identifier,
        payload=call.need("payload"),
        timestamp=int(call.params.get("timestamp") or store.now_s()),
    )
    store.save({**event, "id": f"meter:{identifier}"}, kind="meter_event")
    return event


@plays("GET", "/v1/billing/meters/{}/event_summaries")
def summarize(call: Call) -> dict[str, Any]:
    since, until = int(call.need("start_time")), int(call.need("end_time"))
    counted = sum(
        int(event["payload"]["value"])
        for event in store.every("meter_event")
        if event["payload"]["stripe_customer_id"] == call.need("customer") and since <= event["timestamp"] < until
    )
    times = {"start_time": since, "end_time": until}
    summary = blank("billing.meter_event_summary", id=store.new_id("mtrsum"), meter=call.id, **times)
    return list_of([{**summary, "aggregated_value": float(counted)}], f"/v1/billing/meters/{call.id}/event_summaries")
