"""Stripe, and whether money has gone its whole way once."""

from flask import current_app
from sqlalchemy import func, select

from billing import catalogue
from billing import cli as billing_cli
from billing.deadline import within
from billing.errors import PaymentsAway
from billing.models import Invoice
from core.db import db
from portal.console.launch.verdicts import CheckContext, CheckFunction, Verdict, either, green, red

LOOK_S = 30.0
"""For the whole comparison, which asks many times; the worker makes it, and no page."""
PAGES = ("/plan", "/plan/invoices", "/plan/checkout/<any(pro, pay_as_you_go):plan>", "/plan/return")


def stripe_set(around: CheckContext) -> Verdict:
    key = around.settings.stripe_api_key
    if not key:
        return red(
            "No Stripe key is set: payments are simulated.", to_do="Set STRIPE_API_KEY and STRIPE_WEBHOOK_SECRET."
        )
    return green("A test key is set." if "_test_" in key else "A live key is set.")


def stripe_matches(around: CheckContext) -> Verdict:
    if not around.settings.stripe_api_key:
        return stripe_set(around)
    try:
        with within(LOOK_S):
            found = catalogue.differences(billing_cli.wanted())
    except PaymentsAway:
        return red("Stripe does not respond.", to_do="Check status.stripe.com, then run it again.")
    return either(
        not found,
        "No differences found.",
        otherwise=" ".join(found[:3]),
        to_do="Run flask billing sync, then flask billing doctor.",
    )


def _counted(what: str, *, is_paid: bool, to_do: str) -> CheckFunction:
    def look(around: CheckContext) -> Verdict:
        if not around.settings.stripe_api_key:
            return stripe_set(around)
        query = select(func.count()).select_from(Invoice)
        count = db.session.scalar(query.where(Invoice.status == "paid") if is_paid else query) or 0
        return either(count > 0, f"{count} {what}.", otherwise=f"No {what} yet.", to_do=to_do)

    return look


def plan_pages(_around: CheckContext) -> Verdict:
    rules = {rule.rule for rule in current_app.url_map.iter_rules()}
    missing = [path for path in PAGES if path not in rules]
    return either(
        not missing,
        "The plan, checkout and invoice pages exist.",
        otherwise=f"Missing: {', '.join(missing)}.",
        to_do="These routes are not registered. Check portal/pages.py.",
    )


CHECKS: dict[str, CheckFunction] = {
    "stripe_set": stripe_set,
    "stripe_matches": stripe_matches,
    "invoice_made": _counted("invoices", is_paid=False, to_do="Subscribe to Pro in a test organization."),
    "payment_made": _counted("paid invoices", is_paid=True, to_do="Pay with 4242 4242 4242 4242 in test mode."),
    "plan_pages": plan_pages,
}
