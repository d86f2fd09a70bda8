"""The meter that counts live checks for who pays as they go."""

from http import HTTPStatus
from typing import Any

from billing.catalogue.part import differing
from billing.meters import find_meter
from billing.plans import METER_EVENT
from billing.stripe_words import plain
from core.errors import AppError

_MAPPING = {"type": "by_id", "event_payload_key": "stripe_customer_id"}
_WANTED = {"formula": "sum", "customer": _MAPPING, "value": "value", "event_time_window": None}


class MeterWrong(AppError):
    status, code, title = (
        HTTPStatus.CONFLICT,
        "meter_wrong",
        "The meter in Stripe has different settings, and cannot be changed",
    )
    advice = "Deactivate it in Stripe, then run flask billing sync again to create a new one."


def fault(v1: Any) -> str | None:
    meter = find_meter(v1)
    if meter is None:
        return "is missing"
    if meter.status != "active":
        return "is not active"
    different = _different(meter)
    return f"has other settings: {different}" if different else None


def mend(v1: Any) -> object:
    meter = find_meter(v1)
    if meter is not None and _different(meter):
        if meter.status == "active":  # one name of an event has one active meter
            raise MeterWrong
        meter = None
    if meter is not None:
        return v1.billing.meters.reactivate(meter.id)
    return v1.billing.meters.create(
        {
            "display_name": "Live checks",
            "event_name": METER_EVENT,
            "default_aggregation": {"formula": "sum"},
            "customer_mapping": _MAPPING,
            "value_settings": {"event_payload_key": "value"},
        }
    )


def _different(meter: Any) -> str:
    described = plain(meter)
    found = {
        "formula": (described.get("default_aggregation") or {}).get("formula"),
        "customer": described.get("customer_mapping"),
        "value": (described.get("value_settings") or {}).get("event_payload_key"),
        "event_time_window": described.get("event_time_window"),
    }
    return differing(found, _WANTED)
