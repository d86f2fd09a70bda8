"""The way out: nothing private is reached, whatever the address looks like and whatever a name answers."""

import contextlib
import socket
import ssl
from collections.abc import Sequence
from datetime import timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from core.clock import monotonic_s, utc_now
from core.settings import Settings
from portal.notifications import egress as way
from portal.notifications.egress import Egress
from portal.notifications.targets import TargetRefused, is_public, read_target
from tests.portal.notify import http_server, https_server

NAME = "hooks.example.com"
URL = f"https://{NAME}/in?from=us"


@pytest.mark.parametrize(
    "address",
    [
        *("https://127.0.0.1/", "https://10.1.2.3/", "https://169.254.169.254/latest/meta-data", "https://0.0.0.0/"),
        *("https://[::1]/", "https://[::ffff:10.0.0.1]/", "https://[64:ff9b::a00:1]/", "https://[fe80::1%25eth0]/"),
        *("https://0x7f000001/", "https://2130706433/", "https://0177.0.0.1/", "https://127.1/", "https://1.1.1.1/"),
        *("https://127.0.0.1./", "https://hooks.example.com./", "https://localhost/", "https://localhost./"),
        *("https://intranet/", "https://①②⑦.0.0.1/", "https://127。0。0。1/", "https://0x7f.1/"),
        *(
            "https://hooks.example.com@127.0.0.1/",
            "https://user:word@hooks.example.com/",
            "https://@hooks.example.com/",
        ),
        *("https://127.0.0.1\\@hooks.example.com/", "https://hooks.example.com\\.evil.example/"),
        *("http://hooks.example.com/", "ftp://hooks.example.com/", "file:///etc/passwd", "//hooks.example.com/", ""),
        *("http://127.0.0.1:8000/", "http://localhost/", "https://hooks.example.com:22/", "https://a.example:99999/"),
        *("https://hooks.example.com/a b", "https://hooks.example.com/\r\nHost: x", "https://hooks.example.com/ü"),
        *("https://[hooks.example.com/", "https:///in", "https://-bad-.example.com/", "https://a..example.com/"),
        "https://hooks.example.com/" + "a" * 2000,
    ],
)
def test_an_address_that_is_not_plainly_a_public_host_is_refused(address: str) -> None:
    with pytest.raises(TargetRefused):
        read_target(address)


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        ("https://hooks.example.com", "https://hooks.example.com/"),
        ("HTTPS://HOOKS.Example.COM/In?x=1#part", "https://hooks.example.com/In?x=1"),
        ("https://hooks.example.com:443/in", "https://hooks.example.com/in"),
        ("https://hooks.example.com:8443/in", "https://hooks.example.com:8443/in"),
        ("https://bücher.example/in", "https://xn--bcher-kva.example/in"),
    ],
)
def test_an_address_is_kept_in_one_spelling(address: str, kept: str) -> None:
    assert read_target(address).url == kept


def test_what_is_shown_of_an_address_does_not_open_it() -> None:
    target = read_target("https://hooks.slack.com/services/T000/B000/veryverysecret")

    assert target.shown == "https://hooks.slack.com/…cret"


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0"),  # noqa: S104
        *("192.0.0.192", "192.0.2.1", "198.18.0.1", "203.0.113.9", "224.0.0.1", "240.0.0.1", "255.255.255.255"),
        *("168.63.129.16", "192.88.99.1", "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254"),
        *("ff02::1", "::ffff:10.0.0.1", "::ffff:8.8.8.8", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::1"),
        *("2002:7f00:1::1", "2001:0:7f00:1::1", "2001:db8::1", "3fff::1", "5f00::1", "fec0::1", "100::1"),
    ],
)
def test_no_private_address_in_any_disguise_counts_as_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["1.1.1.1", "8.8.8.8", "52.95.110.1", "2606:4700::6810:84e5"])
def test_addresses_of_the_open_internet_are_public(address: str) -> None:
    assert is_public(address)


