"""How many checks an organization has under way at once in a process."""

import asyncio
import json
from collections.abc import Sequence
from threading import Event
from types import SimpleNamespace
from typing import Any

import pytest

from api.check_middleware import CheckHandler
from api.checks.calls import Call
from core.serving import Answer, ConcurrencyLimit, WebServer
from core.settings import Settings
from tests.core.serving.test_downloads import HOST, Sent
from tests.core.serving.test_requests import pieces, scope

SETTINGS = Settings(checks_at_once=3)
JSON = [*HOST, (b"content-type", b"application/json"), (b"content-length", b"2")]


class SlowPath:
    """Knows each caller's organization by its header; answers when told to."""

    def __init__(self) -> None:
        self.go = Event()

    def admit(self, call: Call, _keyring: Any = None) -> bool:
        organization = SimpleNamespace(id=call.environ["HTTP_AUTHORIZATION"])
        call.caller = SimpleNamespace(organization=organization)  # type: ignore[assignment]
        return True

    def answer_all(self, calls: Sequence[Call]) -> list[Answer]:
        self.go.wait(10)
        return [self.answer(call) for call in calls]

    def answer(self, call: Call) -> Answer:
        code = call.refusal.code if call.refusal else "ok"
        return call.status, [*(call.refusal.headers if call.refusal else ())], json.dumps(code).encode()


def server_on(path: SlowPath) -> WebServer:
    room = SimpleNamespace(settings=SETTINGS, snapshots=SimpleNamespace(in_memory=None))
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
