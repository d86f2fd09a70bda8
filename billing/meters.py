"""Stripe in our words: our meter among those that the account has, and what it counts."""

from datetime import datetime
from typing import Any

import stripe

from billing.errors import MeterMissing
from billing.plans import METER_EVENT
from billing.stripe_words import MOST_LISTED, every, translated


def find_meter(v1: Any) -> Any | None:
    """The active one; or else one that was deactivated."""
    found = [one for one in every(v1.billing.meters) if one.event_name == METER_EVENT]
    return next((one for one in found if one.status == "active"), found[0] if found else None)


class Meters:
    """The part of the gateway that is about usage."""

    client: stripe.StripeClient

    def send_usage(self, identifier: str, *, customer_id: str, checks: int, at: datetime) -> None:
        """Once for each identifier; that it is there already is as good."""
        with translated():
            try:
                self.client.v1.billing.meter_events.create(
                    {
                        "event_name": METER_EVENT,
                        "identifier": identifier,
                        "payload": {"stripe_customer_id": customer_id, "value": str(checks)},
                        "timestamp": int(at.timestamp()),
                    },
                    {"idempotency_key": f"{identifier}:{at.timestamp():.0f}"},
                )
            except stripe.InvalidRequestError as error:
                if "identifier" not in str(error.user_message):
                    raise

    def usage_of(self, customer_id: str, *, since: datetime, until: datetime) -> int:
        """What the meter has counted between two full hours. Raises MeterMissing: nothing counted is another thing."""
        with translated():
            meter = find_meter(self.client.v1)
            if meter is None:
                raise MeterMissing
            found = self.client.v1.billing.meters.event_summaries.list(
                meter.id,
                {
                    "customer": customer_id,
                    "start_time": int(since.timestamp()),
                    "end_time": int(until.timestamp()),
                    "limit": MOST_LISTED,
                },
            )
            return int(sum(summary.aggregated_value for summary in found.auto_paging_iter()))
