"""The applicant's side: how the application stands, what we asked, and what can be done about it."""

from flask import flash, render_template

from core.access import Audience, Pages, active_membership, actor, may, open_to
from core.clock import utc_now
from core.db import transaction
from core.htmx import see_other
from core.jobs import defer
from core.profiles import find_profile
from core.views import ViewResponse
from portal.customer.applications import services
from portal.customer.applications.jobs import notify_operators
from portal.customer.applications.states import LABELS, SENT, ApplicationStatus
from portal.customer.onboarding.application_forms import AnswerForm
from portal.customer.onboarding.tasks import tasks_of

bp = Pages("application", __name__, url_prefix="/application")


@bp.get("")
@open_to(Audience.VIEWER)
def show() -> ViewResponse:
    return _page(AnswerForm(formdata=None))


@bp.post("/submit")
@open_to(Audience.ADMIN)
def submit() -> ViewResponse:
    with transaction():
        application = services.submit(active_membership().organization_id, by=actor(), now=utc_now())
        defer(notify_operators, application_id=str(application.id))
    flash("Approval requested.")
    return see_other("/application")


@bp.post("/answer")
@open_to(Audience.ADMIN)
def answer() -> ViewResponse:
    form = AnswerForm()
    if not form.validate():
        return _page(form, status=422)
    with transaction():
        application = services.answer(
            active_membership().organization_id, body=form.body.data, by=actor(), now=utc_now()
        )
        defer(notify_operators, application_id=str(application.id), is_answer=True)
    flash("Answer sent.")
    return see_other("/application")


@bp.post("/withdraw")
@open_to(Audience.ADMIN)
def withdraw() -> ViewResponse:
    with transaction():
        services.withdraw(active_membership().organization_id, by=actor(), now=utc_now())
    flash("Approval request withdrawn. You can submit a new one at any time.")
    return see_other("/application")


def _page(form: AnswerForm, *, status: int = 200) -> ViewResponse:
    application = services.latest(active_membership().organization_id)
    state = ApplicationStatus(application.status) if application else ApplicationStatus.DRAFT
    page = render_template(
        "portal/customer/applications/show.html",
        application=application,
        state=state,
        words=LABELS,
        is_sent=state in SENT,
        messages=services.messages(application.id) if application else [],
        profile=find_profile(active_membership().organization_id),
        tasks=tasks_of(
            active_membership().organization_id,
            organization_status=active_membership().status,
            now=utc_now(),
            may_manage=may(Audience.ADMIN),
        ),
        form=form,
    )
    return page, status
