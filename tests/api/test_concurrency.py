"""How many checks an organization has under way at once in a process, and whose turn its keys take."""

import asyncio
import json
from collections.abc import Sequence
from threading import Event
from types import SimpleNamespace
from typing import Any
from uuid import NAMESPACE_DNS, uuid5

import pytest

from api.snapshots.read_through_cache import NotInMemory
from api.v1.check_calls import Call
from api.v1.check_middleware import CheckHandler
from api.v1.turns import organization_by_key
from core.serving import Answer, Busy, ConcurrencyLimit, FlaskHandler, Pool, WebServer
from core.settings import Settings
from core.tokens import digest_of
from tests.core.serving.test_downloads import HOST, Sent
from tests.core.serving.test_requests import pieces, scope

SETTINGS = Settings(checks_at_once=3)
JSON = [*HOST, (b"content-type", b"application/json"), (b"content-length", b"2")]


class SlowPath:
    """Knows each caller's organization by its header; answers when told to."""

    def __init__(self) -> None:
        self.go = Event()

    def admit(self, call: Call, _keyring: Any = None) -> bool:
        organization = SimpleNamespace(id=uuid5(NAMESPACE_DNS, call.environ["HTTP_AUTHORIZATION"]), policy=None)
        call.caller = SimpleNamespace(organization=organization)  # type: ignore[assignment]
        return True

    def answer_alone(self, call: Call) -> Answer:
        self.go.wait(10)
        return self.answer(call)

    async def answer_soon(self, calls: Sequence[Call]) -> list[Answer]:
        return [self.answer(call) for call in calls]

    answer_keyed_soon = answer_soon

    def answer(self, call: Call) -> Answer:
        code = call.refusal.code if call.refusal else "ok"
        return call.status, [*(call.refusal.headers if call.refusal else ())], json.dumps(code).encode()


def server_on(path: SlowPath) -> WebServer:
    room = SimpleNamespace(settings=SETTINGS, snapshots=SimpleNamespace(in_memory=None), reader=None)
    handler = CheckHandler(path, room, None)  # type: ignore[arg-type]
    return WebServer(handler, {"/v1/check": handler}, SETTINGS, is_stopping=Event())


async def check(server: WebServer, organization: str) -> Sent:
    sent = Sent()
    headers = [*JSON, (b"authorization", organization.encode())]
    await server(scope(path="/v1/check", headers=headers), pieces(b"{}"), sent)
    return sent


def test_what_comes_beyond_the_organizations_places_is_refused_at_once_and_nobody_elses() -> None:
    path = SlowPath()

    async def scene() -> tuple[list[Sent], list[Sent]]:
        server = server_on(path)
        mine = [asyncio.create_task(check(server, "mine")) for _ in range(5)]
        others = asyncio.create_task(check(server, "other"))
        await asyncio.sleep(0.05)
        early = [task.result() for task in mine if task.done()]
        path.go.set()
        done = [*await asyncio.gather(*mine, others), await check(server, "mine")]
        return early, done

    early, done = asyncio.run(scene())

    assert [(sent.status, json.loads(sent.body)) for sent in early] == [(429, "organization_busy")] * 2
    assert [sent.status for sent in done] == [200, 200, 200, 429, 429, 200, 200]
    assert (b"retry-after", b"1") in [(name.lower(), value) for name, value in early[0].messages[0]["headers"]]


def test_a_place_is_free_again_however_its_request_ended() -> None:
    limit = ConcurrencyLimit(1)
    with pytest.raises(RuntimeError), limit.place("a"):
        raise RuntimeError

    with limit.place("a") as first, limit.place("a") as second, limit.place("b") as of_another:
        assert (first, second, of_another) == (True, False, True)


def test_all_keys_of_an_organization_take_one_turn() -> None:
    known = {digest_of("one"): "acme", digest_of("two"): "acme"}

    def key(digest: bytes) -> SimpleNamespace:
        if digest not in known:
            raise NotInMemory
        return SimpleNamespace(organization_id=known[digest])

    snapshots = SimpleNamespace(in_memory=SimpleNamespace(key=key))
    handler = FlaskHandler(
        lambda *_: [],
        SETTINGS,
        session_cookie="aig",
        organization_of=organization_by_key(snapshots),  # type: ignore[arg-type]
    )

    def caller_of(authorization: str) -> Any:
        request = SimpleNamespace(environ={"HTTP_AUTHORIZATION": authorization}, address="192.0.2.1")
        return handler._caller_of(request)  # type: ignore[arg-type]

    assert [caller_of(f"Bearer {secret}") for secret in ("one", "two")] == ["acme", "acme"]
    assert [caller_of(f"Bearer {secret}") for secret in ("unknown", "invented")] == ["192.0.2.1"] * 2


def test_one_caller_alone_does_not_fill_the_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.serving.pools.MOST_WAITING_OF_ONE", 3)
    gate = Event()

    async def scene() -> tuple[list[Any], str]:
        pool = Pool("test", 1)
        greedy = [asyncio.create_task(pool.run("greedy", gate.wait, 5)) for _ in range(6)]
        await asyncio.sleep(0.01)
        modest = asyncio.create_task(pool.run("modest", lambda: "served"))
        await asyncio.sleep(0.01)
        gate.set()
        return await asyncio.gather(*greedy, return_exceptions=True), await modest

    results, modest = asyncio.run(scene())

    assert [isinstance(result, Busy) for result in results] == [False] * 4 + [True] * 2
    assert modest == "served"
