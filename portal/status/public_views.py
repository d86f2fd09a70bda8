"""The status page for everybody. Whoever is not signed in gets pages that may be kept for a while, and no cookie."""

from typing import Any
from uuid import UUID

from flask import Response, make_response, render_template, request

from core import current
from core.access import Audience, Pages, active_membership, current_user_or_none, open_to
from core.atom import ATOM_TYPE
from core.clock import utc_now
from core.db import acting_as_system
from core.views import ViewResponse
from portal.paging import chosen_uuid
from portal.status import affected, breach_notices, feeds, incidents, maintenances
from portal.status.affected import Affected
from portal.status.board import board, everything_published, maintenance_view, planned, view_of
from portal.status.clocks import authority_clock
from portal.status.labels import WORDS
from portal.status.models import Incident

bp = Pages("status", __name__)

KEPT = "public, max-age=30, stale-if-error=86400"


class Links:
    """Addresses within the application."""

    home, history, subscribe = "/status", "/status/history", "/status/subscribe"
    atom, json_feed, summary = "/status/feed.atom", "/status/feed.json", "/status/api.json"

    @staticmethod
    def incident(incident_id: UUID) -> str:
        return f"/status/incidents/{incident_id}"

    @staticmethod
    def maintenance(maintenance_id: UUID) -> str:
        return f"/status/maintenances/{maintenance_id}"


@bp.get("/status")
@open_to(Audience.ANYBODY)
def index() -> ViewResponse:
    with acting_as_system():
        shown = board(now=utc_now())
    own = [(view.incident, _affected(view.incident)) for view in shown.open]
    return _page("index", board=shown, own=[(one, found) for one, found in own if found])


@bp.get("/status/history")
@open_to(Audience.ANYBODY)
def list_past() -> ViewResponse:
    after = chosen_uuid(request.args.get("after"))
    with acting_as_system():
        page = incidents.list_page(after=after)
        views = [view_of(one) for one in page]
        works = [] if after else planned()
    next_after = page[-1].id if len(page) == incidents.PAGE_SIZE else None
    return _page("history", incidents=views, maintenances=works, next_after=next_after)


@bp.get("/status/incidents/<uuid:incident_id>")
@open_to(Audience.ANYBODY)
def show_incident(incident_id: UUID) -> ViewResponse:
    with acting_as_system():
        view = view_of(incidents.find(incident_id, is_public=True))
    return _page("incident", view=view, found=_affected(view.incident))


@bp.get("/status/maintenances/<uuid:maintenance_id>")
@open_to(Audience.ANYBODY)
def show_maintenance(maintenance_id: UUID) -> ViewResponse:
    with acting_as_system():
        view = maintenance_view(maintenances.find(maintenance_id))
    return _page("maintenance", view=view)


@bp.get("/status/feed.atom")
@open_to(Audience.ANYBODY)
def atom() -> ViewResponse:
    with acting_as_system():
        return _file(feeds.atom(everything_published(), base_url=current.settings().base_url, now=utc_now()), ATOM_TYPE)


@bp.get("/status/feed.json")
@open_to(Audience.ANYBODY)
def json_feed() -> ViewResponse:
    with acting_as_system():
        return _file(
            feeds.json_feed(everything_published(), base_url=current.settings().base_url), feeds.JSON_FEED_TYPE
        )


@bp.get("/status/api.json")
@open_to(Audience.ANYBODY)
def summary() -> ViewResponse:
    with acting_as_system():
        return _file(feeds.summary(board(now=utc_now()), base_url=current.settings().base_url), "application/json")


@bp.get("/organization/breaches/<uuid:breach_id>")
@open_to(Audience.VIEWER)
def show_breach(breach_id: UUID) -> ViewResponse:
    """What we told the organization of a breach, phase by phase."""
    told = breach_notices.read_by(active_membership().organization_id, breach_id)
    clock, now = authority_clock(told[0].sent_at), utc_now()
    return render_template(
        "portal/status/breach.html",
        notices=[(one, breach_notices.lines_of(one)) for one in reversed(told)],
        breach_id=breach_id,
        clock=clock,
        state=clock.state(now).value,
        now=now,
    )


@bp.get("/organization/breaches/<uuid:breach_id>/notice.txt")
@open_to(Audience.VIEWER)
def download_breach(breach_id: UUID) -> ViewResponse:
    return Response(
        breach_notices.as_text(breach_notices.read_by(active_membership().organization_id, breach_id)),
        content_type="text/plain; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="breach-notice-{breach_id}.txt"'},
    )


def _affected(incident: Incident) -> Affected | None:
    """For a signed-in member: whether their organization was hit."""
    who = current_user_or_none()
    if who is None or who.membership is None:
        return None
    return affected.of_incident(incident, who.membership.organization_id, now=utc_now())


def _page(name: str, **context: Any) -> Response:
    answer = make_response(render_template(f"portal/status/{name}.html", links=Links, **WORDS, **context))
    if current_user_or_none() is None:
        answer.headers["Cache-Control"] = KEPT
    return answer


def _file(content: bytes, content_type: str) -> Response:
    return Response(content, content_type=content_type, headers={"Cache-Control": KEPT})
