"""What the status page shows, put together: components, their uptime, incidents and maintenance.

The same for the page, the feeds and the static files. Needs the system's scope.
"""

from datetime import datetime, timedelta

import msgspec

from core.formats import utc
from portal.status import incidents, maintenances, probes, reviews
from portal.status.detection import Day, detected, uptime_of
from portal.status.models import Incident, IncidentReview, IncidentUpdate, Maintenance, MaintenanceUpdate, States
from portal.status.states import (
    AT_LEAST,
    NAMES,
    STATE_LABELS,
    Component,
    ComponentState,
    Impact,
    IncidentStatus,
    worst_known,
)

RECENT = timedelta(days=14)


class ComponentLine(msgspec.Struct, frozen=True, kw_only=True):
    """`state` is None while nothing measures it and nobody says otherwise."""

    component: Component
    name: str
    state: ComponentState | None
    is_detected: bool
    """What differs from operational was found by probes, not told by a person."""
    measured_at: datetime | None
    days: list[Day]

    @property
    def words(self) -> str:
        return STATE_LABELS[self.state] if self.state else "No current data"

    @property
    def uptime(self) -> float | None:
        return uptime_of(self.days)

    @property
    def minutes_unknown(self) -> int:
        return sum(day.unknown for day in self.days)

    @property
    def days_measured(self) -> int:
        return sum(day.probes > 0 for day in self.days)


class IncidentView(msgspec.Struct, frozen=True, kw_only=True):
    incident: Incident
    updates: list[IncidentUpdate]
    """The latest first."""
    components: States
    review: IncidentReview | None = None

    @property
    def at_least(self) -> ComponentState:
        """How the service is called, at the mildest, while this incident is open."""
        is_watched = self.incident.status == IncidentStatus.MONITORING
        return ComponentState.DEGRADED if is_watched else AT_LEAST[Impact(self.incident.impact)]


class MaintenanceView(msgspec.Struct, frozen=True):
    maintenance: Maintenance
    updates: list[MaintenanceUpdate]
    """The latest first."""


class Board(msgspec.Struct, frozen=True, kw_only=True):
    at: datetime
    components: list[ComponentLine]
    open: list[IncidentView]
    past: list[IncidentView]
    """Over for less than two weeks."""
    maintenance: list[MaintenanceView]
    """Under way and ahead, the next first."""

    @property
    def state(self) -> ComponentState | None:
        """The worst of the components and of the open incidents; None if nothing is measured and nothing is told."""
        return worst_known([self._of_components, *(view.at_least for view in self.open)])

    @property
    def measured_at(self) -> datetime | None:
        """When anything was measured the last time."""
        return max((line.measured_at for line in self.components if line.measured_at), default=None)

    @property
    def headline(self) -> str:
        if self.state is None:
            return f"Not measured since {utc(self.measured_at)}" if self.measured_at else "No current monitoring data"
        if self.state is not ComponentState.OPERATIONAL:
            if self._is_watched:
                return "A fix is in place and we are monitoring it"
            return _HEADLINES[self.state] if self.state is self._of_components else "Incident in progress"
        unmeasured = [line.name for line in self.components if line.state is None]
        return (
            f"Operational, with no current data for: {', '.join(unmeasured)}"
            if unmeasured
            else "All systems operational"
        )

    @property
    def _of_components(self) -> ComponentState | None:
        return worst_known(line.state for line in self.components)

    @property
    def _is_watched(self) -> bool:
        """Whether nothing is wrong any more, but for an incident that is not closed yet."""
        return self._of_components in {None, ComponentState.OPERATIONAL} and all(
            view.incident.status == IncidentStatus.MONITORING for view in self.open
        )


_HEADLINES = {
    ComponentState.UNDER_MAINTENANCE: "Maintenance in progress",
    ComponentState.DEGRADED: "Degraded performance",
    ComponentState.PARTIAL_OUTAGE: "Partial outage",
    ComponentState.MAJOR_OUTAGE: "Major outage",
}


def board(*, now: datetime) -> Board:
    is_open = [view_of(one) for one in incidents.every_open()]
    past = [one for one in incidents.list_page(since=now - RECENT) if not one.is_open]
    told = [view.components for view in is_open]
    under_way = maintenances.components_under_way()
    return Board(
        at=now,
        components=[_line(one, told, is_maintained=one in under_way, now=now) for one in Component],
        open=is_open,
        past=[view_of(one) for one in past],
        maintenance=[maintenance_view(one) for one in maintenances.ahead_and_under_way()],
    )


def view_of(incident: Incident) -> IncidentView:
    return IncidentView(
        incident=incident,
        updates=incidents.updates_of(incident.id)[::-1],
        components=incidents.components_of(incident.id),
        review=reviews.find(incident.id),
    )


def maintenance_view(maintenance: Maintenance) -> MaintenanceView:
    return MaintenanceView(maintenance, maintenances.updates_of(maintenance.id)[::-1])


def history() -> list[IncidentView]:
    return [view_of(one) for one in incidents.list_page()]


def planned() -> list[MaintenanceView]:
    return [maintenance_view(one) for one in maintenances.list_page()]


def everything_published() -> list[IncidentView | MaintenanceView]:
    """For the feeds."""
    return [*history(), *planned()]


def _line(component: Component, told: list[States], *, is_maintained: bool, now: datetime) -> ComponentLine:
    """What people say of a component counts beside what probes find; in maintenance probes do not count."""
    latest = probes.latest(component)
    by_probes = detected(latest, now=now)
    by_people = [states[component] for states in told if component in states]
    if is_maintained:
        by_people.append(ComponentState.UNDER_MAINTENANCE)
    state = worst_known([*by_people, None if is_maintained else by_probes])
    return ComponentLine(
        component=component,
        name=NAMES[component],
        state=state,
        is_detected=state is by_probes and state not in {*by_people, ComponentState.OPERATIONAL, None},
        measured_at=latest[0].probed_at if latest else None,
        days=probes.days_of(component, now=now),
    )
