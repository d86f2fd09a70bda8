"""A web process that is told to stop answers what was sent to it, and ends."""

import asyncio
import os
import signal
import socket
from threading import Event
from typing import Any

import pytest

from core.serving import listener
from core.serving.listener import serve
from core.serving.requests import Request
from tests.core.serving.test_connections import echo

STOP_WITHIN_S = 3.0


async def slowly(scope: Any, receive: Any, send: Any, *, is_stopping: Event) -> None:
    await asyncio.sleep(0.2)
    await Request(scope, receive, send, is_stopping=is_stopping).answer(200, [("Content-Length", "2")], b"ok")


def test_what_is_under_way_and_what_was_just_sent_is_answered_and_idle_connections_are_closed() -> None:
    async def run() -> list[bytes]:
        is_stopping, listening = Event(), socket.create_server(("127.0.0.1", 0))
        place = listening.getsockname()

        async def app(scope: Any, receive: Any, send: Any) -> None:
            await slowly(scope, receive, send, is_stopping=is_stopping)

        serving = asyncio.create_task(serve(app, listening, is_stopping=is_stopping, stop_within_s=STOP_WITHIN_S))
        await asyncio.sleep(0)
        under_way, just_sent, idle = [await asyncio.open_connection(*place) for _ in range(3)]
        under_way[1].write(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        await asyncio.sleep(0.1)
        os.kill(os.getpid(), signal.SIGTERM)
        just_sent[1].write(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        async with asyncio.timeout(STOP_WITHIN_S):
            answers = [await reader.read() for reader, _ in (under_way, just_sent, idle)]
            await serving
        for _, writer in (under_way, just_sent, idle):
            writer.close()
            await writer.wait_closed()
        return answers

    under_way, just_sent, idle = asyncio.run(run())
    for answer in (under_way, just_sent):
        assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
        assert b"connection: close\r\n" in answer
        assert answer.endswith(b"ok")
    assert idle == b""


def test_what_takes_longer_than_a_stop_may_is_left() -> None:
    async def run() -> None:
        is_stopping, listening = Event(), socket.create_server(("127.0.0.1", 0))
        place = listening.getsockname()

        async def never(scope: Any, receive: Any, send: Any) -> None:
            await asyncio.sleep(3_600)

        serving = asyncio.create_task(serve(never, listening, is_stopping=is_stopping, stop_within_s=0.2))
        await asyncio.sleep(0)
        _, writer = await asyncio.open_connection(*place)
        writer.write(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        await asyncio.sleep(0.1)
        os.kill(os.getpid(), signal.SIGTERM)
        async with asyncio.timeout(STOP_WITHIN_S):
            await serving
        writer.transport.abort()
        await asyncio.sleep(0)

    asyncio.run(run())


def test_a_process_whose_parent_was_killed_before_it_served_ends_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "LOOK_EVERY_S", 0.01)

    async def run() -> None:
        listening = socket.create_server(("127.0.0.1", 0))
        async with asyncio.timeout(STOP_WITHIN_S):
            await serve(echo, listening, is_stopping=Event(), stop_within_s=0.1, parent=os.getpid())

    asyncio.run(run())
