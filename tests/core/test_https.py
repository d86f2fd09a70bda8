"""With an https address nothing is served in clear: pages lead on, the API says no aloud."""

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask

from core.db import db
from core.settings import Settings
from wsgi import create_app

PUBLIC = "https://governance.acme-pilot.eu"
MACHINES = [
    ("POST", "/v1/check"),
    ("POST", "/v1/checks"),
    ("POST", "/api/evaluate"),
    ("GET", "/v1/policies"),
    ("OPTIONS", "/v1/check"),
    ("POST", "/webhooks/stripe"),
    ("GET", "/metrics"),
    ("GET", "/openapi.json"),
]
PAGES = ["/", "/log-in", "/docs", "/static/nothing.css", "/no-such-page"]


@pytest.fixture(scope="module")
def apps(migrated_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Makes apps with an https address, behind so many proxies."""
    made: list[Flask] = []

    def behind(hops: int) -> Flask:
        data = str(tmp_path_factory.mktemp("data"))
        settings = Settings(database_url=migrated_url, data_dir=data, public_url=PUBLIC, trusted_proxy_hops=hops)
        made.append(create_app(settings))
        return made[-1]

    yield behind
    for app in made:
        with app.app_context():
            db.engine.dispose()


@pytest.fixture(scope="module")
def behind_one(apps: Any) -> Flask:
    return apps(1)  # type: ignore[no-any-return]


def ask(app: Flask, method: str, path: str, *, proto: str, **options: Any) -> Any:
    return app.test_client().open(path, method=method, headers={"X-Forwarded-Proto": proto}, **options)


@pytest.mark.parametrize(("method", "path"), MACHINES)
def test_a_machine_in_clear_is_refused_and_never_led_on(behind_one: Flask, method: str, path: str) -> None:
    answer = ask(behind_one, method, path, proto="http")

    assert answer.status_code == 403
    assert answer.json["code"] == "https_required"
    assert "rotate the key" in answer.json["detail"]
    assert "Location" not in answer.headers
    assert "max-age=63072000" in answer.headers["Strict-Transport-Security"]


@pytest.mark.parametrize("path", PAGES)
def test_a_page_in_clear_leads_to_https(behind_one: Flask, path: str) -> None:
    answer = ask(behind_one, "GET", path, proto="http")

    assert (answer.status_code, answer.headers["Location"]) == (308, f"{PUBLIC}{path}")
    assert "Strict-Transport-Security" in answer.headers


def test_the_way_on_keeps_the_path_and_the_query_and_goes_to_our_own_host(behind_one: Flask) -> None:
    answer = behind_one.test_client().get(
        "/d%C3%A9cisions/a%20b%0d%0aSet-Cookie:x?q=a%20b&next=%2Fplan",
        headers={"X-Forwarded-Proto": "http", "Host": "localhost"},
    )

    assert answer.headers["Location"] == f"{PUBLIC}/d%C3%A9cisions/a%20b%0D%0ASet-Cookie%3Ax?q=a%20b&next=%2Fplan"


@pytest.mark.parametrize("path", ["/health", "/health/live", "/health/ready"])
def test_health_is_told_in_clear_too(behind_one: Flask, path: str) -> None:
    answer = ask(behind_one, "GET", path, proto="http")

    assert answer.status_code == 200


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/log-in", 200), ("POST", "/v1/check", 401)])
def test_over_https_everything_is_served(behind_one: Flask, method: str, path: str, status: int) -> None:
    assert ask(behind_one, method, path, proto="https").status_code == status


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/log-in", 200), ("POST", "/v1/check", 401)])
def test_without_a_trusted_proxy_nobody_is_believed(apps: Any, method: str, path: str, status: int) -> None:
    assert ask(apps(0), method, path, proto="http").status_code == status


def test_the_cookie_of_a_session_is_of_this_host_goes_over_https_alone_and_no_script_reads_it(
    behind_one: Flask,
) -> None:
    (cookie,) = ask(behind_one, "GET", "/log-in", proto="https").headers.getlist("Set-Cookie")
    name, *attributes = cookie.split("; ")

    assert name.startswith("__Host-aig=")
    assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= set(attributes)
    assert not [one for one in attributes if one.startswith("Domain")]
