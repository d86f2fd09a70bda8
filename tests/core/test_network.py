"""Whose address counts, and which pages may read an answer."""

import pytest

from api.v1.endpoint import declared_endpoints
from core.network import CORS_METHODS, came_in_clear, client_address, sender_of
from tests.cast import Caller


@pytest.mark.parametrize(
    ("hops", "forwarded", "address"),
    [
        (0, "203.0.113.9", "10.0.0.1"),
        (1, "", "10.0.0.1"),
        (1, "203.0.113.9", "203.0.113.9"),
        (1, "6.6.6.6, 203.0.113.9", "203.0.113.9"),
        (2, "6.6.6.6, 203.0.113.9, 10.0.0.2", "203.0.113.9"),
        (2, "203.0.113.9", "10.0.0.1"),
    ],
)
def test_only_what_trusted_proxies_wrote_is_believed(hops: int, forwarded: str, address: str) -> None:
    environ = {"REMOTE_ADDR": "10.0.0.1", "HTTP_X_FORWARDED_FOR": forwarded}

    assert client_address(environ, trusted_hops=hops) == address


@pytest.mark.parametrize(
    ("address", "sender"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff:ffff:ffff:ffff", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("unix:", "unix:"),
    ],
)
def test_who_may_choose_among_addresses_is_one_sender(address: str, sender: str) -> None:
    assert sender_of(address) == sender


@pytest.mark.parametrize(
    ("hops", "said", "in_clear"),
    [
        (0, "http", False),
        (1, "", False),
        (1, "https", False),
        (1, "http", True),
        (1, "HTTP", True),
        (1, "http, https", False),
        (1, "https, http", True),
        (2, "https, http", False),
        (2, "http, https", True),
        (2, "http", True),
    ],
)
def test_only_a_trusted_proxy_says_what_the_caller_spoke(hops: int, said: str, in_clear: bool) -> None:
    assert came_in_clear({"HTTP_X_FORWARDED_PROTO": said}, trusted_hops=hops) is in_clear


ORIGIN = "https://app.example.com"
FOREIGN = [
    "null",
    "https://evil.example",
    "https://app.example.com.evil.example",
    "https://evilapp.example.com",
    "https://sub.app.example.com",
    "https://app.example.com:8443",
    "https://app.example.com/",
    "https://APP.example.com",
    "http://app.example.com",
    "https://app.example.com, https://evil.example",
]


@pytest.mark.parametrize("path", ["/v1/check", "/v1/policies", "/health"])
def test_a_listed_origin_may_read_and_another_may_not(as_ada: Caller, path: str) -> None:
    method = "POST" if path == "/v1/check" else "GET"

    listed = as_ada.send(method, path, headers={"Origin": ORIGIN})
    others = [as_ada.send(method, path, headers={"Origin": origin}) for origin in FOREIGN]

    assert listed.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert all("Access-Control-Allow-Origin" not in other.headers for other in others)
    assert "Access-Control-Allow-Credentials" not in listed.headers


@pytest.mark.parametrize("path", ["/v1/check", "/v1/policies/max_risk_score"])
def test_a_preflight_is_answered_with_exact_methods_and_headers(as_nobody: Caller, path: str) -> None:
    asked = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST"}

    answer = as_nobody.send("OPTIONS", path, headers=asked)

    assert answer.status_code == 204
    assert answer.headers["Access-Control-Allow-Methods"] == "GET, POST, PUT, PATCH"
    expected = "Authorization, Content-Type, Idempotency-Key, X-Request-Id"
    assert answer.headers["Access-Control-Allow-Headers"] == expected
    assert answer.headers["Access-Control-Max-Age"] == "3600"


@pytest.mark.parametrize("path", ["/v1/check", "/v1/policies/max_risk_score"])
@pytest.mark.parametrize("origin", FOREIGN)
def test_a_preflight_from_elsewhere_is_told_nothing(as_nobody: Caller, path: str, origin: str) -> None:
    answer = as_nobody.send("OPTIONS", path, headers={"Origin": origin, "Access-Control-Request-Method": "POST"})

    assert not [name for name, _ in answer.headers if name.startswith("Access-Control-")]


def test_a_page_of_another_origin_may_use_every_method_that_the_api_has_and_no_other() -> None:
    assert set(CORS_METHODS.split(", ")) == {endpoint.method for endpoint in declared_endpoints()}
