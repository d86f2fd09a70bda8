"""The status for machines: Atom (RFC 4287), JSON Feed 1.1, and a summary in the shape that status pages share."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from core.atom import FeedEntry, feed
from core.formats import iso
from portal.status.board import Board, ComponentLine, IncidentView, MaintenanceView
from portal.status.models import Incident, Maintenance
from portal.status.states import INCIDENT_LABELS, ComponentState, IncidentStatus

JSON_FEED_TYPE = "application/feed+json"
TITLE = "AI Governance status"
_INDICATORS = {
    None: "unknown",
    ComponentState.OPERATIONAL: "none",
    ComponentState.UNDER_MAINTENANCE: "maintenance",
    ComponentState.DEGRADED: "minor",
    ComponentState.PARTIAL_OUTAGE: "major",
    ComponentState.MAJOR_OUTAGE: "critical",
}


View = IncidentView | MaintenanceView


def atom(views: Sequence[View], *, base_url: str, now: datetime) -> bytes:
    return feed(
        _entries(views, base_url=base_url),
        title=TITLE,
        page_url=f"{base_url}/status",
        feed_url=f"{base_url}/status/feed.atom",
        now=now,
    )


def json_feed(views: Sequence[View], *, base_url: str) -> bytes:
    items = [
        {
            "id": entry.id,
            "url": entry.url,
            "title": entry.title,
            "content_text": entry.text,
            "date_published": iso(entry.at),
        }
        for entry in _entries(views, base_url=base_url)
    ]
    return msgspec.json.encode(
        {
            "version": "https://jsonfeed.org/version/1.1",
            "title": TITLE,
            "home_page_url": f"{base_url}/status",
            "feed_url": f"{base_url}/status/feed.json",
            "items": items,
        }
    )


def summary(board: Board, *, base_url: str) -> bytes:
    return msgspec.json.encode(
        {
            "page": {"name": TITLE, "url": f"{base_url}/status", "updated_at": iso(board.at)},
            "status": {"indicator": _INDICATORS[board.state], "description": board.headline},
            "components": [_component(line) for line in board.components],
            "incidents": [_incident(view, base_url=base_url) for view in board.open],
            "scheduled_maintenances": [_maintenance(view, base_url=base_url) for view in board.maintenance],
        }
    )


def _entries(views: Sequence[View], *, base_url: str) -> list[FeedEntry]:
    entries = [
        FeedEntry(
            id=f"urn:uuid:{said.id}",
            title=f"{_about(view).title}: {said.status.replace('_', ' ')}",
            url=f"{base_url}{_path(_about(view))}",
            text=said.body,
            at=said.written_at,
        )
        for view in views
        for said in view.updates
    ]
    return sorted(entries, key=lambda entry: entry.at, reverse=True)


def _about(view: View) -> Incident | Maintenance:
    return view.incident if isinstance(view, IncidentView) else view.maintenance


def _path(about: Incident | Maintenance) -> str:
    return f"/status/{'incidents' if isinstance(about, Incident) else 'maintenances'}/{about.id}"


def _component(line: ComponentLine) -> dict[str, Any]:
    return {
        "id": line.component.value,
        "name": line.name,
        "status": line.state.value if line.state else None,
        "is_detected_automatically": line.is_detected,
        "measured_at": _iso(line.measured_at),
        "uptime_90_days_percent": round(line.uptime, 3) if line.uptime is not None else None,
        "days_measured": line.days_measured,
        "minutes_unknown": line.minutes_unknown,
    }


def _incident(view: IncidentView, *, base_url: str) -> dict[str, Any]:
    incident = view.incident
    return {
        "id": str(incident.id),
        "name": incident.title,
        "status": incident.status,
        "status_name": INCIDENT_LABELS[IncidentStatus(incident.status)],
        "impact": incident.impact,
        "started_at": iso(incident.began_at),
        "created_at": iso(incident.opened_at),
        "updated_at": iso(incident.updated_at),
        "next_update_due_at": _iso(incident.next_update_due_at),
        "shortlink": f"{base_url}{_path(incident)}",
        "components": [{"id": one.value, "status": state.value} for one, state in view.components.items()],
        "incident_updates": _updates(view),
    }


def _maintenance(view: MaintenanceView, *, base_url: str) -> dict[str, Any]:
    maintenance = view.maintenance
    return {
        "id": str(maintenance.id),
        "name": maintenance.title,
        "status": maintenance.status,
        "impact": "maintenance",
        "scheduled_for": iso(maintenance.starts_at),
        "scheduled_until": iso(maintenance.ends_at),
        "shortlink": f"{base_url}{_path(maintenance)}",
        "components": [{"id": name} for name in maintenance.components],
        "incident_updates": _updates(view),
    }


def _updates(view: View) -> list[dict[str, Any]]:
    return [
        {"id": str(said.id), "status": said.status, "body": said.body, "created_at": iso(said.written_at)}
        for said in view.updates
    ]


def _iso(moment: datetime | None) -> str | None:
    return iso(moment) if moment else None
