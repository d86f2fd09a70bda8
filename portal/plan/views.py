"""What you have, what you use, what else there is, and what happens when."""

from typing import Any

from flask import flash, render_template

from billing import entitlements
from billing.access import Access as PlanAccess
from billing.access import AccessState
from billing.plans import PLANS, Plan, PlanCode
from core.access import Access, Pages, actor, may, open_to, seat
from core.accounts import Organization
from core.clock import utc_now
from core.db import acting_as_system, db, transaction
from core.htmx import see_other
from core.jobs import defer
from portal.plan.jobs import tell_operators_of_enterprise
from portal.plan.usage import usage_of

STATE_WORDS = {
    AccessState.SANDBOX: "test keys only",
    AccessState.PILOT: "free",
    AccessState.TRIAL: "on trial",
    AccessState.ACTIVE: "active",
    AccessState.ACTIVE_ENDING: "ending",
    AccessState.GRACE: "payment open",
    AccessState.RESTRICTED: "live keys rest",
    AccessState.ENDED: "plan ended",
}

bp = Pages("plan", __name__, url_prefix="/plan")


@bp.get("")
@open_to(Access.VIEWER)
def index() -> Any:
    now = utc_now()
    organization = db.session.get_one(Organization, seat().organization_id)
    access = entitlements.access_for(organization.id, now=now)
    account = entitlements.find_account(organization.id)
    return render_template(
        "portal/plan/index.html",
        access=access,
        state_words=STATE_WORDS,
        plan=PLANS[access.plan] if access.plan else None,
        usage=usage_of(organization, access, now=now),
        offers=_offers(access, is_metered_offered=account is not None and account.is_metered_offered),
        enterprise_asked_at=account.enterprise_asked_at if account else None,
        may_change=may(Access.BILLING, at_rest=True),
    )


@bp.post("/enterprise")
@open_to(Access.BILLING)
def ask_for_enterprise() -> Any:
    with acting_as_system(), transaction():
        organization_id = seat().organization_id
        if entitlements.ask_for_enterprise(organization_id, by=actor(), now=utc_now()):
            defer(tell_operators_of_enterprise, organization_id=str(organization_id))
    flash("We write to you within two working days.")
    return see_other("/plan")


def _offers(access: PlanAccess, *, is_metered_offered: bool) -> list[Plan]:
    """What may be compared: not the pilot, which comes with the approval, nor what is not offered here."""
    hidden = {PlanCode.PILOT} | (set() if is_metered_offered else {PlanCode.METERED})
    return [plan for plan in PLANS.values() if plan.code == access.plan or plan.code not in hidden]
