"""The console's pages about maintenance."""

from uuid import UUID

from flask import flash, render_template

from core.access import Audience, Pages, open_to, operator
from core.clock import utc_now
from core.db import transaction
from core.errors import InvalidRequest
from core.htmx import see_other
from core.views import ViewResponse
from portal.status import maintenances
from portal.status.board import maintenance_view
from portal.status.forms import MaintenanceForm, MaintenanceMoveForm, id_of, in_utc
from portal.status.labels import WORDS
from portal.status.states import MAINTENANCE_MOVES, Component, MaintenanceStatus

bp = Pages("maintenance_console", __name__, url_prefix="/console/maintenances")

_VERBS = {
    "begin": MaintenanceStatus.IN_PROGRESS,
    "verify": MaintenanceStatus.VERIFYING,
    "complete": MaintenanceStatus.COMPLETED,
    "cancel": MaintenanceStatus.CANCELLED,
}


@bp.get("/new")
@open_to(Audience.OPERATOR)
def new() -> ViewResponse:
    return render_template("portal/console/status/new_maintenance.html", form=MaintenanceForm(formdata=None))


@bp.post("")
@open_to(Audience.OPERATOR)
def create() -> ViewResponse:
    form = MaintenanceForm()
    if form.validate():
        try:
            with transaction():
                maintenance = maintenances.schedule(
                    id_of(form.number),
                    title=form.title.data,
                    body=form.body.data,
                    components=[Component(name) for name in form.components.data],
                    starts_at=in_utc(form.starts_at.data),
                    ends_at=in_utc(form.ends_at.data),
                    by=operator(),
                    now=utc_now(),
                )
        except InvalidRequest as refused:
            form.blame(refused.errors)
        else:
            flash("Maintenance announced.")
            return see_other(f"/console/maintenances/{maintenance.id}")
    return render_template("portal/console/status/new_maintenance.html", form=form), 422


@bp.get("/<uuid:maintenance_id>")
@open_to(Audience.OPERATOR)
def show(maintenance_id: UUID) -> ViewResponse:
    return _page(maintenance_id, MaintenanceMoveForm(formdata=None))


@bp.post("/<uuid:maintenance_id>/<any(begin, verify, complete, cancel):verb>")
@open_to(Audience.OPERATOR)
def move(maintenance_id: UUID, verb: str) -> ViewResponse:
    maintenances.find(maintenance_id)
    form = MaintenanceMoveForm()
    if not form.validate():
        return _page(maintenance_id, form, status=422)
    with transaction():
        maintenances.move(
            maintenance_id,
            _VERBS[verb],
            version=form.version.data,
            body=form.body.data,
            by=operator(),
            now=utc_now(),
        )
    flash("Update posted.")
    return see_other(f"/console/maintenances/{maintenance_id}")


def _page(maintenance_id: UUID, form: MaintenanceMoveForm, *, status: int = 200) -> ViewResponse:
    view = maintenance_view(maintenances.find(maintenance_id))
    onward = MAINTENANCE_MOVES[MaintenanceStatus(view.maintenance.status)]
    page = render_template(
        "portal/console/status/maintenance.html",
        view=view,
        maintenance=view.maintenance,
        verbs=[verb for verb, to in _VERBS.items() if to in onward],
        is_in_time=maintenances.is_announced_in_time(view.maintenance),
        form=form,
        **WORDS,
    )
    return page, status
