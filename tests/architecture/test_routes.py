"""Every route, and whom it is for. A new route is written down here by the person who adds it."""

import inspect
from pathlib import Path
from typing import Any

from flask import Flask

from api.v1.endpoint import declared_endpoints
from core.access import asks_proof, audience_of

TABLE = Path(__file__).with_name("routes.txt")

PLAIN = {
    "/openapi.json": "everybody",
    "/static/<path:filename>": "everybody",
    "/metrics": "holders of the metrics token",
    "/webhooks/inbound-mail": "holders of the token for inbound mail",
    "/status/unsubscribe/<secret>": "holders of the secret in a mail's link",
    "/notifications/unsubscribe/<token>": "holders of the token in a mail's link",
    "/webhooks/alertmanager": "holders of the alertmanager token",
    "/webhooks/evidence": "holders of the key for evidence",
    "/webhooks/monitor": "holders of the key of the monitor",
    "/webhooks/stripe": "holders of the webhook's secret",
}


def as_rule(path: str) -> str:
    return path.replace("{", "<").replace("}", ">")


def routes_of(app: Flask) -> list[str]:
    """One line a route: method, address, audience, and whether it asks for a fresh proof of who it is."""
    declared = {
        (endpoint.method, as_rule(endpoint.path)): str(endpoint.scope or "everybody")
        for endpoint in declared_endpoints()
    }
    served = {
        (method, rule.rule): declared.get((method, rule.rule))
        or audience_of(app.view_functions[rule.endpoint])
        or PLAIN.get(rule.rule, "UNDECLARED")
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    proven = {
        (method, rule.rule)
        for rule in app.url_map.iter_rules()
        for method in rule.methods or set()
        if asks_proof(app.view_functions[rule.endpoint])
    }
    table = {**served, **declared}
    return sorted(
        f"{method:<6} {path:<70} {audience}{', proven' if (method, path) in proven else ''}"
        for (method, path), audience in table.items()
    )


def test_every_route_has_the_audience_that_is_written_down(app: Flask) -> None:
    assert routes_of(app) == TABLE.read_text().splitlines()


def test_no_route_is_undeclared(app: Flask) -> None:
    assert not [line for line in routes_of(app) if "UNDECLARED" in line]


def test_every_view_says_what_it_returns(app: Flask) -> None:
    declared = {
        name: inspect.unwrap(view).__annotations__.get("return", "nothing") for name, view in app.view_functions.items()
    }

    assert {name for name, returned in declared.items() if returned in {Any, "nothing"}} == {"static"}
