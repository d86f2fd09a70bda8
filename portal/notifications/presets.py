"""Choices of events that go together, so that a channel begins with what its readers need. Knows no database."""

from collections.abc import Mapping

import msgspec

from portal.notifications.events import EventAudience, of_audience


class Preset(msgspec.Struct, frozen=True):
    """`prefixes` are names of events, or what the names begin with."""

    label: str
    prefixes: tuple[str, ...]


PRESETS: Mapping[EventAudience, Mapping[str, Preset]] = {
    EventAudience.CUSTOMER: {
        "security": Preset(
            "Security team",
            (
                *("api_key.", "member.", "owner.", "policy.", "decisions.exported", "audit_log.exported"),
                *("organization.", "fact.looks_like_free_text"),
            ),
        ),
        "developers": Preset(
            "Developers",
            ("decision.blocked", "api_key.rotation_due", "api_key.expiring", "policy.", "quota.", "fact."),
        ),
        "legal": Preset("Legal and compliance", ("legal.", "audit.", "policy.changed", "decisions.exported")),
        "billing": Preset("Billing", ("quota.", "entitlement.")),
    },
    EventAudience.OPERATORS: {
        "on-call": Preset("On call", ("incident.", "alert.", "probe.", "backup.", "ticket.escalated")),
        "support": Preset("Support", ("ticket.", "suspected_breach.")),
        "legal": Preset("Legal", ("breach.", "sub_processor.", "audit.", "suspected_breach.")),
    },
}


def events_of(audience: EventAudience, preset: str) -> list[str]:
    """The names of its events; none for a preset that there is not."""
    found = PRESETS[audience].get(preset)
    if found is None:
        return []
    return [event.name for event in of_audience(audience) if event.name.startswith(found.prefixes)]
