"""The pages that Stripe would show, plainly marked as none of Stripe's. They exist only while the sandbox does."""

from collections.abc import Callable
from http import HTTPStatus
from io import BytesIO
from typing import Any, ParamSpec, TypeVar

from flask import Response, flash, render_template
from reportlab.pdfgen.canvas import Canvas

from billing.money import format_amount
from core.access import Audience, Pages, open_to
from core.db import transaction
from core.errors import AppError, NotFound
from core.htmx import see_other
from core.views import ViewResponse
from local.stripe_sandbox import checkout, customers, events, invoices, store, subscriptions

bp = Pages("sandbox", __name__, url_prefix="/_sandbox/stripe")

SHOWN_EVENTS = 20

Asked = ParamSpec("Asked")
Result = TypeVar("Result")


class SandboxRefused(AppError):
    status, code, title = HTTPStatus.CONFLICT, "sandbox_refused", "This is not possible in the sandbox right now"
    advice = "Go back and reload the page."


@bp.get("/checkout/<session_id>")
@open_to(Audience.ANYBODY)
def show_checkout(session_id: str) -> ViewResponse:
    session = _need(session_id, "checkout.session")
    wishes = _need(f"wishes:{session_id}", "wishes")
    price = _need(wishes["price"], "price")
    return render_template("local/stripe_sandbox/checkout.html", session=session, price=price)


@bp.post("/checkout/<session_id>/<any(pay, pay_by_bank, cancel):verb>")
@open_to(Audience.ANYBODY)
def finish_checkout(session_id: str, verb: str) -> ViewResponse:
    session = _need(session_id, "checkout.session")
    if verb == "cancel":
        return see_other(session["cancel_url"])
    _do(checkout.pay, session_id, is_slow=verb == "pay_by_bank")
    return see_other(session["success_url"].replace("{CHECKOUT_SESSION_ID}", session_id))


@bp.get("/portal/<session_id>")
@open_to(Audience.ANYBODY)
def show_portal(session_id: str) -> ViewResponse:
    session = _need(session_id, "billing_portal.session")
    customer_id = session["customer"]
    return render_template(
        "local/stripe_sandbox/portal.html",
        session=session,
        subscription=next(iter(store.every("subscription", customer=customer_id)), None),
        invoices=store.every("invoice", customer=customer_id),
        waiting=[
            one
            for one in store.every("checkout.session", customer=customer_id, status="complete")
            if one["payment_status"] == "unpaid"
        ],
        events=store.every("event")[:SHOWN_EVENTS],
    )


@bp.post("/portal/<session_id>/<verb>")
@open_to(Audience.ANYBODY)
def act(session_id: str, verb: str) -> ViewResponse:
    """What the customer, their bank and time do."""
    session = _need(session_id, "billing_portal.session")
    acts = _acts(session["customer"])
    if verb not in acts:
        raise NotFound
    words = _do(acts[verb])
    flash(words if isinstance(words, str) else "Done. The webhook event was sent.")
    return see_other(session["return_url"] if verb == "delete_customer" else f"/_sandbox/stripe/portal/{session_id}")


@bp.get("/invoices/<invoice_id>")
@open_to(Audience.ANYBODY)
def show_invoice(invoice_id: str) -> ViewResponse:
    return render_template("local/stripe_sandbox/invoice.html", invoice=_need(invoice_id, "invoice"))


@bp.post("/invoices/<invoice_id>/pay")
@open_to(Audience.ANYBODY)
def pay_invoice(invoice_id: str) -> ViewResponse:
    invoice = _need(invoice_id, "invoice")
    _do(subscriptions.pay_open_invoice, invoice["parent"]["subscription_details"]["subscription"])
    return see_other("/plan")


@bp.get("/invoices/<invoice_id>/pdf")
@open_to(Audience.ANYBODY)
def invoice_pdf(invoice_id: str) -> ViewResponse:
    invoice, file = _need(invoice_id, "invoice"), BytesIO()
    canvas = Canvas(file, invariant=True)
    lines = (
        "SANDBOX: this is not an invoice, and no money moved.",
        f"Number {invoice['number']}",
        *(line["description"] for line in invoice["lines"]["data"]),
        f"Total {format_amount(invoice['total'], invoice['currency'])}, {invoice['status']}",
    )
    for number, line in enumerate(lines):
        canvas.drawString(72, 760 - 24 * number, line)
    canvas.save()
    return Response(file.getvalue(), content_type="application/pdf")


def _acts(customer_id: str) -> dict[str, Callable[[], Any]]:
    """By name; each looks at what there is when it is called."""

    def subscription() -> str:
        found = next(iter(store.every("subscription", customer=customer_id)), None)
        if found is None:
            raise store.Refused("There is no subscription.")
        return str(found["id"])

    def charge() -> str:
        found = next(iter(store.every("charge", customer=customer_id)), None)
        if found is None:
            raise store.Refused("There is no charge yet.")
        return str(found["id"])

    def waiting() -> str:
        sessions = store.every("checkout.session", customer=customer_id, status="complete", payment_status="unpaid")
        if not sessions:
            raise store.Refused("There is no pending bank transfer.")
        return str(sessions[0]["id"])

    return {
        "cancel": lambda: subscriptions.cancel_in_portal(subscription(), is_ending=True),
        "undo_cancel": lambda: subscriptions.cancel_in_portal(subscription(), is_ending=False),
        "next_month": lambda: subscriptions.next_period(subscription(), is_paid=True),
        "next_month_unpaid": lambda: subscriptions.next_period(subscription(), is_paid=False),
        "pay": lambda: subscriptions.pay_open_invoice(subscription()),
        "give_up": lambda: subscriptions.end_now(subscription(), because="payment_failed"),
        "money_arrives": lambda: checkout.settle(waiting(), has_arrived=True),
        "money_fails": lambda: checkout.settle(waiting(), has_arrived=False),
        "dispute": lambda: invoices.dispute(charge(), status="needs_response"),
        "dispute_won": lambda: invoices.dispute(charge(), status="won"),
        "dispute_lost": lambda: invoices.dispute(charge(), status="lost"),
        "delete_customer": lambda: customers.delete(customer_id),
        "send_again": lambda: _send_again(in_reverse=False),
        "send_again_in_reverse": lambda: _send_again(in_reverse=True),
    }


def _send_again(*, in_reverse: bool) -> str:
    """Old events, to see that doubles and disorder change nothing."""
    sent = [event["id"] for event in store.every("event")[:SHOWN_EVENTS]]
    for event_id in sent if in_reverse else reversed(sent):
        events.send_again(event_id)
    return f"{len(sent)} events were resent{', newest first' if in_reverse else ''}."


def _do(act: Callable[Asked, Result], *arguments: Asked.args, **options: Asked.kwargs) -> Result:
    try:
        with transaction():
            return act(*arguments, **options)
    except store.Refused as refused:
        raise SandboxRefused(str(refused)) from refused


def _need(identifier: str, kind: str) -> dict[str, Any]:
    found = store.find(identifier, kind)
    if found is None:
        raise NotFound("Not found in the sandbox.")
    return found
