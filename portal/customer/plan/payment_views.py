"""The way of money: to the checkout, back to a page that waits for the truth, cards, invoices and where they go."""

from flask import flash, redirect, render_template, request

from api.decisions.export import csv_lines
from billing import checkouts, details, entitlements, metering, mirror, subscriptions, taxes
from billing.connection import gateway, is_sandbox
from billing.errors import PaymentsRefused
from billing.plans import PlanCode
from billing.stripe_objects import period_of
from core.access import Audience, Pages, active_membership, actor, current_user, may, open_to
from core.clock import utc_now
from core.current import settings
from core.db import acting_as_system, transaction
from core.errors import NotFound
from core.files import streamed
from core.htmx import page_or_block, see_other
from core.views import ViewResponse
from portal.customer.plan.forms import BillingForm
from portal.customer.plan.usage import PROOF, proof_of

bp = Pages("payment", __name__, url_prefix="/plan")


@bp.post("/checkout/<any(pro, pay_as_you_go):plan>")
@open_to(Audience.BILLING, fresh=True)
def open_checkout(plan: str) -> ViewResponse:
    base = settings().base_url
    with acting_as_system(), transaction():
        url = checkouts.start(
            active_membership().organization_id,
            PlanCode(plan),
            gateway(),
            email=current_user().email,
            success_url=f"{base}/plan/return?session_id={{CHECKOUT_SESSION_ID}}",
            cancel_url=f"{base}/plan",
            by=actor(),
            now=utc_now(),
        )
    return see_other(url)


@bp.get("/return")
@open_to(Audience.VIEWER)
def wait() -> ViewResponse:
    """Shows how things stand with us, and has the worker ask Stripe; the page asks again until it is settled."""
    organization_id, now = active_membership().organization_id, utc_now()
    attempt = checkouts.find(organization_id, request.args.get("session_id", ""))
    if not attempt.is_settled:
        with acting_as_system():
            checkouts.request_sync(attempt, now=now)
    return page_or_block(
        "portal/customer/plan/return.html",
        "waiting",
        attempt=attempt,
        access=entitlements.access_for(organization_id, now=now),
        session_id=attempt.session_id,
    )


@bp.post("/cards")
@open_to(Audience.BILLING, fresh=True, while_inactive=True)
def open_portal() -> ViewResponse:
    """To Stripe's own pages for cards, addresses and tax ids."""
    with transaction():
        url = subscriptions.portal_url(
            active_membership().organization_id, gateway(), return_url=f"{settings().base_url}/plan"
        )
    return see_other(url)


@bp.get("/invoices")
@open_to(Audience.VIEWER)
def invoices() -> ViewResponse:
    return _invoices_page(BillingForm.of(details.read(active_membership().organization_id)))


@bp.get("/invoices/<invoice_id>/pdf")
@open_to(Audience.VIEWER)
def invoice_pdf(invoice_id: str) -> ViewResponse:
    """To the file that Stripe keeps."""
    invoice = mirror.find_invoice(active_membership().organization_id, invoice_id)
    if invoice is None or not invoice.snapshot.get("invoice_pdf"):
        raise NotFound("Invoice not found.")
    return redirect(invoice.snapshot["invoice_pdf"], code=303)


@bp.get("/invoices/<invoice_id>/usage")
@open_to(Audience.VIEWER)
def invoice_usage(invoice_id: str) -> ViewResponse:
    """The hours behind an invoice, as CSV: what was counted, and under which identifier it was sent."""
    organization_id = active_membership().organization_id
    invoice = mirror.find_invoice(organization_id, invoice_id)
    span = period_of(invoice.snapshot) if invoice else None
    if invoice is None or span is None:
        raise NotFound("Invoice not found.")
    since, until = span
    return streamed(
        organization_id,
        lambda: csv_lines(
            PROOF, map(proof_of, metering.parts_in(organization_id, since=since, until=until)), for_excel=True
        ),
        content_type="text/csv; charset=utf-8",
        file_name=f"usage-{invoice.snapshot.get('number') or invoice.id}.csv",
    )


@bp.post("/billing-details")
@open_to(Audience.BILLING, fresh=True, while_inactive=True)
def set_details() -> ViewResponse:
    form = BillingForm()
    if not form.validate():
        return _refused_details(form, status=422)
    try:
        with acting_as_system(), transaction():
            details.save(
                active_membership().organization_id,
                form.details(),
                gateway(),
                email=current_user().email,
                by=actor(),
                now=utc_now(),
            )
    except PaymentsRefused as refused:
        form.form_errors.append(refused.detail)
        return _refused_details(form, status=409)
    flash("Billing details saved. They apply from your next invoice.")
    return see_other("/plan/invoices")


def _refused_details(form: BillingForm, *, status: int) -> ViewResponse:
    form.offer(details.read(active_membership().organization_id))
    return _invoices_page(form, status=status)


def _invoices_page(form: BillingForm, *, status: int = 200) -> ViewResponse:
    page = render_template(
        "portal/customer/plan/invoices.html",
        invoices=mirror.invoices_of(active_membership().organization_id),
        standing=subscriptions.status_of(active_membership().organization_id),
        form=form,
        may_change=may(Audience.BILLING, while_inactive=True),
        is_sandbox=is_sandbox(settings()),
        is_automatic_tax=settings().stripe_automatic_tax,
        tax_note=taxes.note_of,
    )
    return page, status
