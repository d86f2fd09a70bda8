"""The form of a suspected breach, and the page that shows its clock."""

from uuid import UUID

from flask import flash, render_template

from core import current
from core.access import Audience, Pages, active_membership, actor, current_user, open_to
from core.clock import utc_now
from core.db import transaction
from core.htmx import see_other
from core.ids import new_uuid
from core.throttle import per_person
from core.views import ViewResponse
from portal.customer.suspected_breaches import services
from portal.customer.suspected_breaches.forms import SuspicionForm
from portal.customer.suspected_breaches.states import VERDICT_LABELS, Verdict, state_of
from portal.support import records
from portal.support.records import Author

bp = Pages("suspected_breaches", __name__, url_prefix="/support/suspected-breach")


@bp.get("")
@open_to(Audience.VIEWER)
def new() -> ViewResponse:
    this_minute = utc_now().replace(second=0, microsecond=0)
    return _form_page(SuspicionForm(formdata=None, once=str(new_uuid()), noticed_at=this_minute))


@bp.post("")
@per_person("20 per hour")
@open_to(Audience.VIEWER, while_inactive=True)
def create() -> ViewResponse:
    form = SuspicionForm()
    if not form.validate():
        return _form_page(form, status=422)
    who = current_user()
    with transaction():
        reported = services.report(
            form.once_id(),
            form.suspicion(),
            organization_id=active_membership().organization_id,
            author=Author(who.name, who.email, who.user_id),
            by=actor(),
            now=utc_now(),
        )
    flash("Report sent. Our team was alerted, and you will receive a confirmation by email.")
    return see_other(f"/support/suspected-breach/{reported.ticket_id}")


@bp.get("/<uuid:ticket_id>")
@open_to(Audience.VIEWER)
def show(ticket_id: UUID) -> ViewResponse:
    reported = services.find(ticket_id)
    return render_template(
        "portal/customer/suspected_breaches/show.html",
        reported=reported,
        ticket=records.find(ticket_id),
        state=state_of(reported.due_at, reported.assessed_at, now=utc_now()),
        verdict=VERDICT_LABELS[Verdict(reported.verdict)] if reported.verdict else None,
        phone=current.settings().on_call_phone,
    )


def _form_page(form: SuspicionForm, *, status: int = 200) -> ViewResponse:
    settings = current.settings()
    page = render_template(
        "portal/customer/suspected_breaches/new.html",
        form=form,
        phone=settings.on_call_phone,
        security_email=settings.security_email,
        earlier=services.list_for(active_membership().organization_id),
    )
    return page, status
