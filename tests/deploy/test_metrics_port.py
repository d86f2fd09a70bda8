"""/metrics on a port of its own: the public port has no such page, whoever asks."""

import http.client
import socket
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from prometheus_client.parser import text_string_to_metric_families

from core.observability import listener
from tests.databases import fresh_database
from tests.services import Service, free_port

TOKEN = {"Authorization": "Bearer a-token-for-metrics"}


class Answer:
    def __init__(self, port: int, path: str, headers: dict[str, str]) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request("GET", path, headers=headers)
        reply = connection.getresponse()
        self.status, self.headers, self.text = reply.status, reply.headers, reply.read().decode()
        connection.close()


@pytest.fixture(scope="module")
def ports(server_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, int]]:
    """The public port and the one for metrics, of a service with two processes."""
    with fresh_database(server_url, f"aig_metrics_{uuid4().hex[:8]}") as url:
        yield from _served(url, tmp_path_factory)


def _served(url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, int]]:
    folder: Path = tmp_path_factory.mktemp("metrics")
    inside = free_port()
    service = Service(
        {
            "DATABASE_URL": url,
            "DATA_DIR": str(folder),
            "WEB_WORKERS": "2",
            "METRICS_TOKEN": "a-token-for-metrics",
            "METRICS_PORT": str(inside),
        }
    )
    service.start()
    yield service.port, inside
    service.stop()


def test_the_public_port_has_no_metrics_not_even_for_the_token(ports: tuple[int, int]) -> None:
    public, _ = ports

    answers = [Answer(public, "/metrics", headers) for headers in ({}, TOKEN, {**TOKEN, "X-Forwarded-For": "10.0.0.1"})]

    assert {answer.status for answer in answers} == {404}
    assert all("aig_" not in answer.text for answer in answers)


def test_the_other_port_has_them_for_the_token_from_all_processes(ports: tuple[int, int]) -> None:
    public, inside = ports
    for _ in range(8):
        Answer(public, "/health/ready", {})

    pages = [Answer(inside, "/metrics", TOKEN) for _ in range(6)]

    assert {page.status for page in pages} == {200}
    families = {family.name for family in text_string_to_metric_families(pages[-1].text)}
    assert {"aig_tickets_open", "aig_checks"} <= families
    assert pages[0].headers["Content-Type"].startswith("text/plain; version=")
    assert "Python" not in pages[0].headers.get("Server", "")


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/metrics", {}),
        ("/metrics", {"Authorization": "Bearer guess"}),
        ("/", TOKEN),
        ("/v1/check", TOKEN),
        ("/health/ready", TOKEN),
    ],
    ids=["no token", "a guess", "root", "checks", "health"],
)
def test_there_is_nothing_else_on_it(ports: tuple[int, int], path: str, headers: dict[str, str]) -> None:
    assert Answer(ports[1], path, headers).status == 404


def test_a_caller_that_says_nothing_holds_up_nobody(ports: tuple[int, int]) -> None:
    silent = [socket.create_connection(("127.0.0.1", ports[1])) for _ in range(20)]

    assert Answer(ports[1], "/metrics", TOKEN).status == 200
    for one in silent:
        one.close()


def test_a_port_that_is_taken_stops_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert listener.listen("127.0.0.1", taken.getsockname()[1], lambda _: None) is None
