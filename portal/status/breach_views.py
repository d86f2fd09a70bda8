"""The breach room of an incident, and the register of all breaches."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from flask import Response, flash, render_template

from api.decisions.export import csv_lines
from core.access import Audience, Pages, open_to, operator
from core.clock import utc_now
from core.db import transaction
from core.errors import InvalidRequest
from core.htmx import see_other
from core.views import ViewResponse
from portal.status import breach_defaults, breach_notices, breaches, checklist, incidents
from portal.status.breach_models import Breach
from portal.status.clocks import authority_clock
from portal.status.forms import AddForm, BreachFactsForm, BreachForm, BreachSaveForm, VersionForm, in_utc
from portal.status.models import Incident
from portal.status.playbook import BREACH_STEP

bp = Pages("breach_console", __name__, url_prefix="/console")

_COLUMNS = (
    *("incident", "kind", "discovered_at", "notified_at", "organizations", "phases"),
    *(*breaches.FACTS, "closed_at"),
)


@bp.get("/breaches")
@open_to(Audience.OPERATOR)
def register() -> ViewResponse:
    now = utc_now()
    rows = [(*row, breaches.clock_of(row[0]).state(now).value) for row in breaches.register()]
    return render_template("portal/console/status/breaches.html", rows=rows)


@bp.get("/breaches.csv")
@open_to(Audience.OPERATOR)
def register_file() -> ViewResponse:
    """Article 33(5): facts, effects, and what was done."""
    rows = [
        {
            "incident": incident.title,
            "kind": "drill" if breach.is_drill else "real",
            "discovered_at": breach.discovered_at,
            "notified_at": breaches.notified_at(breach),
            "organizations": count,
            "phases": breach.phase,
            **{name: getattr(breach, name) for name in breaches.FACTS},
            "closed_at": breach.closed_at,
        }
        for breach, incident, count in breaches.register()
    ]
    headers = {"Content-Disposition": 'attachment; filename="breach-register.csv"'}
    file = b"".join(csv_lines(_COLUMNS, rows, for_excel=True))
    return Response(file, content_type="text/csv; charset=utf-8", headers=headers)


@bp.get("/incidents/<uuid:incident_id>/breach")
@open_to(Audience.OPERATOR)
def show(incident_id: UUID) -> ViewResponse:
    incident, breach = incidents.find(incident_id), breaches.find_or_none(incident_id)
    if breach is None:
        return _opening_page(incident, BreachForm(formdata=None, data=_first_facts(incident)))
    return _page(incident, breach, BreachSaveForm(formdata=None, obj=breach))


@bp.post("/incidents/<uuid:incident_id>/breach")
@open_to(Audience.OPERATOR, fresh=True)
def create(incident_id: UUID) -> ViewResponse:
    incident, form = incidents.find(incident_id), BreachForm()
    if form.validate():
        try:
            with transaction():
                breaches.open_breach(
                    incident_id,
                    is_drill=form.kind.data == "drill",
                    discovered_at=in_utc(form.discovered_at.data),
                    by=operator(),
                    now=utc_now(),
                    **_known(form),
                )
        except InvalidRequest as refused:
            form.blame(refused.errors)
        else:
            flash("Breach recorded. The notification deadline is 24 hours after discovery.")
            return see_other(f"/console/incidents/{incident_id}/breach")
    return _opening_page(incident, form, status=422)


@bp.post("/incidents/<uuid:incident_id>/breach/facts")
@open_to(Audience.OPERATOR)
def save(incident_id: UUID) -> ViewResponse:
    incident, breach, form = incidents.find(incident_id), breaches.find(incident_id), BreachSaveForm()
    if form.validate():
        try:
            with transaction():
                breaches.save(incident_id, version=form.version.data, by=operator(), now=utc_now(), **_known(form))
        except InvalidRequest as refused:
            form.blame(refused.errors)
        else:
            flash("Details saved. They are included in the next notice.")
            return see_other(f"/console/incidents/{incident_id}/breach")
    return _page(incident, breach, form, status=422)


@bp.post("/incidents/<uuid:incident_id>/breach/organizations")
@open_to(Audience.OPERATOR)
def add(incident_id: UUID) -> ViewResponse:
    form = AddForm()
    if not form.validate():
        raise InvalidRequest("Enter an organization's slug, or use the button to add every customer.")
    with transaction():
        if form.slug.data:
            breaches.add(incident_id, form.slug.data, by=operator(), now=utc_now())
            flash("Organization added.")
        else:
            count = breaches.add_all_with_data(incident_id, by=operator(), now=utc_now())
            flash(f"Organizations added: {count}.")
    return see_other(f"/console/incidents/{incident_id}/breach")


@bp.post("/incidents/<uuid:incident_id>/breach/organizations/<uuid:organization_id>/remove")
@open_to(Audience.OPERATOR)
def remove(incident_id: UUID, organization_id: UUID) -> ViewResponse:
    with transaction():
        breaches.remove(incident_id, organization_id, by=operator(), now=utc_now())
    return see_other(f"/console/incidents/{incident_id}/breach")


@bp.post("/incidents/<uuid:incident_id>/breach/<any(send, close):verb>")
@open_to(Audience.OPERATOR, fresh=True)
def move(incident_id: UUID, verb: str) -> ViewResponse:
    form = VersionForm()
    version = form.version.data if form.validate() else 0
    with transaction():
        if verb == "send":
            count = breach_notices.send(incident_id, version=version, by=operator(), now=utc_now())
            flash(f"Notice sent. Organizations notified: {count}.")
        else:
            breaches.close(incident_id, version=version, by=operator(), now=utc_now())
            flash("Breach closed. It stays in the register.")
    return see_other(f"/console/incidents/{incident_id}/breach")


def _known(form: BreachFactsForm) -> dict[str, Any]:
    return {"from_at": in_utc(form.from_at.data), "until_at": in_utc(form.until_at.data), "facts": form.facts}


def _first_facts(incident: Incident) -> dict[str, Any]:
    now = utc_now()
    return {
        "from_at": incident.began_at - timedelta(hours=1),
        "until_at": now,
        "discovered_at": now,
        **breach_defaults.facts(),
    }


def _opening_page(incident: Incident, form: BreachForm, *, status: int = 200) -> ViewResponse:
    return render_template("portal/console/status/open_breach.html", incident=incident, form=form), status


def _page(incident: Incident, breach: Breach, form: BreachSaveForm, *, status: int = 200) -> ViewResponse:
    now, notices = utc_now(), breaches.notices_of(breach)
    first = {one.organization_id: authority_clock(one.sent_at) for one in reversed(notices)}
    affected = [
        (one, breach_notices.numbers_of(one, since=breach.from_at, until=breach.until_at), first.get(one.id))
        for one in breaches.organizations_of(breach)
    ]
    clock = breaches.clock_of(breach)
    page = render_template(
        "portal/console/status/breach.html",
        incident=incident,
        breach=breach,
        form=form,
        affected=affected,
        notices=notices,
        clock=clock,
        state=clock.state(now).value,
        steps=[BREACH_STEP],
        ticks=checklist.ticks_of(incident.id),
        now=now,
    )
    return page, status
