"""The words of a status page and the moves between them, as tables. Imports no database."""

from collections.abc import Iterable
from enum import StrEnum


class Component(StrEnum):
    CHECK_API = "check_api"
    MANAGEMENT_API = "management_api"
    DECISION_LOG = "decision_log"
    PORTAL = "portal"
    MESSAGES = "messages"


class ProbeSource(StrEnum):
    WORKER = "worker"
    MONITOR = "monitor"
    """Egress of us: it also sees what lies before our servers."""


NAMES = {
    Component.CHECK_API: "Check API",
    Component.MANAGEMENT_API: "Management API",
    Component.DECISION_LOG: "Decision log",
    Component.PORTAL: "Portal",
    Component.MESSAGES: "Webhooks and email",
}
PROBED_BY = {
    Component.CHECK_API: "A real check every minute with our own API key.",
    Component.MANAGEMENT_API: "Policies are read through the API every minute.",
    Component.DECISION_LOG: "Every minute, the decision of our own check is read back from the log.",
    Component.PORTAL: "The login page is loaded every minute.",
    Component.MESSAGES: "Every minute, we measure how long messages take to be delivered.",
}


class ComponentState(StrEnum):
    OPERATIONAL = "operational"
    UNDER_MAINTENANCE = "under_maintenance"
    DEGRADED = "degraded_performance"
    PARTIAL_OUTAGE = "partial_outage"
    MAJOR_OUTAGE = "major_outage"


STATE_LABELS = {
    ComponentState.OPERATIONAL: "Operational",
    ComponentState.UNDER_MAINTENANCE: "Under maintenance",
    ComponentState.DEGRADED: "Degraded performance",
    ComponentState.PARTIAL_OUTAGE: "Partial outage",
    ComponentState.MAJOR_OUTAGE: "Major outage",
}
_BADNESS = list(ComponentState)


def worst(states: Iterable[ComponentState]) -> ComponentState:
    return max(states, key=_BADNESS.index, default=ComponentState.OPERATIONAL)


def worst_known(states: Iterable[ComponentState | None]) -> ComponentState | None:
    """None if none of them is known."""
    known = [state for state in states if state]
    return worst(known) if known else None


class Impact(StrEnum):
    NONE = "none"
    MINOR = "minor"
    MAJOR = "major"
    CRITICAL = "critical"


AT_LEAST = {
    Impact.NONE: ComponentState.OPERATIONAL,
    Impact.MINOR: ComponentState.DEGRADED,
    Impact.MAJOR: ComponentState.PARTIAL_OUTAGE,
    Impact.CRITICAL: ComponentState.MAJOR_OUTAGE,
}
"""What an impact says of the service as a whole."""


class IncidentStatus(StrEnum):
    INVESTIGATING = "investigating"
    IDENTIFIED = "identified"
    MONITORING = "monitoring"
    RESOLVED = "resolved"
    POSTMORTEM = "postmortem"


INCIDENT_MOVES: dict[IncidentStatus, frozenset[IncidentStatus]] = {
    IncidentStatus.INVESTIGATING: frozenset({IncidentStatus.IDENTIFIED, IncidentStatus.MONITORING}),
    IncidentStatus.IDENTIFIED: frozenset({IncidentStatus.INVESTIGATING, IncidentStatus.MONITORING}),
    IncidentStatus.MONITORING: frozenset(
        {IncidentStatus.INVESTIGATING, IncidentStatus.IDENTIFIED, IncidentStatus.RESOLVED}
    ),
    IncidentStatus.RESOLVED: frozenset({IncidentStatus.POSTMORTEM}),
    IncidentStatus.POSTMORTEM: frozenset(),
}
OPEN = frozenset({IncidentStatus.INVESTIGATING, IncidentStatus.IDENTIFIED, IncidentStatus.MONITORING})
INCIDENT_LABELS = {
    IncidentStatus.INVESTIGATING: "Investigating",
    IncidentStatus.IDENTIFIED: "Identified",
    IncidentStatus.MONITORING: "Monitoring",
    IncidentStatus.RESOLVED: "Resolved",
    IncidentStatus.POSTMORTEM: "Post-mortem",
}


class MaintenanceStatus(StrEnum):
    SCHEDULED = "scheduled"
    IN_PROGRESS = "in_progress"
    VERIFYING = "verifying"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


MAINTENANCE_MOVES: dict[MaintenanceStatus, frozenset[MaintenanceStatus]] = {
    MaintenanceStatus.SCHEDULED: frozenset({MaintenanceStatus.IN_PROGRESS, MaintenanceStatus.CANCELLED}),
    MaintenanceStatus.IN_PROGRESS: frozenset(
        {MaintenanceStatus.VERIFYING, MaintenanceStatus.COMPLETED, MaintenanceStatus.CANCELLED}
    ),
    MaintenanceStatus.VERIFYING: frozenset({MaintenanceStatus.IN_PROGRESS, MaintenanceStatus.COMPLETED}),
    MaintenanceStatus.COMPLETED: frozenset(),
    MaintenanceStatus.CANCELLED: frozenset(),
}
UNDER_WAY = frozenset({MaintenanceStatus.IN_PROGRESS, MaintenanceStatus.VERIFYING})
MAINTENANCE_LABELS = {
    MaintenanceStatus.SCHEDULED: "Scheduled",
    MaintenanceStatus.IN_PROGRESS: "In progress",
    MaintenanceStatus.VERIFYING: "Verifying",
    MaintenanceStatus.COMPLETED: "Completed",
    MaintenanceStatus.CANCELLED: "Cancelled",
}
