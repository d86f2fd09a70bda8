"""A page that is looked at waits for no Stripe: it shows what we know, and a job asks."""

import pytest
from flask import Flask
from sqlalchemy import select

from billing import connection
from billing.models import Checkout
from core.clock import monotonic_s, utc_now
from core.db import acting_as_system, db
from core.settings import Settings
from local.stripe_sandbox import store
from local.stripe_sandbox.transport import Sandbox
from portal.console.launch.checks import money as launch
from portal.console.launch.verdicts import CheckContext
from tests.billing import conftest as money
from tests.billing.silence import hanging_stripe
from tests.cast import Member
from tests.people import Person

prices = money.prices
subscribed = money.subscribed
judged = money.judged


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every call of Stripe."""
    found: list[str] = []

    def request(_sandbox: Sandbox, method: str, url: str, *_: object, **__: object) -> None:
        found.append(f"{method} {url}")
        raise AssertionError

    monkeypatch.setattr(Sandbox, "request", request)
    return found


def pages(app: Flask) -> list[str]:
    """All that can be looked at without naming anything."""
    rules = [rule for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ()) and not rule.arguments]
    return sorted(rule.rule for rule in rules)


def test_no_page_asks_stripe(
    app: Flask, subscribed: Member, owner: Person, operator: Person, request: pytest.FixtureRequest
) -> None:
    operator.post(f"/console/organizations/{subscribed.organization_id}/metered", offered="yes")
    with app.app_context(), acting_as_system():
        session = db.session.scalars(select(Checkout.session_id)).one()
        invoice = store.every("invoice")[0]["id"]
    named = [
        "/plan/switch/pay_as_you_go",
        f"/plan/return?session_id={session}",
        f"/plan/invoices/{invoice}/pdf",
        f"/plan/invoices/{invoice}/usage",
        f"/console/organizations/{subscribed.organization_id}",
    ]
    asked: list[str] = request.getfixturevalue("asked")

    seen = {path: (owner.get(path).status_code, operator.get(path).status_code) for path in (*pages(app), *named)}

    assert asked == []
    assert all(200 in seen[path] or 303 in seen[path] for path in (*named, "/plan", "/console/launch", "/console"))


def test_the_launch_board_s_look_at_stripe_ends_by_its_deadline(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """It asks many times, and slow answers add up."""
    monkeypatch.setattr(launch, "LOOK_S", 0.5)
    with hanging_stripe() as address, app.app_context(), acting_as_system():
        settings = Settings(stripe_api_key="sk_test_x", stripe_webhook_secret="whsec_x", stripe_api_base=address)
        monkeypatch.setitem(app.extensions, "billing_gateway", connection._stripe(settings))
        began_s = monotonic_s()

        verdict = launch.stripe_matches(CheckContext(settings, utc_now()))

    assert monotonic_s() - began_s < 3
    assert not verdict.is_green
    assert "does not respond" in verdict.seen
