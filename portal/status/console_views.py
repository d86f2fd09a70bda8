"""The incident console: what is open, what to say next, and the playbook with its clocks."""

from uuid import UUID

from flask import flash, render_template, request

from core import current
from core.access import Audience, Pages, open_to, operator
from core.clock import utc_now
from core.db import transaction
from core.htmx import see_other
from core.views import ViewResponse
from portal.paging import chosen_uuid
from portal.status import (
    affected,
    breaches,
    checklist,
    clocks,
    drafts,
    handling,
    incidents,
    maintenances,
    reviews,
    subscribers,
)
from portal.status.board import board, view_of
from portal.status.forms import IncidentForm, ReviewForm, TickForm, UpdateForm, VersionForm, id_of, in_utc
from portal.status.labels import WORDS
from portal.status.models import Incident
from portal.status.playbook import BREACH_STEP, STEPS
from portal.status.states import INCIDENT_LABELS, INCIDENT_MOVES, Impact, IncidentStatus

bp = Pages("incident_console", __name__, url_prefix="/console/incidents")


@bp.get("")
@open_to(Audience.OPERATOR)
def index() -> ViewResponse:
    now = utc_now()
    page = incidents.list_page(is_public=False, after=chosen_uuid(request.args.get("after")))
    return render_template(
        "portal/console/status/index.html",
        board=board(now=now),
        incidents=[(one, clocks.clocks_of(incidents.times_of(one))) for one in page],
        next_after=page[-1].id if len(page) == incidents.PAGE_SIZE else None,
        suggestions=drafts.suggestions(now=now),
        maintenances=maintenances.list_page(size=10),
        subscribers=subscribers.count_confirmed(),
        now=now,
        **WORDS,
    )


@bp.get("/new")
@open_to(Audience.OPERATOR)
def new() -> ViewResponse:
    """Filled in from a template and from what the probes found."""
    draft = drafts.draft(request.args.get("component"), request.args.get("template"), now=utc_now())
    return _form_page(IncidentForm(formdata=None, data=draft))


@bp.post("")
@open_to(Audience.OPERATOR)
def create() -> ViewResponse:
    form = IncidentForm()
    if not form.validate():
        return _form_page(form, status=422)
    with transaction():
        incident = handling.open_incident(
            id_of(form.number),
            title=form.title.data,
            body=form.body.data,
            impact=Impact(form.impact.data),
            components=form.states,
            began_at=in_utc(form.began_at.data),
            is_public=form.is_public.data,
            by=operator(),
            now=utc_now(),
        )
    flash(
        "Incident created and published." if incident.published_at else "Incident created, visible to operators only."
    )
    return see_other(f"/console/incidents/{incident.id}")


@bp.get("/<uuid:incident_id>")
@open_to(Audience.OPERATOR)
def show(incident_id: UUID) -> ViewResponse:
    incident = incidents.find(incident_id)
    body = drafts.update_body(incident, request.args.get("template"), review=_address(incident), now=utc_now())
    states = {one.value: state.value for one, state in incidents.components_of(incident_id).items()}
    wanted = IncidentStatus.RESOLVED if request.args.get("template") == "all_clear" else incident.status
    form = UpdateForm(formdata=None, data={**states, "impact": incident.impact, "status": wanted, "body": body})
    return _page(incident, form, _review_form(incident_id))


@bp.post("/<uuid:incident_id>/updates")
@open_to(Audience.OPERATOR)
def update(incident_id: UUID) -> ViewResponse:
    incident, form = incidents.find(incident_id), UpdateForm()
    if not form.validate():
        return _page(incident, form, _review_form(incident_id), status=422)
    with transaction():
        handling.say(
            incident_id,
            version=form.version.data,
            status=IncidentStatus(form.status.data),
            impact=Impact(form.impact.data),
            components=form.states,
            body=form.body.data,
            by=operator(),
            now=utc_now(),
        )
    flash("Update posted." if incident.published_at else "Update saved. Only operators can see it.")
    return see_other(f"/console/incidents/{incident_id}")


@bp.post("/<uuid:incident_id>/publish")
@open_to(Audience.OPERATOR)
def publish(incident_id: UUID) -> ViewResponse:
    form = VersionForm()
    version = form.version.data if form.validate() else 0
    with transaction():
        handling.publish(incident_id, version=version, by=operator(), now=utc_now())
    flash("Incident published.")
    return see_other(f"/console/incidents/{incident_id}")


@bp.post("/<uuid:incident_id>/steps/<code>")
@open_to(Audience.OPERATOR)
def tick(incident_id: UUID, code: str) -> ViewResponse:
    incident, form = incidents.find(incident_id), TickForm()
    note = form.note.data if form.validate() else None
    with transaction():
        is_done = request.form.get("done") == "yes"
        checklist.tick(incident.id, code, is_done=is_done, note=note or None, by=operator(), now=utc_now())
    is_of_breach = code.startswith("breach.")
    return see_other(
        f"/console/incidents/{incident_id}{'/breach' if is_of_breach else ''}#step-{code.split('.', maxsplit=1)[0]}"
    )


@bp.post("/<uuid:incident_id>/review")
@open_to(Audience.OPERATOR)
def review(incident_id: UUID) -> ViewResponse:
    incident, form = incidents.find(incident_id), ReviewForm()
    if not form.validate():
        data = {"impact": incident.impact, "status": incident.status}
        return _page(incident, UpdateForm(formdata=None, data=data), form, status=422)
    with transaction():
        words = {name: form[name].data for name in reviews.FIELDS}
        reviews.write(incident_id, words=words, by=operator(), now=utc_now())
    flash("Post-mortem published with the incident.")
    return see_other(f"/console/incidents/{incident_id}")


def _review_form(incident_id: UUID) -> ReviewForm:
    return ReviewForm(formdata=None, obj=reviews.find(incident_id))


def _address(incident: Incident) -> str:
    return f"{current.settings().base_url}/status/incidents/{incident.id}"


def _form_page(form: IncidentForm, *, status: int = 200) -> ViewResponse:
    return render_template("portal/console/status/new.html", form=form, **WORDS), status


def _page(incident: Incident, form: UpdateForm, review_form: ReviewForm, *, status: int = 200) -> ViewResponse:
    now, before = utc_now(), IncidentStatus(incident.status)
    open_to_choose = {before, *INCIDENT_MOVES[before]}
    form.status.choices = {one.value: INCIDENT_LABELS[one] for one in IncidentStatus if one in open_to_choose}
    page = render_template(
        "portal/console/status/incident.html",
        view=view_of(incident),
        incident=incident,
        form=form,
        review_form=review_form,
        clocks=[(clock, clock.state(now).value) for clock in clocks.clocks_of(incidents.times_of(incident))],
        steps=STEPS,
        breach_step=BREACH_STEP,
        ticks=checklist.ticks_of(incident.id),
        breach=breaches.find_or_none(incident.id),
        customers=affected.organizations_with_checks(incident, now=now),
        now=now,
        **WORDS,
    )
    return page, status
