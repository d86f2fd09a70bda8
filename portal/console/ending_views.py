"""What operators end for an organization: one key, or the account."""

from uuid import UUID

from flask import flash

from core.access import Audience, Pages, open_to, operator
from core.clock import utc_now
from core.db import transaction
from core.errors import InvalidRequest
from core.htmx import see_other
from core.views import ViewResponse
from legal_docs import figures
from portal.console import lifecycle
from portal.console.forms import CloseForm, ShortReasonForm

bp = Pages("console_endings", __name__, url_prefix="/console/organizations/<uuid:organization_id>")


@bp.post("/keys/<uuid:key_id>/revoke")
@open_to(Audience.OPERATOR, fresh=True)
def revoke_key(organization_id: UUID, key_id: UUID) -> ViewResponse:
    form = ShortReasonForm()
    if not form.validate():
        raise InvalidRequest("Enter a reason in one line. The customer sees it.")
    with transaction():
        lifecycle.revoke_key(organization_id, key_id, reason=form.reason.data, by=operator(), now=utc_now())
    flash("API key revoked. It stops working within a second. We emailed the owners.")
    return see_other(f"/console/organizations/{organization_id}#keys")


@bp.post("/close")
@open_to(Audience.OPERATOR, fresh=True)
def close(organization_id: UUID) -> ViewResponse:
    form = CloseForm()
    if not form.validate():
        raise InvalidRequest(
            f"Enter 0 to {figures.RETRIEVAL_DAYS} days and a reason in one line. The customer sees the reason."
        )
    with transaction():
        lifecycle.close(
            organization_id,
            after_days=form.after_days.data,
            reason=form.reason.data,
            by=operator(),
            now=utc_now(),
        )
    flash("Closure started. API keys are disabled. We emailed the owners.")
    return see_other(f"/console/organizations/{organization_id}")
