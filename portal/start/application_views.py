"""The applicant's side: how the application stands, what we asked, and what can be done about it."""

from typing import Any

from flask import flash, render_template

from core.access import Access, Pages, actor, may, open_to, seat
from core.clock import utc_now
from core.db import transaction
from core.htmx import see_other
from core.jobs import defer
from core.profiles import find_profile
from portal.applications import services
from portal.applications.jobs import tell_operators
from portal.applications.states import SENT, WORDS, Status
from portal.start.application_forms import AnswerForm
from portal.start.tasks import tasks_of

bp = Pages("application", __name__, url_prefix="/application")


@bp.get("")
@open_to(Access.VIEWER)
def show() -> Any:
    return _page(AnswerForm(formdata=None))


@bp.post("/submit")
@open_to(Access.ADMIN)
def submit() -> Any:
    with transaction():
        application = services.submit(seat().organization_id, by=actor(), now=utc_now())
        defer(tell_operators, application_id=str(application.id))
    flash("Your application is with us.")
    return see_other("/application")


@bp.post("/answer")
@open_to(Access.ADMIN)
def answer() -> Any:
    form = AnswerForm()
    if not form.validate():
        return _page(form, status=422)
    with transaction():
        services.answer(seat().organization_id, body=form.body.data, by=actor(), now=utc_now())
    flash("Your answer is with us.")
    return see_other("/application")


@bp.post("/withdraw")
@open_to(Access.ADMIN)
def withdraw() -> Any:
    with transaction():
        services.withdraw(seat().organization_id, by=actor(), now=utc_now())
    flash("The application is withdrawn. You can send a new one at any time.")
    return see_other("/application")


def _page(form: AnswerForm, *, status: int = 200) -> Any:
    application = services.latest(seat().organization_id)
    state = Status(application.status) if application else Status.DRAFT
    page = render_template(
        "portal/applications/show.html",
        application=application,
        state=state,
        words=WORDS,
        is_sent=state in SENT,
        messages=services.messages(application.id) if application else [],
        profile=find_profile(seat().organization_id),
        tasks=tasks_of(
            seat().organization_id, organization_status=seat().status, now=utc_now(), may_manage=may(Access.ADMIN)
        ),
        form=form,
    )
    return page, status
