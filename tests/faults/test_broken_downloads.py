"""A download whose database connection ends midway: the connection to the caller breaks, and nothing looks whole."""

import http.client
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import psycopg
import pytest

from tests.cast import Member
from tests.services import Service

pytestmark = pytest.mark.faults

ROWS = 150_000


def fill_log(url: str, member: Member) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("SELECT ensure_decision_partition((now() AT TIME ZONE 'UTC')::date)")
        connection.execute(
            "INSERT INTO decision SELECT gen_random_uuid(), now(), %s, %s, 'live', 'm', 'chat', '{}', NULL, 0, true, "
            "'ok', '[]', 1, 1, 'r' FROM generate_series(1, %s)",
            [member.organization_id, member.organization_id, ROWS],
        )


def end_every_session(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


@contextmanager
def export_of(service: Service, member: Member, form: str) -> Iterator[http.client.HTTPResponse]:
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=30)
    headers = {"Authorization": f"Bearer {member.secret}"}
    with closing(connection):
        connection.request("GET", f"/v1/decisions/export?format={form}", headers=headers)
        with closing(connection.getresponse()) as answer:
            yield answer


@pytest.mark.parametrize("form", ["ndjson", "csv"])
def test_an_export_whose_database_connection_ends_breaks_off_visibly(
    url: str, member: Member, service_with: Any, form: str
) -> None:
    fill_log(url, member)
    service = service_with(WEB_WORKERS="1")
    with export_of(service, member, form) as answer:
        received = answer.read(10_000)
        end_every_session(url)

        with pytest.raises((http.client.IncompleteRead, ConnectionError)) as broken:
            answer.read()

    rest = broken.value.partial if isinstance(broken.value, http.client.IncompleteRead) else b""
    assert received
    assert b"complete" not in received + rest


def test_an_export_that_is_whole_says_so(url: str, member: Member, service_with: Any) -> None:
    fill_log(url, member)
    service = service_with(WEB_WORKERS="1")
    with export_of(service, member, "ndjson") as answer:
        last = answer.read().splitlines()[-1]

    assert f'"complete":true,"records":{ROWS}'.encode() in last
