"""What you have, what you use, what else there is, and what happens when."""

from flask import flash, render_template

from billing import accounts, entitlements, previews, subscriptions
from billing.access import AccessState, EffectiveAccess
from billing.comparison import compare
from billing.connection import gateway, is_sandbox
from billing.plans import PLANS, SOLD, Plan, PlanCode
from core.access import Audience, Pages, active_membership, actor, may, open_to
from core.accounts import Organization
from core.clock import utc_now
from core.current import settings
from core.db import acting_as_system, db, transaction
from core.htmx import page_or_block, see_other
from core.jobs import defer
from core.views import ViewResponse
from portal.customer.plan import credited_months
from portal.customer.plan.jobs import notify_operators_of_enterprise
from portal.customer.plan.usage import requests_this_month, usage_of

STATE_LABELS = {
    AccessState.SANDBOX: "test keys only",
    AccessState.PILOT: "no charge",
    AccessState.TRIAL: "trial",
    AccessState.ACTIVE: "active",
    AccessState.ACTIVE_ENDING: "ending",
    AccessState.GRACE: "payment due",
    AccessState.RESTRICTED: "live keys disabled",
    AccessState.ENDED: "plan ended",
}

bp = Pages("plan", __name__, url_prefix="/plan")


@bp.get("")
@open_to(Audience.VIEWER)
def index() -> ViewResponse:
    now = utc_now()
    organization = db.session.get_one(Organization, active_membership().organization_id)
    access = entitlements.access_for(organization.id, now=now)
    account = accounts.find_account(organization.id)
    offers = _offers(access, is_metered_offered=account is not None and account.is_metered_offered)
    return render_template(
        "portal/customer/plan/index.html",
        access=access,
        state_words=STATE_LABELS,
        plans=PLANS,
        plan=PLANS[access.plan] if access.plan else None,
        standing=subscriptions.status_of(organization.id),
        usage=usage_of(organization, access, now=now),
        requests=requests_this_month(organization.id, now=now),
        last_month=credited_months.last_month(organization, now=now),
        offers=offers,
        rows=compare(offers),
        sold=SOLD,
        enterprise_asked_at=account.enterprise_asked_at if account else None,
        may_change=may(Audience.BILLING, while_inactive=True),
        is_sandbox=is_sandbox(settings()),
        is_automatic_tax=settings().stripe_automatic_tax,
    )


@bp.post("/enterprise")
@open_to(Audience.BILLING)
def ask_for_enterprise() -> ViewResponse:
    with acting_as_system(), transaction():
        organization_id = active_membership().organization_id
        if entitlements.ask_for_enterprise(organization_id, by=actor(), now=utc_now()):
            defer(notify_operators_of_enterprise, organization_id=str(organization_id))
    flash("Request sent. We will email you within two business days.")
    return see_other("/plan")


@bp.post("/end")
@open_to(Audience.BILLING, fresh=True, while_inactive=True)
def end() -> ViewResponse:
    with acting_as_system():
        subscriptions.end(active_membership().organization_id, gateway(), by=actor(), now=utc_now())
    flash("Subscription canceled. Your plan stays active until the end of the period; you can undo this until then.")
    return see_other("/plan")


@bp.post("/resume")
@open_to(Audience.BILLING, fresh=True, while_inactive=True)
def resume() -> ViewResponse:
    with acting_as_system():
        subscriptions.resume(active_membership().organization_id, gateway(), by=actor(), now=utc_now())
    flash("Your plan continues without changes.")
    return see_other("/plan")


@bp.get("/switch/<any(pro, pay_as_you_go):plan>")
@open_to(Audience.BILLING, fresh=True)
def ask_switch(plan: str) -> ViewResponse:
    """What it would cost, before anything is changed."""
    with acting_as_system():
        preview = previews.preview(active_membership().organization_id, PlanCode(plan), now=utc_now())
    return page_or_block(
        "portal/customer/plan/switch.html",
        "preview",
        preview=preview,
        plan=PLANS[preview.plan],
        is_automatic_tax=settings().stripe_automatic_tax,
    )


@bp.post("/switch/<any(pro, pay_as_you_go):plan>")
@open_to(Audience.BILLING, fresh=True)
def switch(plan: str) -> ViewResponse:
    with acting_as_system():
        is_now = subscriptions.switch(
            active_membership().organization_id, PlanCode(plan), gateway(), by=actor(), now=utc_now()
        )
    name = PLANS[PlanCode(plan)].name
    later = f"You switch to {name} at the end of this period, or once your bank confirms the payment."
    flash(f"You are now on {name}." if is_now else later)
    return see_other("/plan")


def _offers(access: EffectiveAccess, *, is_metered_offered: bool) -> list[Plan]:
    """What may be compared: not the pilot, which comes with the approval, nor what is not offered here."""
    hidden = {PlanCode.PILOT} | (set() if is_metered_offered else {PlanCode.METERED})
    return [plan for plan in PLANS.values() if plan.code == access.plan or plan.code not in hidden]