class Wire:
    """A resolver and a connection that write down what they were asked for."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers)
        self.names: list[str] = []
        self.reached: list[tuple[str, int]] = []

    def resolve(self, name: str, _within_s: float) -> Sequence[str]:
        self.names.append(name)
        return self.answers.pop(0)

    def connect(self, address: tuple[str, int], _within_s: float) -> socket.socket:
        self.reached.append(address)
        raise ConnectionRefusedError(111, "Connection refused")


@pytest.mark.parametrize(
    "answer", [["10.0.0.1"], ["127.0.0.1"], ["8.8.8.8", "10.0.0.1"], ["::1"], ["::ffff:127.0.0.1"]]
)
def test_a_name_that_leads_to_a_private_address_is_not_connected_to(answer: list[str]) -> None:
    wire = Wire(answer)

    given = Egress(resolve=wire.resolve, connect=wire.connect).post(URL, b"{}", {}, now=utc_now())

    assert wire.reached == []
    assert given.problem is not None
    assert "private address" in given.problem


def test_a_name_that_changes_its_answer_is_reached_where_it_was_checked() -> None:
    wire = Wire(["8.8.8.8"], ["127.0.0.1"])

    Egress(resolve=wire.resolve, connect=wire.connect).post(URL, b"{}", {}, now=utc_now())

    assert wire.names == [NAME]
    assert wire.reached == [("8.8.8.8", 443)]


def test_the_next_address_is_tried_where_one_does_not_answer() -> None:
    wire = Wire(["2606:4700::1", "8.8.8.8", "1.1.1.1"])

    given = Egress(resolve=wire.resolve, connect=wire.connect).post(URL, b"{}", {}, now=utc_now())

    assert [address for address, _ in wire.reached] == ["8.8.8.8", "1.1.1.1", "2606:4700::1"]
    assert given.problem == "Connection refused"


def egress_to(port: int, trust: ssl.SSLContext, **options: Any) -> Egress:
    """As in production, but that a name of the open internet is a server of this test."""
    return Egress(
        resolve=lambda _name, _within_s: ["8.8.8.8"],
        connect=lambda _address, within_s: socket.create_connection(("127.0.0.1", port), within_s),
        make_trust=lambda: trust,
        **options,
    )


def answer_with(status: int, body: bytes = b"", **headers: str) -> Any:
    def behave(request: BaseHTTPRequestHandler) -> None:
        length = int(request.headers["Content-Length"])
        taken.append((request.path, dict(request.headers), request.rfile.read(length)))
        request.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            request.send_header(name.replace("_", "-"), value)
        request.end_headers()
        request.wfile.write(body)

    taken: list[tuple[str, dict[str, str], bytes]] = []
    behave.taken = taken  # type: ignore[attr-defined]
    return behave


def test_a_request_reaches_its_receiver_over_https_with_the_name_it_was_meant_for(tmp_path: Path) -> None:
    behave = answer_with(202, b"thanks")
    with https_server(tmp_path, NAME, behave) as (port, trust):
        given = egress_to(port, trust).post(URL, b'{"a": 1}', {"webhook-id": "evt_1"}, now=utc_now())

    path, headers, body = behave.taken[0]
    assert (given.status, given.text, given.problem, given.is_success) == (202, "thanks", None, True)
    assert (path, body, headers["Host"], headers["webhook-id"]) == ("/in?from=us", b'{"a": 1}', NAME, "evt_1")


def test_a_certificate_for_another_name_is_refused(tmp_path: Path) -> None:
    behave = answer_with(200)
    with https_server(tmp_path, "other.example.com", behave) as (port, trust):
        given = egress_to(port, trust).post(URL, b"{}", {}, now=utc_now())

    assert behave.taken == []
    assert given.problem is not None
    assert "certificate is not valid" in given.problem


def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    behave = answer_with(200)
    with https_server(tmp_path, NAME, behave) as (port, _):
        given = egress_to(port, ssl.create_default_context()).post(URL, b"{}", {}, now=utc_now())

    assert behave.taken == []
    assert given.status is None


def test_a_redirect_is_not_followed(tmp_path: Path) -> None:
    behave = answer_with(307, Location="https://169.254.169.254/latest/meta-data")
    with https_server(tmp_path, NAME, behave) as (port, trust):
        given = egress_to(port, trust).post(URL, b"{}", {}, now=utc_now())

    assert (given.status, given.is_success, len(behave.taken)) == (307, False, 1)


def test_of_a_long_answer_little_is_kept_and_no_control_character(tmp_path: Path) -> None:
    behave = answer_with(500, b"\x1b[31m\x00" + b"x" * 1_000_000)
    with https_server(tmp_path, NAME, behave) as (port, trust):
        given = egress_to(port, trust).post(URL, b"{}", {}, now=utc_now())

    assert given.status == 500
    assert len(given.text) == 500
    assert given.text.isprintable()


def drip(request: BaseHTTPRequestHandler) -> None:
    """A status, then a header that never ends."""
    with contextlib.suppress(OSError):
        request.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        for _ in range(600):
            request.wfile.write(b"x")
            request.connection.settimeout(0.05)
            with contextlib.suppress(TimeoutError, ssl.SSLWantReadError):
                request.connection.recv(1)


def test_a_receiver_that_sends_byte_by_byte_is_cut_off(tmp_path: Path) -> None:
    started = monotonic_s()
    with https_server(tmp_path, NAME, drip) as (port, trust):
        egress_to(port, trust, within_s=0.4).post(URL, b"{}", {}, now=utc_now())

    assert monotonic_s() - started < 5


def test_a_receiver_that_says_nothing_is_given_up_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]

        given = egress_to(port, ssl.create_default_context(), within_s=0.2).post(URL, b"{}", {}, now=utc_now())

    assert given.problem == "No response within 0.2 seconds."


def test_a_resolver_that_does_not_answer_in_time_is_a_failure_like_any_other() -> None:
    def resolve(name: str, within_s: float) -> list[str]:
        raise OSError(f"The host {name} could not be resolved.")

    given = Egress(resolve=resolve).post(URL, b"{}", {}, now=utc_now())

    assert given.problem == "The host hooks.example.com could not be resolved."


def test_what_is_no_name_for_name_servers_is_a_failure_like_any_other() -> None:
    with pytest.raises(OSError, match="could not be resolved"):
        way.resolve_by_dns("a..example", 0.1)


@pytest.mark.parametrize(
    ("header", "wait"),
    [("120", timedelta(seconds=120)), ("soon", None), ("99999999999999999", None), ("-5", None)],
)
def test_retry_after_is_read_with_care(header: str, wait: timedelta | None) -> None:
    assert way._read_wait(header, now=utc_now()) == wait


def test_a_trial_may_speak_to_its_own_machine_in_clear() -> None:
    behave = answer_with(200, b"ok")
    with http_server(behave) as port:
        given = Egress(allows_this_machine=True).post(f"http://127.0.0.1:{port}/", b"{}", {}, now=utc_now())

    assert given.status == 200


@pytest.mark.parametrize(
    "settings",
    [
        Settings(public_url="https://governance.example"),
        Settings(public_url="http://governance.example"),
    ],
)
def test_a_service_with_a_public_address_may_not(settings: Settings) -> None:
    app = Flask(__name__)

    way.init_app(app, settings)

    assert not app.extensions[way.EXTENSION].allows_this_machine
