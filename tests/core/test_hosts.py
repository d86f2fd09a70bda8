"""The service answers under its own names, and machines' tokens come as bearer tokens alone."""

from typing import Any

import pytest
from flask import Flask

from core.bearer import bears
from core.hosts import KnownHosts, names_of
from core.settings import Environment, Settings

PUBLIC, PROBE = "https://Governance.acme-pilot.eu", "http://web:8000"
PRODUCTION = Settings(
    environment=Environment.PRODUCTION,
    public_url=PUBLIC,
    probe_url=PROBE,
    allowed_hosts="intern.acme-pilot.eu, 10.0.0.7",
)


@pytest.fixture
def service() -> Flask:
    made = Flask("served")
    made.add_url_rule("/<path:_path>", view_func=lambda _path: "served")
    made.wsgi_app = KnownHosts(made.wsgi_app, PRODUCTION)  # type: ignore[method-assign]
    return made


def status_under(service: Flask, host: str, path: str = "/log-in") -> int:
    return int(service.test_client().get(path, headers={"Host": host}).status_code)


@pytest.mark.parametrize(
    "host",
    [
        *("governance.acme-pilot.eu", "GOVERNANCE.acme-pilot.eu:443", "governance.acme-pilot.eu.", "web:8000"),
        *("intern.acme-pilot.eu", "10.0.0.7:8000"),
    ],
)
def test_its_own_names_are_served(service: Flask, host: str) -> None:
    assert status_under(service, host) == 200


@pytest.mark.parametrize(
    "host",
    [
        *("evil.example", "localhost", "127.0.0.1:8000", "10.0.0.8", "governance.acme-pilot.eu.evil.example"),
        *(
            "evil.example/governance.acme-pilot.eu",
            "governance.acme-pilot.eu@evil.example",
            "xgovernance.acme-pilot.eu",
        ),
        *(
            "governance.acme-pilot.eu:port",
            "governance.acme-pilot.eu, evil.example",
            "[::1",
            "[::1]:80",
            "pilot.example",
        ),
    ],
)
def test_other_names_are_refused(service: Flask, host: str) -> None:
    answer = service.test_client().get("/v1/check", headers={"Host": host})

    assert (answer.status_code, (answer.json or {})["code"]) == (400, "unknown_host")
    assert host not in answer.text


@pytest.mark.parametrize("path", ["/health", "/health/live", "/health/ready", "/metrics"])
def test_probes_come_under_any_name(service: Flask, path: str) -> None:
    assert status_under(service, "10.20.30.40:8000", path) == 200


@pytest.mark.parametrize("path", ["/healthy", "/health/live/../log-in", "/metrics/x"])
def test_what_only_looks_like_a_probe_does_not(service: Flask, path: str) -> None:
    assert status_under(service, "10.20.30.40:8000", path) == 400


@pytest.mark.parametrize(
    ("host", "status"),
    [("localhost:8000", 200), ("127.0.0.1", 200), ("[::1]:8000", 200), ("192.168.1.5", 200), ("evil.example", 400)],
)
def test_while_developing_this_machine_has_its_usual_names(app: Flask, host: str, status: int) -> None:
    assert status_under(app, host) == status


def test_checks_are_refused_too(app: Flask) -> None:
    assert app.test_client().post("/v1/check", headers={"Host": "evil.example"}).status_code == 400


def test_without_an_address_of_its_own_it_has_no_empty_name() -> None:
    assert "" not in names_of(Settings())


@pytest.mark.parametrize(
    ("sent", "is_taken"),
    [
        *(("Bearer right-token", True), ("bearer right-token", True), ("BEARER  right-token ", True)),
        *(("right-token", False), ("Token right-token", False), ("Basic right-token", False), (None, False)),
        *(("Bearer", False), ("Bearer ", False), ("Bearer wrong", False), ("Bearerright-token", False)),
    ],
)
def test_a_token_comes_as_a_bearer_token_alone(sent: Any, is_taken: bool) -> None:
    assert bears(sent, (None, "", "right-token")) is is_taken


def test_metrics_want_the_word_bearer(app: Flask) -> None:
    client = app.test_client()

    assert client.get("/metrics", headers={"Authorization": "a-token-for-metrics"}).status_code == 404
    assert client.get("/metrics", headers={"Authorization": "Bearer a-token-for-metrics"}).status_code == 200
