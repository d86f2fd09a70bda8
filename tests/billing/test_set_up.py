"""Setting Stripe up from code, and the client that speaks to it."""

from typing import Any

import pytest
import stripe
from flask import Flask

from billing import catalogue
from billing.connection import _stripe, gateway
from billing.errors import PaymentsAway, PaymentsRefused
from billing.plans import PlanCode, lookup_key
from billing.sandbox import store
from core.db import acting_as_system, transaction
from core.ids import new_uuid
from core.settings import Settings

URL = "https://aig.example/webhooks/stripe"


def run(app: Flask, act: Any) -> list[str]:
    with app.app_context(), transaction():
        found: list[str] = act(catalogue.parts(gateway().client, webhook_url=URL))
        return found


def test_everything_is_set_up_once_and_then_nothing_differs(app: Flask) -> None:
    assert len(run(app, catalogue.differences)) == 7
    assert len(run(app, catalogue.sync)) == 7

    assert run(app, catalogue.sync) == []
    assert run(app, catalogue.differences) == []


@pytest.mark.parametrize(
    ("kind", "changes", "what"),
    [
        ("product", {"name": "Something else"}, "another name"),
        ("price", {"unit_amount": 1, "billing_scheme": "per_unit"}, "costs something else"),
        ("webhook_endpoint", {"enabled_events": ["invoice.paid"]}, "not told everything"),
        ("webhook_endpoint", {"api_version": "2020-08-27"}, "speaks version"),
        ("billing_portal.configuration", {"features": None}, "lets customers"),
    ],
)
def test_what_somebody_changed_by_hand_is_named(app: Flask, kind: str, changes: dict[str, Any], what: str) -> None:
    run(app, catalogue.sync)
    with app.app_context(), acting_as_system(), transaction():
        changed = store.every(kind)[0]
        if changes == {"features": None}:
            changed["features"]["subscription_cancel"]["enabled"] = False
            changes = {}
        store.keep({**changed, **changes})

    assert what in " ".join(run(app, catalogue.differences))


def test_a_price_that_changes_is_a_new_one_and_who_has_the_old_keeps_it(app: Flask) -> None:
    run(app, catalogue.sync)
    with app.app_context(), acting_as_system(), transaction():
        old = store.every("price", lookup_key=lookup_key(PlanCode.PRO))[0]
        store.keep({**old, "unit_amount": 3_900})

    run(app, catalogue.sync)

    with app.app_context(), acting_as_system():
        assert store.need(old["id"])["unit_amount"] == 3_900
        assert store.every("price", lookup_key=lookup_key(PlanCode.PRO))[0]["unit_amount"] == 4_900


def test_the_commands_say_what_they_did_and_what_differs(app: Flask) -> None:
    runner = app.test_cli_runner()

    assert runner.invoke(args=["billing", "doctor"]).exit_code == 1
    assert "product Pro: is missing; mended" in runner.invoke(args=["billing", "sync"]).output
    answer = runner.invoke(args=["billing", "doctor"])
    assert (answer.exit_code, answer.output) == (0, "Everything is as it should be.\n")


class Line:
    """Stands where the network is: keeps what goes out, and answers as it is told."""

    def __init__(self, status: int = 200, body: str = '{"id": "cus_1", "object": "customer"}') -> None:
        self.sent: list[tuple[str, str, dict[str, str]]] = []
        self.answer: tuple[str, int, dict[str, str]] = (body, status, {})

    def request(self, method: str, url: str, headers: Any, _data: Any = None, **_more: Any) -> Any:
        self.sent.append((method, url, dict(headers)))
        return self.answer


def on_the_line(monkeypatch: pytest.MonkeyPatch, line: Line, **settings: Any) -> Any:
    monkeypatch.setattr(stripe.RequestsClient, "request", line.request)
    monkeypatch.setattr(stripe.RequestsClient, "_sleep_time_seconds", lambda *_args, **_more: 0)
    return _stripe(Settings(stripe_api_key="sk_test_x", stripe_webhook_secret="whsec_x", **settings))


def test_the_client_speaks_the_pinned_version_to_the_address_it_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    line = Line()
    real = on_the_line(monkeypatch, line, stripe_api_base="http://127.0.0.1:12111")
    organization_id = new_uuid()

    real.make_customer(organization_id, name="Ada", email="ada@people.example", number=1)

    (method, url, headers), (_, update, _) = line.sent
    assert update.endswith("/v1/customers/cus_1")
    assert (method, url) == ("post", "http://127.0.0.1:12111/v1/customers")
    assert headers["Stripe-Version"] == "2026-10-28.endive" == stripe.api_version
    assert headers["Idempotency-Key"] == f"customer-{organization_id}-1"
    assert not stripe.enable_telemetry
    assert not real.is_live


@pytest.mark.parametrize(("status", "refusal"), [(500, PaymentsAway), (429, PaymentsAway), (400, PaymentsRefused)])
def test_what_stripe_refuses_is_told_in_our_words(
    monkeypatch: pytest.MonkeyPatch, status: int, refusal: type[Exception]
) -> None:
    real = on_the_line(monkeypatch, Line(status, '{"error": {"message": "No.", "type": "api_error"}}'))

    with pytest.raises(refusal):
        real.customer("cus_1")
