"""Deleting one's own account."""

from flask import request

from core.access import Audience, Pages, actor, current_user, open_to
from core.clock import utc_now
from core.db import acting_as_system, transaction
from core.htmx import see_other
from core.views import ViewResponse
from portal.customer.offboarding import deletion
from portal.customer.people.security_views import security_page
from portal.customer.people.signing_in import forget_browser

bp = Pages("account_deletion", __name__)


@bp.post("/account/security/delete-account")
@open_to(Audience.SIGNED_IN, fresh=True)
def delete_account() -> ViewResponse:
    if request.form.get("typed", "").strip().lower() != current_user().email:
        return security_page(delete_error="Type your email address to confirm.", status=422)
    with acting_as_system(), transaction():
        deletion.delete_account(current_user().user_id, by=actor(), now=utc_now())
    forget_browser()
    return see_other("/log-in?after=deleted")
