"""Finding our meter among those that the account has."""

from typing import Any

from billing.plans import METER_EVENT
from billing.stripe_words import every


def find_meter(v1: Any) -> Any | None:
    """The active one; or else one that was deactivated."""
    found = [one for one in every(v1.billing.meters) if one.event_name == METER_EVENT]
    return next((one for one in found if one.status == "active"), found[0] if found else None)
