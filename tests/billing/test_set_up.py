"""Setting Stripe up from code, and the client that speaks to it."""

from typing import Any

import pytest
import stripe
from flask import Flask

from billing import catalogue
from billing.catalogue.meter import MeterWrong
from billing.connection import _stripe, gateway
from billing.errors import PaymentsAway, PaymentsRefused
from billing.plans import PlanCode, lookup_key
from core.db import acting_as_system, transaction
from core.ids import new_uuid
from core.settings import Settings
from local.stripe_sandbox import store

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


PRO, METERED = (lookup_key(code) for code in (PlanCode.PRO, PlanCode.METERED))


def recurring(**changes: Any) -> Any:
    return lambda found: {"recurring": {**found["recurring"], **changes}}


def tiers(number: int, **changes: Any) -> Any:
    return lambda found: {"tiers": [one | changes if at == number else one for at, one in enumerate(found["tiers"])]}


def features(feature: str, **changes: Any) -> Any:
    return lambda found: {"features": {**found["features"], feature: {**found["features"][feature], **changes}}}


CHANGED_BY_HAND = [
    ("product", {"name": "Pro"}, {"name": "Something else"}, "name is Something else, not Pro"),
    ("product", {"name": "Pro"}, {"tax_code": None}, "tax code is none"),
    ("product", {"name": "Pro"}, {"active": False}, "active is False, not True"),
    ("product", {"name": "Pro"}, {"metadata": {}}, "product is none, not ai-governance"),
    ("price", {"lookup_key": PRO}, {"unit_amount": 1, "unit_amount_decimal": "1"}, "cents is 1, not 4900"),
    ("price", {"lookup_key": PRO}, {"unit_amount_decimal": "4900.5"}, "cents is 4900.5, not 4900"),
    ("price", {"lookup_key": PRO}, recurring(interval="year"), "interval is year, not month"),
    ("price", {"lookup_key": PRO}, recurring(interval_count=3), "interval count is 3, not 1"),
    ("price", {"lookup_key": PRO}, recurring(usage_type="metered"), "usage type is metered, not licensed"),
    ("price", {"lookup_key": PRO}, recurring(trial_period_days=30), "trial period days is 30"),
    ("price", {"lookup_key": PRO}, {"transform_quantity": {"divide_by": 10, "round": "up"}}, "divided by is 10"),
    ("price", {"lookup_key": PRO}, {"tax_behavior": "inclusive"}, "tax behavior is inclusive, not exclusive"),
    ("price", {"lookup_key": PRO}, {"tax_behavior": None}, "tax behavior is none"),
    ("price", {"lookup_key": PRO}, {"currency": "eur"}, "currency is eur, not usd"),
    ("price", {"lookup_key": PRO}, {"product": "prod_another"}, "product is prod_another, not aig_pro"),
    ("price", {"lookup_key": METERED}, tiers(0, flat_amount=999_900, flat_amount_decimal="999900"), "999900 cents"),
    ("price", {"lookup_key": METERED}, tiers(0, unit_amount=1, unit_amount_decimal="1"), "1 cents a check"),
    ("price", {"lookup_key": METERED}, tiers(0, up_to=10), "up to 10"),
    ("price", {"lookup_key": METERED}, tiers(1, unit_amount=5, unit_amount_decimal="5"), "5 cents a check"),
    ("price", {"lookup_key": METERED}, {"tiers_mode": "volume"}, "tiers mode is volume, not graduated"),
    ("price", {"lookup_key": METERED}, {"billing_scheme": "per_unit", "tiers": None}, "billing scheme is per_unit"),
    ("price", {"lookup_key": METERED}, recurring(meter="mtr_another"), "meter is mtr_another"),
    ("billing.meter", {}, {"status": "inactive"}, "is not active"),
    ("billing.meter", {}, {"default_aggregation": {"formula": "count"}}, "formula is count, not sum"),
    ("billing.meter", {}, {"value_settings": {"event_payload_key": "checks"}}, "value is checks"),
    ("webhook_endpoint", {}, {"enabled_events": ["invoice.paid"]}, "does not receive all events"),
    ("webhook_endpoint", {}, {"api_version": "2020-08-27"}, "speaks version"),
    ("billing_portal.configuration", {}, features("subscription_cancel", enabled=False), "allows something else"),
    ("billing_portal.configuration", {}, features("subscription_cancel", mode="immediately"), "immediately"),
    ("billing_portal.configuration", {}, features("subscription_update", enabled=True), "is True, not False"),
    ("billing_portal.configuration", {}, features("customer_update", allowed_updates=["email"]), "allowed updates"),
]


