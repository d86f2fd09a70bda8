"""Who sends or reads slowly holds up nobody, directly and through the proxy."""

from collections.abc import Iterator

import pytest

from core.clock import monotonic_s
from tests.cast import Member
from tests.faults.crowding.callers import slow_readers, slow_senders
from tests.faults.crowding.scene import SLOW, a_long_log, assert_others_are_served, read_all
from tests.faults.proxy import proxy_before
from tests.services import Service

pytestmark = pytest.mark.faults


@pytest.mark.parametrize("path", ["/log-in", "/theme", "/webhooks/stripe", "/v1/keys"])
def test_anonymous_callers_who_send_slowly_hold_up_nobody(service: Service, member: Member, path: str) -> None:
    with slow_senders(service.port, path, count=SLOW):
        assert_others_are_served(service, member)


@pytest.mark.parametrize("path", ["/v1/check", "/v1/checks"])
def test_a_known_caller_who_sends_slowly_holds_up_nobody(
    service: Service, member: Member, noisy: Member, path: str
) -> None:
    authorization = f"Authorization: Bearer {noisy.secret}\r\n"
    with slow_senders(service.port, path, count=SLOW, authorization=authorization):
        assert_others_are_served(service, member)


@pytest.fixture(scope="module")
def proxy_port(service: Service, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with proxy_before(service.port, tmp_path_factory.mktemp("proxy")) as port:
        yield port


@pytest.mark.parametrize("path", ["/log-in", "/v1/check"])
def test_who_sends_slowly_through_the_proxy_holds_up_nobody(
    proxy_port: int, member: Member, noisy: Member, path: str
) -> None:
    authorization = f"Authorization: Bearer {noisy.secret}\r\n"
    with slow_senders(proxy_port, path, count=SLOW, authorization=authorization):
        assert_others_are_served(proxy_port, member)


def test_who_reads_an_export_slowly_through_the_proxy_holds_up_nobody(
    proxy_port: int, url: str, member: Member, noisy: Member
) -> None:
    a_long_log(url, noisy)
    authorization = f"Authorization: Bearer {noisy.secret}\r\n"
    with slow_readers(proxy_port, "/v1/decisions/export?format=ndjson", count=20, authorization=authorization):
        assert_others_are_served(proxy_port, member)


def test_who_sends_too_slowly_is_told_and_the_connection_is_closed(service: Service) -> None:
    with slow_senders(service.port, "/log-in", count=1) as (connection,):
        began_s = monotonic_s()
        answer = read_all(connection)
        took_s = monotonic_s() - began_s

    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"connection: close" in answer
    assert took_s < 12


def test_readers_of_an_export_who_do_not_read_hold_up_nobody(
    service: Service, url: str, member: Member, noisy: Member
) -> None:
    a_long_log(url, noisy)
    authorization = f"Authorization: Bearer {noisy.secret}\r\n"
    path = "/v1/decisions/export?format=ndjson"
    with slow_readers(service.port, path, count=20, authorization=authorization):
        assert_others_are_served(service, member)
