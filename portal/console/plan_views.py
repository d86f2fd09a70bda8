"""What operators do about an organization's plan: give one by hand, take it back, offer to pay as it goes."""

from uuid import UUID

from flask import flash, request

from billing import entitlements
from billing.plans import PlanCode
from core.access import Audience, Pages, open_to, operator
from core.clock import utc_now
from core.db import transaction
from core.errors import InvalidRequest
from core.htmx import see_other
from core.views import ViewResponse
from portal.console.days import end_of
from portal.console.forms import GrantForm
from portal.customer.applications.review import refuse_own

bp = Pages("console_plans", __name__, url_prefix="/console/organizations/<uuid:organization_id>")


@bp.post("/grant")
@open_to(Audience.OPERATOR, fresh=True)
def grant(organization_id: UUID) -> ViewResponse:
    form = GrantForm()
    if not form.validate():
        raise InvalidRequest("Choose a plan and enter a reason. The customer sees the reason.")
    until = end_of(form.until.data)
    with transaction():
        refuse_own(organization_id, operator())
        entitlements.grant(
            organization_id,
            PlanCode(form.plan.data),
            until=until,
            reason=form.reason.data,
            by=operator(),
            now=utc_now(),
        )
    flash("Plan set.")
    return see_other(f"/console/organizations/{organization_id}")


@bp.post("/grant/end")
@open_to(Audience.OPERATOR, fresh=True)
def end_grant(organization_id: UUID) -> ViewResponse:
    with transaction():
        refuse_own(organization_id, operator())
        entitlements.end_grant(organization_id, by=operator(), now=utc_now())
    flash("Manual plan removed.")
    return see_other(f"/console/organizations/{organization_id}")


@bp.post("/metered")
@open_to(Audience.OPERATOR, fresh=True)
def offer_metered(organization_id: UUID) -> ViewResponse:
    is_offered = request.form.get("offered") == "yes"
    with transaction():
        refuse_own(organization_id, operator())
        entitlements.offer_metered(organization_id, is_offered=is_offered, by=operator(), now=utc_now())
    flash("Pay as you go is now offered." if is_offered else "Pay as you go is no longer offered.")
    return see_other(f"/console/organizations/{organization_id}")
