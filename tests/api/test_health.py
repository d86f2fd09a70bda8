"""Health, readiness and metrics."""

import asyncio
import re
from threading import Event

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from api import readiness
from api.limits.shared import SharedLimiter
from api.readiness import ReadinessProbe
from api.runtime import Runtime
from api.v1.health import answer_live
from core.clock import monotonic_s
from core.serving import WebServer
from core.settings import Settings
from tests.cast import Caller
from tests.core.serving.test_downloads import Sent
from tests.core.serving.test_requests import pieces, scope

TOKEN = {"Authorization": "Bearer a-token-for-metrics"}


@pytest.mark.parametrize("path", ["/health", "/health/live"])
def test_health_is_open_and_says_ok(as_nobody: Caller, path: str) -> None:
    answer = as_nobody.get(path)

    assert (answer.status_code, answer.json) == (200, {"status": "ok"})


@pytest.mark.parametrize(
    ("method", "status", "body"),
    [("GET", 200, b'{"status":"ok"}'), ("HEAD", 200, b""), ("OPTIONS", 200, b""), ("PUT", 405, None)],
)
def test_health_on_the_event_loop_answers_every_method_that_it_allows(
    method: str, status: int, body: bytes | None
) -> None:
    sent = Sent()
    server = WebServer(answer_live, {"/health": answer_live}, Settings(), is_stopping=Event())
    head = scope(path="/health", method=method, headers=[(b"host", b"localhost")])
    asyncio.run(server(head, pieces(b""), sent))

    assert sent.status == status
    assert body is None or sent.body == body
    assert (b"allow", b"GET, HEAD, OPTIONS") in [(n.lower(), v) for n, v in sent.messages[0]["headers"]]


def test_ready_when_everything_a_check_needs_works(as_nobody: Caller) -> None:
    answer = as_nobody.get("/health/ready")

    assert answer.status_code == 200
    assert answer.json["components"] == {"database": "ok", "migrations": "ok", "decision_writer": "ok"}


def test_not_ready_without_a_database(as_nobody: Caller, room: Runtime) -> None:
    room.probe = ReadinessProbe("postgresql://secret-user@127.0.0.1:9/none")

    answer = as_nobody.get("/health/ready")

    assert answer.status_code == 503
    assert answer.json["components"] == {"database": "failing", "migrations": "failing", "decision_writer": "ok"}
    assert "secret-user" not in answer.text


def test_ready_is_said_within_200_ms_and_the_database_is_asked_once_a_second(
    as_nobody: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    as_nobody.get("/health/ready")  # the first reads the migrations' folder
    monkeypatch.setattr(readiness, "BELIEVED_FOR_S", 0)
    asked: list[float] = []

    for _ in range(5):
        began_s = monotonic_s()
        assert as_nobody.get("/health/ready").status_code == 200
        asked.append(monotonic_s() - began_s)
    monkeypatch.setattr(readiness, "BELIEVED_FOR_S", 3_600)
    monkeypatch.setattr(ReadinessProbe, "_ask", lambda _: pytest.fail("the database was asked again"))

    assert min(asked) < 0.2
    assert as_nobody.get("/health/ready").status_code == 200


def test_not_ready_without_its_redis(as_nobody: Caller, room: Runtime) -> None:
    room.shared_limiter = SharedLimiter("unix:///nowhere")

    answer = as_nobody.get("/health/ready")

    assert (answer.status_code, answer.json["components"]["redis"]) == (503, "failing")


def test_not_ready_when_the_spool_has_no_place(
    as_nobody: Caller, room: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room.spool, "is_writable", lambda: False)

    assert as_nobody.get("/health/ready").json["components"]["decision_writer"] == "failing"


@pytest.mark.parametrize(("version", "expected"), [("0001", "failing"), ("9999_a_release_to_come", "ok")])
def test_a_schema_older_than_the_code_is_not_ready_and_a_newer_one_is(
    as_nobody: Caller, room: Runtime, monkeypatch: pytest.MonkeyPatch, version: str, expected: str
) -> None:
    monkeypatch.setattr(room.probe, "migrated_to", lambda: version)

    answer = as_nobody.get("/health/ready")

    assert answer.json["components"]["migrations"] == expected
    assert answer.status_code == (200 if expected == "ok" else 503)


def test_not_ready_with_a_database_that_takes_no_writes(as_nobody: Caller, room: Runtime, migrated_url: str) -> None:
    room.probe = ReadinessProbe(make_conninfo(migrated_url, options="-c default_transaction_read_only=on"))

    answer = as_nobody.get("/health/ready")

    assert (answer.status_code, answer.json["components"]["database"]) == (503, "failing")


def test_not_ready_while_the_database_answers_and_keeps_nothing(
    as_ada: Caller, as_nobody: Caller, room: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    sink = room.recorder._sink
    with monkeypatch.context() as full:
        full.setattr(sink, "write", _disk_full)
        assert as_ada.check().status_code == 200  # in the spool
        while_full = as_nobody.get("/health/ready")
    room.recorder._database_away_until_s = 0
    as_ada.check()

    assert (while_full.status_code, while_full.json["components"]["database"]) == (503, "failing")
    assert as_nobody.get("/health/ready").json["components"]["database"] == "ok"


def _disk_full(_rows: object) -> None:
    raise psycopg.errors.DiskFull


def test_metrics_do_not_exist_for_those_without_the_token(as_nobody: Caller, as_ada: Caller) -> None:
    assert as_nobody.get("/metrics").status_code == 404
    assert as_nobody.get("/metrics", headers={"Authorization": "Bearer guess"}).status_code == 404
    assert as_ada.get("/metrics").status_code == 404


def test_metrics_tell_of_checks_and_of_nobody(as_ada: Caller, as_nobody: Caller) -> None:
    as_ada.check()
    as_ada.post("/v1/check", b"{")

    page = as_nobody.get("/metrics", headers=TOKEN).text

    assert 'aig_checks_total{environment="live",outcome="allowed"}' in page
    assert 'aig_refusals_total{code="invalid_json"}' in page
    assert 'http_server_request_duration_seconds_bucket{le="0.2",method="POST",route="/v1/check",status="200"}' in page
    assert not re.search(r"ada-and-co|key_[0-9a-f]{32}|aig_live", page)


def test_security_headers_are_on_every_answer(as_ada: Caller) -> None:
    for answer in (as_ada.check(), as_ada.get("/v1/keys"), as_ada.get("/docs"), as_ada.get("/nowhere")):
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Strict-Transport-Security"].startswith("max-age=63072000")
        assert answer.headers["X-Request-Id"].startswith("req_")
    policy = as_ada.get("/docs").headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy


def test_an_invented_method_is_not_repeated_in_metrics(as_nobody: Caller) -> None:
    as_nobody.send("CANARYMETHOD", "/nowhere")

    assert "CANARYMETHOD" not in as_nobody.get("/metrics", headers=TOKEN).text
