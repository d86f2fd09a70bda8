"""What the pages of the status call things, for their templates."""

from typing import Any

from portal.status import reviews, states

_TONES = {
    None: "",
    states.ComponentState.OPERATIONAL: "good",
    states.ComponentState.UNDER_MAINTENANCE: "accent",
    states.ComponentState.DEGRADED: "warn",
    states.ComponentState.PARTIAL_OUTAGE: "warn",
    states.ComponentState.MAJOR_OUTAGE: "bad",
}
IMPACT_TONES = {"none": "", "minor": "warn", "major": "bad", "critical": "bad"}

WORDS: dict[str, Any] = {
    "component_names": states.NAMES,
    "probed_by": states.PROBED_BY,
    "state_words": states.STATE_LABELS,
    "tones": _TONES,
    "impact_tones": IMPACT_TONES,
    "incident_words": states.INCIDENT_LABELS,
    "maintenance_words": states.MAINTENANCE_LABELS,
    "review_fields": [(name, reviews.FIELDS[name]) for name in reviews.PUBLIC],
}
