"""What the clock does about money, once, with many organizations: `python -m tests.bench.clocked [how many]`.

Stripe answers at once, so what is measured is ours. Of ten organizations six are on Free, one pays and one is in
arrears, and two pay as they go, with an hour that waits to be sent. The access of one in a hundred is due.
"""

import sys
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from flask import Flask
from sqlalchemy import event

from api.usage import jobs as usage_jobs
from billing import dunning
from billing import jobs as billing_jobs
from billing.connection import gateway
from billing.models import BillingAccount, Subscription
from billing.plans import PlanCode, product_id
from billing.stripe_objects import PRODUCT
from core.accounts import Organization
from core.clock import monotonic_s, utc_now
from core.db import acting_as_system, db, transaction
from core.ids import new_uuid
from tests.bench.database import Database, serving
from tests.bench.processes import ROOT

JOBS: tuple[Callable[..., Any], ...] = (
    billing_jobs.refresh_entitlements,
    usage_jobs.watch_quotas,
    usage_jobs.watch_quotas,
    usage_jobs.count_last_minutes,
    usage_jobs.seal_hours,
    usage_jobs.look_for_late_checks,
    billing_jobs.process_stuck_events,
    billing_jobs.send_usage,
    billing_jobs.send_usage,
    dunning.remind_of_arrears,
    dunning.warn_of_expiring_cards,
    billing_jobs.remind_of_pilots,
    billing_jobs.reconcile,
)
"""Those that stand twice have more to do the first time."""
HOURS_S = 3_600


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 5_000
    with serving(ROOT / "var" / "bench" / "clocked") as (database, app):
        told = fill(app, database, count)
        answer_at_once(app, told)
        print(f"{count:,} organizations\n\n| job | seconds | statements |\n|---|---|---|", flush=True)
        for job in JOBS:
            seconds, statements = timed(app, job)
            print(f"| {job.__name__} | {seconds:.2f} | {statements:,} |", flush=True)


def timed(app: Flask, job: Callable[..., Any]) -> tuple[float, int]:
    seen = 0

    def note(*_: Any) -> None:
        nonlocal seen
        seen += 1

    with app.app_context():
        event.listen(db.engine, "before_cursor_execute", note)
        began_s = monotonic_s()
        job(timestamp=int(utc_now().timestamp()))
        seconds = monotonic_s() - began_s
        event.remove(db.engine, "before_cursor_execute", note)
    return seconds, seen


def fill(app: Flask, database: Database, count: int) -> dict[str, list[dict[str, Any]]]:
    """The subscriptions of each customer, as Stripe would tell them."""
    told: dict[str, list[dict[str, Any]]] = {}
    with app.app_context(), acting_as_system(), transaction():
        for number in range(count):
            organization = a_row(number)
            db.session.add(organization)
            db.session.flush()
            if number % 10 > 5:
                told[f"cus_{number}"] = [with_plan(organization, number)]
    database.run(
        """INSERT INTO usage_hour (organization_id, hour, part, checks, sealed_at, sent_at)
           SELECT id, hour, 1, 100, now(), CASE WHEN hour < date_trunc('hour', now()) - interval '1 hour' THEN now() END
           FROM organization,
           generate_series(date_trunc('hour', now()) - interval '48 hours', date_trunc('hour', now())
                           - interval '1 hour', interval '1 hour') AS hour"""
    )
    database.run(
        """INSERT INTO entitlement (organization_id, state, plan, reason, since, plan_since, changes_at, computed_at)
           SELECT organization.id, CASE bought.status WHEN 'past_due' THEN 'grace' ELSE 'active' END,
           CASE WHEN bought.status IS NULL THEN 'free' WHEN metered_since IS NULL THEN 'pro' ELSE 'pay_as_you_go' END,
           '', now() - interval '9 days', now() - interval '9 days',
           CASE WHEN right(slug, 2) = '99' THEN now() END, now()
           FROM organization
           LEFT JOIN subscription AS bought ON bought.organization_id = organization.id
           LEFT JOIN billing_account AS account ON account.organization_id = organization.id"""
    )
    database.run("ANALYZE")
    return told


def a_row(number: int) -> Organization:
    now = utc_now()
    return Organization(
        id=new_uuid(),
        slug=f"clocked-{number}",
        name=f"Clocked {number}",
        status="live",
        retention_days=30,
        subject_secret=b"0" * 32,
        created_at=now - timedelta(days=40),
    )


def with_plan(organization: Organization, number: int) -> dict[str, Any]:
    now, is_metered = utc_now(), number % 10 > 7
    status = "past_due" if number % 10 == 6 else "active"
    now_s = int(now.timestamp())
    price = {"id": "price_1", "product": product_id(PlanCode.METERED if is_metered else PlanCode.PRO)}
    item = {"price": price, "current_period_start": now_s - 99 * HOURS_S, "current_period_end": now_s + 99 * HOURS_S}
    about: Any = {"id": f"sub_{number}", "status": status}
    snapshot = {**about, "object": "subscription", "created": now_s - 99 * HOURS_S}
    snapshot |= {"customer": f"cus_{number}", "metadata": {"product": PRODUCT}, "items": {"data": [item]}}
    since = now - timedelta(hours=99) if is_metered else None
    account = BillingAccount(organization_id=organization.id, customer_id=f"cus_{number}", metered_since=since)
    about |= {"organization_id": organization.id, "snapshot": snapshot}
    db.session.add_all([account, Subscription(**about, created_at=now, fetched_at=now)])
    return snapshot


def answer_at_once(app: Flask, told: dict[str, list[dict[str, Any]]]) -> None:
    with app.app_context():
        way: Any = type(gateway())
    way.subscriptions_of = lambda _self, customer_id: told[customer_id]
    way.customer_with_tax_ids = lambda _self, customer_id: {"id": customer_id, "tax_ids": []}
    way.invoices_of = lambda _self, _customer_id: []
    way.write_tax_note = lambda _self, _customer_id: None
    way.send_usage = lambda _self, _identifier, **_: None
    way.usage_of = lambda _self, _customer_id, **_: 0
    way.every_subscription = lambda _self: []
    way.card_of = lambda _self, _customer_id, _subscription: None


if __name__ == "__main__":
    main()
