"""Nothing is held while Stripe is asked: by no page, no job and no webhook."""

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from flask import Flask
from sqlalchemy import select

from billing import catalogue, credit_notes, previews, refunds, usage, webhook_events
from billing import jobs as billing_jobs
from billing.connection import gateway
from billing.models import BillingAccount, Invoice, UsageHour
from billing.plans import PlanCode
from billing.resync import sync_later
from core.clock import utc_now
from core.db import acting_as_system, db, transaction
from core.tokens import digest_of
from local.stripe_sandbox import checkout, events, routes, store
from local.stripe_sandbox import subscriptions as at_stripe
from local.stripe_sandbox.transport import Sandbox
from portal.console.launch.jobs import look_now
from tests.billing.scene import open_checkout
from tests.cast import Member, organization_with_key
from tests.people import Person, person

HELD = ("organization", "billing_account", "usage_hour", "subscription", "invoice", "checkout", "change_intent")
SETTING_UP = re.compile(r"^/v1/(products|prices|billing/meters|billing_portal/configurations|webhook_endpoints)")
WITH_INTENT = re.compile(r"^/v1/(subscriptions/|subscription_schedules|refunds|customers/[^/]+(/tax_ids)?$)")


class Watched:
    """Stripe, who looks from a connection of its own, whenever it is asked, at what others could not get at now."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
        self.act = ""
        self.held: list[tuple[str, str, str]] = []
        """What was done, what was asked for, and the table of which a row was held."""
        self.without_intent: list[tuple[str, str]] = []
        self.writes: set[tuple[str, str]] = set()
        self._url = url
        ask = Sandbox.request

        def request(sandbox: Sandbox, method: str, address: str, headers: Any, post_data: Any = None, **_: Any) -> Any:
            self._look(f"{method.upper()} {urlsplit(address).path}", headers or {})
            return ask(sandbox, method, address, headers, post_data)

        monkeypatch.setattr(Sandbox, "request", request)

    def _look(self, call: str, headers: Mapping[str, str]) -> None:
        with psycopg.connect(self._url) as connection:
            for table in HELD:
                try:
                    connection.execute(f"SELECT 1 FROM {table} FOR UPDATE NOWAIT")
                except psycopg.errors.LockNotAvailable:
                    self.held.append((self.act, call, table))
                connection.rollback()
            method, _, path = call.partition(" ")
            if method == "POST" and self.act.startswith("person") and WITH_INTENT.search(path):
                key = headers.get("Idempotency-Key", "")
                query = "SELECT 1 FROM change_intent WHERE outcome IS NULL AND starts_with(%s, id::text)"
                if connection.execute(query, [key]).fetchone() is None and not key.startswith("customer-"):
                    self.without_intent.append((self.act, path))
        if method != "GET":
            self.writes.add((method, path))


@pytest.fixture
def home(live_app: Flask) -> Member:
    with live_app.app_context(), transaction():
        catalogue.sync(catalogue.parts(gateway().client, webhook_url=None))
    return organization_with_key(live_app)


class Walk:
    """Everything that asks Stripe, one after the other."""

    def __init__(self, app: Flask, home: Member, stripe: Watched) -> None:
        self.app, self.home, self.stripe = app, home, stripe
        self.bill = person(app, "Bill", home.organization_id)
        self.olga = person(app, "Olga", is_operator=True)
        self.console = f"/console/organizations/{home.organization_id}"

    def page(self, name: str, who: Person, path: str, **fields: Any) -> None:
        self.stripe.act = f"person: {name}"
        answer = who.post(path, **fields)
        assert answer.status_code == 303, (name, answer.status_code, answer.text)

    def job(self, name: str, job: Callable[..., Any], **arguments: Any) -> None:
        self.stripe.act = f"job: {name}"
        with self.app.app_context():
            job(**arguments)

    def behind(self, act: Callable[[], Any]) -> Any:
        """What happens meanwhile, in which nobody is interested."""
        self.stripe.act = "meanwhile"
        with self.app.app_context(), acting_as_system(), transaction():
            return act()

    def look_again(self) -> None:
        self.job("looking", sync_later, organization_id=str(self.home.organization_id))

    def subscribe(self, plan: PlanCode) -> None:
        self.page(f"checkout {plan}", self.bill, f"/plan/checkout/{plan.value}")
        self.behind(lambda: checkout.pay(store.every("checkout.session", status="open")[0]["id"]))
        self.look_again()

    def of_plans(self) -> None:
        self.behind(lambda: setattr(account(self.home), "is_metered_offered", True))
        self.page("checkout", self.bill, "/plan/checkout/pay_as_you_go")
        self.page("another checkout", self.bill, "/plan/checkout/pro")
        self.page("details", self.bill, "/plan/billing-details", country="DE", tax_id_type="eu_vat", tax_id="DE1")
        tax_id = self.behind(lambda: store.every("tax_id")[0]["id"])
        bare = {"country": "", "tax_id_type": "", "removed_tax_ids": tax_id, "email": "money@people.example"}
        self.page("a tax id removed", self.bill, "/plan/billing-details", **bare)
        self.subscribe(PlanCode.PRO)
        self.page("cards", self.bill, "/plan/cards")
        self.page("end", self.bill, "/plan/end")
        self.page("resume", self.bill, "/plan/resume")
        self.page("switch down", self.bill, "/plan/switch/pay_as_you_go")
        self.page("resume what was planned", self.bill, "/plan/resume")
        self.page("switch down again", self.bill, "/plan/switch/pay_as_you_go")
        self.behind(lambda: at_stripe.next_period(store.every("subscription")[0]["id"], is_paid=True))
        self.look_again()

    def of_usage(self) -> None:
        def seal(hours_ago: int, attempted_at: Any = None) -> None:
            hour = (utc_now() - timedelta(hours=hours_ago)).replace(minute=0, second=0, microsecond=0)
            account(self.home).metered_since = utc_now() - timedelta(days=9)
            usage.seal(self.home.organization_id, {hour: 5}, now=utc_now())
            for part in db.session.scalars(select(UsageHour)).all():
                part.attempted_at = attempted_at if part.hour == hour else part.attempted_at

        self.behind(lambda: seal(2))
        self.behind(lambda: seal(3, utc_now() - timedelta(days=2)))
        self.job("send_usage", billing_jobs.send_usage, timestamp=0)
        self.job("ask_preview", previews.ask_preview, organization_id=str(self.home.organization_id), plan="pro")
        self.page("switch up", self.bill, "/plan/switch/pro")

    def of_rounds(self) -> None:
        self.job("reconcile", billing_jobs.reconcile, timestamp=0)
        self.job("launch board", look_now)
        organization_id = str(self.home.organization_id)
        digest = digest_of("money@people.example").hex()
        self.job("address", billing_jobs.refresh_customer_email, organization_id=organization_id, former_digest=digest)
        event = self.behind(lambda: events.emit("customer.updated", store.every("customer")[0]))
        self.behind(lambda: webhook_events.store(event, now=utc_now()))
        self.stripe.act = "webhook"
        with self.app.app_context(), acting_as_system():
            webhook_events.process(event["id"], gateway(), now=utc_now())

    def of_refunds(self) -> None:
        def latest() -> tuple[str, int]:
            charge = store.every("charge")[0]
            query = select(Invoice.id).order_by(Invoice.created_at.desc(), Invoice.id.desc())
            paid = [one for one in db.session.scalars(query) if charge["payment_intent"] in str(store.need(one))]
            return paid[0], charge["amount_refunded"]

        invoice_id, _ = self.behind(latest)
        refund = f"{self.console}/invoices/{invoice_id}/refund"
        keep = {"reason": "Kindness.", "subscription": "keep"}
        self.page("a part refunded", self.olga, refund, refunded="0", amount="1.00", **keep)
        self.page("all refunded", self.olga, refund, refunded="100", **keep)
        self.page("ended without access", self.olga, f"{self.console}/subscription/end")
        made = self.behind(lambda: store.every("refund")[0]["id"])
        about = {"invoice_id": invoice_id, "refund_id": made, "amount_minor": 1, "memo": "Kindness."}
        self.job("credit note", credit_notes.write_credit_note, organization_id=str(self.home.organization_id), **about)
        self.subscribe(PlanCode.PRO)
        again = self.behind(lambda: store.every("subscription")[0]["id"])
        organization_id = str(self.home.organization_id)
        job = refunds.end_refunded_subscription
        self.job("ended after a refund", job, organization_id=organization_id, subscription_id=again)

    def of_closing(self) -> None:
        self.subscribe(PlanCode.PRO)
        about = {"organization_id": str(self.home.organization_id)}
        self.job("closing", billing_jobs.end_plan_of_closing_account, **about)
        self.job("kept", billing_jobs.go_on_with_plan_of_kept_account, **about)
        self.job("closed", billing_jobs.end_plan_of_closed_account, **about)


def account(home: Member) -> BillingAccount:
    return db.session.get_one(BillingAccount, home.organization_id)


def wide(path: str) -> str:
    """An address without its ids."""
    return re.sub(r"/[a-z_]+_sandbox[^/]*", "/{}", path)


def path_of(pattern: re.Pattern[str]) -> str:
    return pattern.pattern.replace("([^/]+)", "{}").replace("\\", "")


def test_nobody_is_held_up_while_stripe_is_asked(
    live_app: Flask, live_url: str, home: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    stripe = Watched(monkeypatch, live_url)
    walk = Walk(live_app, home, stripe)
    walk.behind(lambda: open_checkout(home))

    walk.of_plans()
    walk.of_usage()
    walk.of_rounds()
    walk.of_refunds()
    walk.of_closing()

    assert stripe.held == []
    assert stripe.without_intent == []
    played = {(method, path_of(pattern)) for method, pattern, _ in routes._played}
    writes = {(method, path) for method, path in played if method != "GET" and not SETTING_UP.search(path)}
    assert writes - {(method, wide(path)) for method, path in stripe.writes} == set()
