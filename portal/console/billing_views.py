"""What operators see of the way of money: events that could not be worked off, rounds of comparing, refunds."""

from uuid import UUID

from flask import flash, render_template

from billing import gone_customers, reconciliation, refunds, subscriptions, webhook_events
from billing.connection import gateway
from billing.jobs import process_event, reconcile
from billing.money import format_amount
from billing.refunds import AfterRefund
from core.access import Audience, Pages, open_to, operator
from core.clock import utc_now
from core.db import transaction
from core.errors import InvalidRequest
from core.htmx import see_other
from core.jobs import defer
from core.views import ViewResponse
from portal.console.forms import RefundForm
from portal.customer.applications.review import refuse_own
from portal.customer.plan import credited_months

bp = Pages("console_money", __name__, url_prefix="/console")

SHOWN = 30


@bp.get("/billing")
@open_to(Audience.OPERATOR)
def index() -> ViewResponse:
    return render_template(
        "portal/console/billing.html",
        in_trouble=webhook_events.in_trouble(utc_now()),
        latest=webhook_events.latest(SHOWN),
        runs=reconciliation.latest_runs(SHOWN),
        drifts=reconciliation.drifts(SHOWN),
        gone=gone_customers.unknown(),
        credited=credited_months.due(now=utc_now()),
    )


@bp.post("/billing/events/<event_id>/again")
@open_to(Audience.OPERATOR, fresh=True)
def try_again(event_id: str) -> ViewResponse:
    with transaction():
        defer(process_event, event_id=webhook_events.find(event_id).id)
    flash("Event queued for retry. Reload this page in a moment.")
    return see_other("/console/billing")


@bp.post("/billing/compare")
@open_to(Audience.OPERATOR, fresh=True)
def compare() -> ViewResponse:
    with transaction():
        defer(reconcile, timestamp=int(utc_now().timestamp()))
    flash("Comparison started. Reload this page in a moment.")
    return see_other("/console/billing")


@bp.post("/organizations/<uuid:organization_id>/invoices/<invoice_id>/refund")
@open_to(Audience.OPERATOR, fresh=True)
def refund(organization_id: UUID, invoice_id: str) -> ViewResponse:
    form = RefundForm()
    if not form.validate():
        raise InvalidRequest("Enter a reason. For a partial refund, enter an amount such as 10.00.")
    with transaction():
        refuse_own(organization_id, operator())
        amount_minor = refunds.amount_of(organization_id, invoice_id, form.amount.data or "")
    done = refunds.refund(
        organization_id,
        invoice_id,
        gateway(),
        amount_minor=amount_minor,
        refunded_before_minor=form.refunded.data,
        reason=form.reason.data,
        by=operator(),
        now=utc_now(),
        ends_subscription=form.subscription.data == "end",
    )
    flash(f"Refunded {format_amount(done.amount_minor, done.currency)}.{_AFTER_REFUND[done.after]}")
    return see_other(f"/console/organizations/{organization_id}")


@bp.post("/organizations/<uuid:organization_id>/subscription/end")
@open_to(Audience.OPERATOR, fresh=True)
def end_subscription(organization_id: UUID) -> ViewResponse:
    with transaction():
        refuse_own(organization_id, operator())
    subscriptions.end_without_access(organization_id, gateway(), by=operator(), now=utc_now())
    flash("Subscription canceled. No further charges are made.")
    return see_other(f"/console/organizations/{organization_id}")


@bp.post("/organizations/<uuid:organization_id>/customer/unlink")
@open_to(Audience.OPERATOR, fresh=True)
def unlink_customer(organization_id: UUID) -> ViewResponse:
    with transaction():
        refuse_own(organization_id, operator())
        gone_customers.unlink(organization_id, by=operator(), now=utc_now())
    flash("Customer unlinked. The next checkout creates a new one.")
    return see_other("/console/billing")


_AFTER_REFUND = {
    AfterRefund.UNTOUCHED: "",
    AfterRefund.KEPT: " Paid access has ended. The subscription still renews and will be charged.",
    AfterRefund.ENDED: " Subscription canceled. No further charges are made.",
    AfterRefund.WILL_END: " Stripe is unavailable. The subscription will be canceled when Stripe responds.",
}
