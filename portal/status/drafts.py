"""What an operator is offered to say, from what the probes found. Nothing here is ever published by itself.

Needs the system's scope.
"""

from datetime import datetime
from typing import Any

import msgspec

from portal.status import incidents, maintenances, probes, wordings
from portal.status.detection import FAILURES_FOR_OUTAGE, LOOKED_AT, Sample, detected, failures_in_a_row
from portal.status.models import Incident
from portal.status.states import NAMES, Component, ComponentState, Impact

_IMPACTS = {
    ComponentState.DEGRADED: Impact.MINOR,
    ComponentState.PARTIAL_OUTAGE: Impact.MAJOR,
    ComponentState.MAJOR_OUTAGE: Impact.CRITICAL,
}
_MOST = 240
"""How far back the beginning of a row of failures is looked for, in probes."""


class Suggestion(msgspec.Struct, frozen=True):
    component: Component
    state: ComponentState
    seen: str
    since: datetime
    template: str


def suggestions(*, now: datetime) -> list[Suggestion]:
    """For each component that its probes find in trouble, of which no open incident or maintenance speaks."""
    told = {one for incident in incidents.every_open(is_public=False) for one in incidents.components_of(incident.id)}
    told |= maintenances.components_under_way()
    found = [_suggestion(component, now=now) for component in Component if component not in told]
    return [one for one in found if one is not None]


def draft(component_name: str | None, template: str | None, *, now: datetime) -> dict[str, Any]:
    """Values for the form of a new incident."""
    if component_name not in set(Component):
        return {"began_at": now, "body": _new_body(None, template, since=now, seen="", now=now)}
    component = Component(component_name)
    found = _suggestion(component, now=now)
    state = found.state if found else ComponentState.DEGRADED
    since, seen = (found.since, found.seen) if found else (now, "")
    return {
        "title": f"{NAMES[component]}: {'slow responses' if state is ComponentState.DEGRADED else 'requests failing'}",
        "impact": _IMPACTS[state].value,
        component.value: state.value,
        "began_at": since,
        "body": _new_body(component, template, since=since, seen=seen, now=now),
    }


def update_body(incident: Incident, template: str | None, *, review: str, now: datetime) -> str:
    if template == "all_clear":
        return wordings.all_clear(
            began_at=incident.began_at, monitoring_from=incident.monitoring_from, now=now, review=review
        )
    if template == "update":
        return wordings.progress()
    return ""


def _new_body(
    component: Component | None,
    template: str | None,
    *,
    since: datetime,
    seen: str,
    now: datetime,
) -> str:
    name = NAMES[component] if component else wordings.GAP
    if template == "latency":
        return wordings.slow_answers(name, since=since, seen=seen, now=now)
    return wordings.first_notice(name, since=since, seen=seen)


def _suggestion(component: Component, *, now: datetime) -> Suggestion | None:
    latest = probes.latest(component, size=_MOST)
    state = detected(latest, now=now)
    if state is None or state is ComponentState.OPERATIONAL:
        return None
    row = failures_in_a_row(latest)
    if row >= FAILURES_FOR_OUTAGE:
        seen = f"{row} probes in a row failed ({latest[0].failure})."
        return Suggestion(component, state, seen, latest[row - 1].probed_at, "start")
    window = latest[:LOOKED_AT]
    if state is ComponentState.DEGRADED:
        slowest = max(one.seconds for one in window if one.is_ok)
        return Suggestion(component, state, f"Probes take up to {slowest:.1f} seconds.", _first(window), "latency")
    failed = [one for one in window if not one.is_ok]
    return Suggestion(
        component, state, f"{len(failed)} of the last {len(window)} probes failed.", _first(failed), "start"
    )


def _first(samples: list[Sample]) -> datetime:
    return min(one.probed_at for one in samples)
