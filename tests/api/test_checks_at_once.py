"""Plain checks that are taken on without a task: the same answers as the long way gives, and a place given back."""

import asyncio
import json
from collections.abc import Sequence
from threading import Event
from typing import Any

import pytest
from flask import Flask

from api.runtime import Runtime
from api.snapshots.feed import Feed
from api.v1.check_calls import Call
from api.v1.check_middleware import CheckHandler
from api.v1.check_path import CHECK_PATH, CheckPath
from core.errors import InvalidRequest
from core.serving import Answer, WebServer
from core.serving.exchange import Exchange
from tests.cast import Caller, Member
from tests.core.serving.test_downloads import HOST, Sent
from tests.core.serving.test_requests import pieces, scope

PLAIN = {"model": "gpt-4o", "operation": "chat", "metadata": {"department": "hr", "contains_personal_data": True}}
OWN_EVERY_TIME = ("decision_id", "request_id", "decided_at")


@pytest.fixture(autouse=True)
def heard_feed(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is in memory counts as current, as while the change feed is heard."""
    monkeypatch.setattr(Feed, "epoch", 1)


class Line:
    """A connection that keeps what is written."""

    is_lost = False

    def __init__(self) -> None:
        self.written = b""
        self.has_ended = asyncio.Event()

    def write(self, data: bytes) -> None:
        self.written += data

    def ended(self) -> None:
        self.has_ended.set()


def asked(as_ada: Caller, body: bytes, **others: str) -> dict[str, Any]:
    """The scope of a check, with other headers in place of the usual ones."""
    named = {"content_type": "application/json", "authorization": as_ada.authorization, **others}
    pairs = [(name.replace("_", "-").encode(), value.encode()) for name, value in named.items() if value]
    headers = [*HOST, *pairs, (b"content-length", str(len(body)).encode())]
    return scope(path=CHECK_PATH, query_string=b"", headers=headers)


def server_of(room: Runtime, path: CheckPath | None = None) -> WebServer:
    checks = CheckHandler(path or CheckPath(room), room, None)  # type: ignore[arg-type]
    return WebServer(
        checks, {CHECK_PATH: checks}, room.settings, is_stopping=Event(), at_once={CHECK_PATH: checks.take}
    )


async def at_once(server: WebServer, given: Any, body: bytes) -> bytes | None:
    """What is written to the caller; None where it goes the long way."""
    line = Line()
    exchange = Exchange(line, given, keep_alive=True, expects_continue=False)  # type: ignore[arg-type]
    exchange.take(body)
    if not server.at_once(exchange):
        return None
    async with asyncio.timeout(5):
        await line.has_ended.wait()
    return line.written


def test_a_plain_check_has_the_answer_and_the_headers_of_the_long_way(room: Runtime, as_ada: Caller) -> None:
    as_ada.check()  # its key is in memory now
    body = json.dumps(PLAIN).encode()
    given = asked(as_ada, body)

    async def both() -> tuple[bytes | None, Sent]:
        server, sent = server_of(room), Sent()
        quick = await at_once(server, given, body)
        await server(given, pieces(body), sent)
        return quick, sent

    quick, sent = asyncio.run(both())
    assert quick is not None
    lines, _, quick_body = quick.partition(b"\r\n\r\n")
    headers = dict(line.split(b": ", 1) for line in lines.split(b"\r\n")[1:])
    assert lines.startswith(b"HTTP/1.1 200 OK\r\n")
    assert {name for name, _ in sent.messages[0]["headers"]} == headers.keys() - {b"date"}
    quickly, slowly = json.loads(quick_body), json.loads(sent.body)
    assert quickly.keys() == slowly.keys()
    assert [quickly[name] for name in quickly if name not in OWN_EVERY_TIME] == [
        slowly[name] for name in slowly if name not in OWN_EVERY_TIME
    ]
    assert as_ada.get(f"/v1/decisions/{quickly['decision_id']}").status_code == 200


@pytest.mark.parametrize(
    ("changes", "body"),
    [
        ({"authorization": ""}, PLAIN),
        ({"authorization": "Bearer aig_live_nobodys"}, PLAIN),
        ({"content_type": "text/plain"}, PLAIN),
        ({"content_encoding": "gzip"}, PLAIN),
        ({"idempotency_key": "order-4711"}, PLAIN),
        ({}, {**PLAIN, "prompt": "Write me a letter"}),
        ({}, {**PLAIN, "metadata": {"departement": "hr"}}),
        ({}, {**PLAIN, "model": "x" * 20_000}),
        ({}, []),
    ],
)
def test_what_is_not_plainly_well_goes_the_long_way_and_leaves_nothing(
    room: Runtime, as_ada: Caller, changes: dict[str, str], body: Any
) -> None:
    as_ada.check()
    raw = json.dumps(body).encode()
    given = asked(as_ada, raw, **changes)
    before = len(as_ada.get("/v1/decisions").json["decisions"])

    assert asyncio.run(at_once(server_of(room), given, raw)) is None
    assert len(as_ada.get("/v1/decisions").json["decisions"]) == before


@pytest.mark.parametrize("changes", [{"method": "OPTIONS"}, {"query_string": b"include=fixes"}])
def test_what_asks_for_more_than_a_check_goes_the_long_way(
    room: Runtime, as_ada: Caller, changes: dict[str, Any]
) -> None:
    as_ada.check()
    body = json.dumps(PLAIN).encode()
    given = {**asked(as_ada, body), **changes}

    assert asyncio.run(at_once(server_of(room), given, body)) is None


def test_a_key_that_memory_does_not_know_goes_the_long_way(room: Runtime, as_ada: Caller) -> None:
    body = json.dumps(PLAIN).encode()

    assert asyncio.run(at_once(server_of(room), asked(as_ada, body), body)) is None


class Failing(CheckPath):
    error: Exception = RuntimeError("by itself")

    async def answer_soon(self, calls: Sequence[Call]) -> list[Answer]:  # noqa: ARG002  all of them fail
        raise self.error


@pytest.mark.parametrize(("error", "status"), [(RuntimeError("by itself"), 500), (InvalidRequest(), 422)])
def test_what_fails_is_told_and_its_place_is_free_again(
    room: Runtime, as_ada: Caller, error: Exception, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    as_ada.check()
    monkeypatch.setattr(Failing, "error", error)
    body = json.dumps(PLAIN).encode()
    given = asked(as_ada, body)

    async def more_often_than_there_are_places() -> set[bytes]:
        server = server_of(room, Failing(room))
        written = [await at_once(server, given, body) for _ in range(room.settings.checks_at_once + 1)]
        return {(one or b"").split(b" ")[1] for one in written}

    assert asyncio.run(more_often_than_there_are_places()) == {str(status).encode()}


def test_an_organization_whose_places_are_taken_goes_the_long_way_to_its_refusal(
    app: Flask, room: Runtime, ada: Member, as_ada: Caller
) -> None:
    as_ada.check()
    body = json.dumps(PLAIN).encode()
    given = asked(as_ada, body)

    async def scene() -> tuple[list[bool], int]:
        server, lines = server_of(room), [Line() for _ in range(room.settings.checks_at_once + 1)]
        taken = []
        for line in lines:
            exchange = Exchange(line, given, keep_alive=True, expects_continue=False)  # type: ignore[arg-type]
            exchange.take(body)
            taken.append(server.at_once(exchange))
        sent = Sent()
        await server(given, pieces(body), sent)
        for line, was_taken in zip(lines, taken, strict=True):
            if was_taken:
                await line.has_ended.wait()
        return taken, sent.status

    taken, refused = asyncio.run(scene())
    assert taken == [True] * room.settings.checks_at_once + [False]
    assert refused == 429
