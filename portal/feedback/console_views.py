"""The operators' side: what has to be recorded, what was said, and what it comes to."""

from datetime import timedelta
from uuid import UUID

from flask import flash, render_template

from core.access import Audience, Pages, open_to, operator
from core.accounts import Organization
from core.clock import utc_now
from core.db import db, transaction
from core.errors import NotFound
from core.forms import Form
from core.htmx import see_other
from core.views import ViewResponse
from portal.feedback import figures, services
from portal.feedback.forms import answers_in, form_for
from portal.feedback.kinds import OF_OPERATORS, QUESTIONS, TITLES, Kind
from portal.feedback.models import Feedback

bp = Pages("feedback_console", __name__, url_prefix="/console/feedback")

SHOWN_FOR = timedelta(days=90)
NPS_OVER = timedelta(days=365)


@bp.get("")
@open_to(Audience.OPERATOR)
def index() -> ViewResponse:
    now = utc_now()
    return render_template(
        "portal/feedback/index.html",
        to_record=figures.to_record(),
        weeks=figures.pulse_by_week(now=now),
        survey=figures.survey(now=now),
        nps=figures.net_promoter_score(since=now - NPS_OVER),
        entries=[one for one in figures.entries(since=now - SHOWN_FOR) if one.feedback.answered_at],
        titles=TITLES,
        now=now,
    )


@bp.get("/organizations/<uuid:organization_id>")
@open_to(Audience.OPERATOR)
def of_organization(organization_id: UUID) -> ViewResponse:
    organization = _organization(organization_id)
    return render_template(
        "portal/feedback/organization.html",
        organization=organization,
        found=services.list_for(organization_id),
        titles=TITLES,
        questions=QUESTIONS,
        kinds=OF_OPERATORS,
        now=utc_now(),
    )


@bp.post("/organizations/<uuid:organization_id>/<any(check_in, quarterly_review, pilot_review):kind>")
@open_to(Audience.OPERATOR)
def begin(organization_id: UUID, kind: str) -> ViewResponse:
    """One that was held without the clock; it is recorded on the page that follows."""
    organization = _organization(organization_id)
    with transaction():
        begun = services.begin(organization, Kind(kind), now=utc_now())
    return see_other(f"/console/feedback/{begun.id}")


@bp.get("/<uuid:feedback_id>")
@open_to(Audience.OPERATOR)
def show(feedback_id: UUID) -> ViewResponse:
    found = services.find(feedback_id)
    return _page(found, form_for(Kind(found.kind), formdata=None))


@bp.post("/<uuid:feedback_id>")
@open_to(Audience.OPERATOR)
def record(feedback_id: UUID) -> ViewResponse:
    found = services.find(feedback_id)
    kind = Kind(found.kind)
    form = form_for(kind)
    if not form.validate():
        return _page(found, form, status=422)
    with transaction():
        services.record(feedback_id, answers_in(form, kind), by=operator(), now=utc_now())
    flash(f"{TITLES[kind]} saved.")
    return see_other(f"/console/feedback/{feedback_id}")


def _organization(organization_id: UUID) -> Organization:
    organization = db.session.get(Organization, organization_id)
    if organization is None:
        raise NotFound("This organization does not exist.")
    return organization


def _page(found: Feedback, form: Form, *, status: int = 200) -> ViewResponse:
    kind = Kind(found.kind)
    page = render_template(
        "portal/feedback/record.html",
        found=found,
        form=form,
        organization=_organization(found.organization_id),
        title=TITLES[kind],
        questions=QUESTIONS[kind],
        may_record=found.answered_at is None and kind in OF_OPERATORS,
        now=utc_now(),
    )
    return page, status
