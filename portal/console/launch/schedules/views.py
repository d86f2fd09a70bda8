"""The pages of the plan and of watch lists."""

from datetime import timedelta
from uuid import UUID

from flask import flash, render_template, request

from api.usage import availability
from core.access import Audience, Pages, open_to, operator
from core.accounts import OrganizationStatus
from core.clock import utc_now
from core.db import transaction
from core.errors import InvalidRequest
from core.htmx import see_other
from core.views import ViewResponse
from portal.console import lifecycle
from portal.console.launch.forms import ConfirmForm
from portal.console.launch.items import Lead
from portal.console.launch.schedules import services
from portal.console.launch.schedules.forms import GoLiveForm, PlanForm
from portal.console.launch.schedules.models import LaunchStart
from portal.paging import chosen_uuid
from portal.support import desk

bp = Pages("launch_schedules", __name__, url_prefix="/console/launch")

LOOKED_BACK = timedelta(hours=24)


@bp.get("/plan")
@open_to(Audience.OPERATOR)
def plan() -> ViewResponse:
    return _plan_page(PlanForm(formdata=None))


@bp.post("/plan")
@open_to(Audience.OPERATOR)
def set_plan() -> ViewResponse:
    form = PlanForm()
    if not form.validate():
        return _plan_page(form, status=422)
    with transaction():
        services.set_start(None, form.starts_at, by=operator(), now=utc_now())
    flash("Start of the plan saved.")
    return see_other("/console/launch/plan")


@bp.post("/leads/<any(engineering, operations, legal, product):lead>")
@open_to(Audience.OPERATOR)
def name_lead(lead: str) -> ViewResponse:
    who = chosen_uuid(request.form.get("who"))
    if who is None or who not in {one.id for one in desk.operators()}:
        raise InvalidRequest("Choose an operator from the list.")
    with transaction():
        services.name_lead(Lead(lead), who, by=operator(), now=utc_now())
    flash("Lead saved.")
    return see_other("/console/launch/plan#leads")


@bp.get("/watch")
@open_to(Audience.OPERATOR)
def watch_lists() -> ViewResponse:
    return _watch_page(GoLiveForm(formdata=None))


@bp.post("/watch")
@open_to(Audience.OPERATOR)
def set_go_live() -> ViewResponse:
    form = GoLiveForm()
    if not form.validate():
        return _watch_page(form, status=422)
    organization_id = chosen_uuid(form.organization.data)
    if organization_id is None:
        raise InvalidRequest("Choose a customer from the list.")
    organization = lifecycle.find(organization_id)
    with transaction():
        services.set_start(organization.id, form.moment, by=operator(), now=utc_now())
    flash(f"Go-live of {organization.name} saved.")
    return see_other(f"/console/launch/watch/{organization.id}")


@bp.get("/watch/<uuid:organization_id>")
@open_to(Audience.OPERATOR)
def watch(organization_id: UUID) -> ViewResponse:
    now = utc_now()
    start = services.find_start(organization_id)
    return render_template(
        "portal/console/launch/watch.html",
        organization=lifecycle.find(organization_id),
        start=start,
        lines=services.lines_of(start),
        totals=availability.totals(organization_id, since=now - LOOKED_BACK, until=now),
        now=now,
    )


@bp.post("/tasks/<uuid:start_id>/<code>")
@open_to(Audience.OPERATOR)
def tick(start_id: UUID, code: str) -> ViewResponse:
    form = ConfirmForm()
    if not form.validate():
        raise InvalidRequest("Enter what you saw.")
    with transaction():
        start = services.tick(start_id, code, words=form.words.data, by=operator(), now=utc_now())
    return see_other(f"{_home_of(start)}#{code}")


@bp.post("/tasks/<uuid:start_id>/<code>/undo")
@open_to(Audience.OPERATOR)
def untick(start_id: UUID, code: str) -> ViewResponse:
    with transaction():
        start = services.untick(start_id, code, by=operator(), now=utc_now())
    return see_other(f"{_home_of(start)}#{code}")


def _home_of(start: LaunchStart) -> str:
    return f"/console/launch/watch/{start.organization_id}" if start.organization_id else "/console/launch/plan"


def _plan_page(form: PlanForm, *, status: int = 200) -> ViewResponse:
    start = services.start_or_none(None)
    page = render_template(
        "portal/console/launch/plan.html",
        form=form,
        start=start,
        lines=services.lines_of(start) if start else [],
        leads=services.leads(),
        every_lead=list(Lead),
        operators=desk.operators(),
        now=utc_now(),
    )
    return page, status


def _watch_page(form: GoLiveForm, *, status: int = 200) -> ViewResponse:
    candidates = [one for one in lifecycle.search("", size=500).rows if one.status == OrganizationStatus.LIVE]
    form.organization.choices = [("", "Choose"), *((str(one.id), one.name) for one in candidates)]
    page = render_template("portal/console/launch/watch_lists.html", form=form, go_lives=services.go_lives())
    return page, status
