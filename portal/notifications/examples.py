"""The example on the page that says what we send: made by the code that sends, so that it cannot differ."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec

from core.formats import iso
from core.ids import new_uuid, public_id
from portal.notifications import payloads, signing
from portal.notifications.events import BLOCKED, EVENTS, EventAudience

_AT = datetime(2026, 11, 22, 10, 5, tzinfo=UTC)
_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105  the one that the specification shows


class Example(msgspec.Struct, frozen=True):
    headers: dict[str, str]
    body: str


def of(audience: EventAudience) -> Example:
    """One request, with the headers that it would have."""
    at_ms = int(_AT.timestamp() * 1000)
    event, data = (BLOCKED, _blocked(at_ms)) if audience is EventAudience.CUSTOMER else (EVENTS["alert.firing"], _ALERT)
    payload = payloads.body(
        _id(at_ms),
        event.name,
        words=event.words,
        link=f"https://governance.example{event.path}",
        data=data,
        organization="ada-and-co" if audience is EventAudience.CUSTOMER else None,
        now=_AT,
    )
    signed = signing.headers_for(payload["id"], payloads.as_json(payload), signing_secrets=[_SECRET], now=_AT)
    return Example(signed, msgspec.json.format(payloads.as_json(payload), indent=2).decode())


_ALERT = {
    "subject": "1a30ba71cca2921f",
    "alert": "ErrorRateHigh",
    "severity": "critical",
    "about": "More than 1% of requests fail.",
    "started_at": iso(_AT - timedelta(minutes=5)),
}


def _blocked(at_ms: int) -> dict[str, object]:
    return {
        "count": 2,
        "from": iso(_AT - timedelta(minutes=1)),
        "until": iso(_AT),
        "environments": ["live"],
        "decision_ids": [public_id("dec", _id(at_ms - before)) for before in (40_000, 20_000)],
        "reasons": {"contains_personal_data": 2},
    }


def _id(at_ms: int) -> UUID:
    return new_uuid(at_ms=at_ms)
