"""Breaches that customers suspect, with their clocks, and our assessment of each."""

from uuid import UUID

from flask import flash, render_template

from core.access import Audience, Pages, current_user, open_to, operator
from core.clock import utc_now
from core.db import transaction
from core.errors import InvalidRequest
from core.htmx import see_other
from core.views import ViewResponse
from portal.console.suspected_breaches import services
from portal.console.suspected_breaches.forms import AssessForm
from portal.customer.suspected_breaches import services as suspicions
from portal.customer.suspected_breaches.states import VERDICT_LABELS, Verdict, state_of
from portal.paging import parse_uuid
from portal.support import records
from portal.support.records import Author

bp = Pages("suspected_breach_console", __name__, url_prefix="/console/suspected-breaches")


@bp.get("")
@open_to(Audience.OPERATOR)
def index() -> ViewResponse:
    now = utc_now()
    reports = [
        (one, state_of(one.suspicion.due_at, one.suspicion.assessed_at, now=now)) for one in services.every_report()
    ]
    return render_template("portal/console/suspected_breaches/index.html", reports=reports, words=VERDICT_LABELS)


@bp.get("/<uuid:ticket_id>")
@open_to(Audience.OPERATOR)
def show(ticket_id: UUID) -> ViewResponse:
    return _page(ticket_id, AssessForm(formdata=None))


@bp.post("/<uuid:ticket_id>")
@open_to(Audience.OPERATOR, fresh=True)
def assess(ticket_id: UUID) -> ViewResponse:
    form = AssessForm()
    if not form.validate():
        return _page(ticket_id, form, status=422)
    into = parse_uuid(form.into.data or "")
    if into is not None and into not in {incident.id for _, incident in services.open_rooms()}:
        raise InvalidRequest("Choose an open breach from the list, or a new one.")
    who = current_user()
    with transaction():
        assessed = services.assess(
            ticket_id,
            Verdict(form.verdict.data),
            form.words.data,
            into=into,
            author=Author(who.name, who.email, who.user_id),
            by=operator(),
            now=utc_now(),
        )
    flash("Result sent to the customer.")
    if assessed.incident_id:
        return see_other(f"/console/incidents/{assessed.incident_id}/breach")
    return see_other("/console/suspected-breaches")


def _page(ticket_id: UUID, form: AssessForm, *, status: int = 200) -> ViewResponse:
    suspicion = suspicions.find(ticket_id)
    form.into.choices = [("", "A new breach"), *((str(one.id), one.title) for _, one in services.open_rooms())]
    page = render_template(
        "portal/console/suspected_breaches/show.html",
        form=form,
        suspicion=suspicion,
        ticket=records.find(ticket_id),
        said=records.messages(ticket_id),
        state=state_of(suspicion.due_at, suspicion.assessed_at, now=utc_now()),
        words=VERDICT_LABELS,
    )
    return page, status