@pytest.mark.parametrize(("kind", "which", "changes", "what"), CHANGED_BY_HAND)
def test_what_somebody_changed_by_hand_is_named(
    app: Flask, kind: str, which: dict[str, Any], changes: Any, what: str
) -> None:
    run(app, catalogue.sync)
    with app.app_context(), acting_as_system(), transaction():
        changed = store.every(kind, **which)[0]
        store.save({**changed, **(changes(changed) if callable(changes) else changes)})

    [said] = run(app, catalogue.differences)

    assert what in said


@pytest.mark.parametrize(
    ("kind", "which", "changes", "what"),
    [one for one in CHANGED_BY_HAND if one[0] in {"product", "price"} or one[3] == "is not active"],
)
def test_what_can_be_mended_is_mended(app: Flask, kind: str, which: dict[str, Any], changes: Any, what: str) -> None:
    test_what_somebody_changed_by_hand_is_named(app, kind, which, changes, what)

    assert len(run(app, catalogue.sync)) == 1
    assert run(app, catalogue.differences) == []


def test_a_meter_that_counts_otherwise_is_left_to_a_person(app: Flask) -> None:
    run(app, catalogue.sync)
    with app.app_context(), acting_as_system(), transaction():
        store.save({**store.every("billing.meter")[0], "default_aggregation": {"formula": "count"}})

    with pytest.raises(MeterWrong):
        run(app, catalogue.sync)


def test_what_is_ours_is_found_among_many_that_are_not(app: Flask) -> None:
    """An account may be shared: lists come in pages, the newest first."""
    run(app, catalogue.sync)
    with app.app_context(), acting_as_system(), transaction():
        for number in range(101):
            store.make("product", "prod", name=f"Another {number}", active=True)
            store.make("billing.meter", "mtr", event_name=f"another_{number}", status="active")
            store.make("webhook_endpoint", "we", url=f"https://another.example/{number}", status="enabled")
            store.make("billing_portal.configuration", "bpc", active=True)

    assert run(app, catalogue.differences) == []
    assert run(app, catalogue.sync) == []


def test_a_price_that_changes_is_a_new_one_and_who_has_the_old_keeps_it(app: Flask) -> None:
    run(app, catalogue.sync)
    with app.app_context(), acting_as_system(), transaction():
        old = store.every("price", lookup_key=lookup_key(PlanCode.PRO))[0]
        store.save({**old, "unit_amount": 3_900, "unit_amount_decimal": "3900"})

    run(app, catalogue.sync)

    with app.app_context(), acting_as_system():
        assert store.need(old["id"])["unit_amount"] == 3_900
        assert store.every("price", lookup_key=lookup_key(PlanCode.PRO))[0]["unit_amount"] == 4_900


def test_the_commands_say_what_they_did_and_what_differs(app: Flask) -> None:
    runner = app.test_cli_runner()

    assert runner.invoke(args=["billing", "doctor"]).exit_code == 1
    assert "product Pro: is missing; mended" in runner.invoke(args=["billing", "sync"]).output
    answer = runner.invoke(args=["billing", "doctor"])
    assert (answer.exit_code, answer.output) == (0, "No differences found.\n")


class Line:
    """In the place of the network: stores what goes out, and answers as it is set to."""

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
