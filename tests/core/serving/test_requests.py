"""A request on the loop: its head, its body within bounds, its answer."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from threading import Event
from typing import Any

import pytest

from core.serving import Busy, requests
from core.serving.requests import ClientLeft, Request, TooSlow, environ_of

Receive = Callable[[], Awaitable[Any]]


def scope(**changes: Any) -> dict[str, Any]:
    return {
        "type": "http",
        "http_version": "1.1",
        "method": "POST",
        "path": "/a/b",
        "query_string": b"x=1&y=%20",
        "headers": [(b"content-type", b"application/json"), (b"content-length", b"10")],
        "client": ("192.0.2.1", 5),
        "server": ("127.0.0.1", 8000),
        **changes,
    }


def pieces(*bodies: bytes) -> Receive:
    left = iter(bodies)

    async def receive() -> dict[str, Any]:
        body = next(left, None)
        if body is None:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": body, "more_body": body != bodies[-1]}

    return receive


async def never() -> Any:
    await asyncio.sleep(3_600)


def made(receive: Receive, sent: list[Any] | None = None, *, is_stopping: bool = False, **changes: Any) -> Request:
    stopping = Event()
    if is_stopping:
        stopping.set()

    async def send(message: Any) -> None:
        if sent is not None:
            sent.append(message)

    return Request(scope(**changes), receive, send, is_stopping=stopping)


def body_of(request: Request, at_most_bytes: int = 100) -> bytes:
    async def read() -> bytes:
        async with request.body(at_most_bytes=at_most_bytes) as body:
            return body.read()

    return asyncio.run(read())


@pytest.mark.parametrize("parts", [(b"0123456789",), (b"01234", b"56789"), (b"0", b"", b"123456789")])
def test_a_body_is_read_whole_in_however_many_pieces_it_comes(parts: Iterable[bytes]) -> None:
    assert body_of(made(pieces(*parts))) == b"0123456789"


def test_a_body_in_chunks_is_read_although_its_length_is_not_told() -> None:
    request = made(pieces(b"abc", b"de"), headers=[(b"transfer-encoding", b"chunked")])

    assert body_of(request) == b"abcde"


def test_without_a_body_nothing_is_waited_for() -> None:
    assert body_of(made(never, headers=[])) == b""


def test_of_a_body_that_is_too_long_one_byte_more_is_kept_and_the_rest_is_dropped_before_the_answer() -> None:
    sent: list[Any] = []
    request = made(pieces(b"x" * 60, b"y" * 60, b"z" * 60), sent)

    assert body_of(request, at_most_bytes=100) == b"x" * 60 + b"y" * 41
    asyncio.run(request.answer(413, [], b""))
    assert (b"connection", b"close") not in sent[0]["headers"]
    with pytest.raises(ClientLeft):  # nothing more comes
        asyncio.run(request._receive_next())


def test_after_a_body_that_is_much_too_long_the_connection_is_closed() -> None:
    sent: list[Any] = []
    request = made(pieces(*(bytes([number]) * 2_000_000 for number in range(7))), sent)

    body_of(request, at_most_bytes=100)
    asyncio.run(request.answer(413, [], b""))

    assert (b"connection", b"close") in sent[0]["headers"]


def test_a_sender_who_waits_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requests, "GRACE_S", 0.02)

    with pytest.raises(TooSlow):
        body_of(made(never))


def test_a_sender_who_drips_is_given_up_although_something_always_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requests, "GRACE_S", 0.05)

    async def drip() -> dict[str, Any]:
        await asyncio.sleep(0.01)
        return {"type": "http.request", "body": b"x", "more_body": True}

    with pytest.raises(TooSlow):
        body_of(made(drip))


def test_one_address_cannot_have_all_long_bodies() -> None:
    gate = asyncio.Event()

    async def long_body() -> dict[str, Any]:
        if gate.is_set():
            return {"type": "http.request", "body": b"", "more_body": False}
        return {"type": "http.request", "body": b"x" * 70_000, "more_body": True}

    async def pause() -> Any:
        answer = await long_body()
        await asyncio.sleep(0)
        return answer

    async def scene() -> None:
        async def hold(address: str) -> None:
            async with made(pause, client=(address, 1)).body(at_most_bytes=10_000_000_000):
                pass

        held = [asyncio.create_task(hold("192.0.2.1")) for _ in range(requests.MOST_LONG_BODIES_OF_ONE)]
        await asyncio.sleep(0.01)
        with pytest.raises(Busy):
            await hold("192.0.2.1")
        asyncio.get_running_loop().call_later(0.01, gate.set)
        await hold("192.0.2.2")
        await asyncio.gather(*held)
        await hold("192.0.2.1")

    asyncio.run(scene())


def test_who_closes_the_connection_while_sending_is_gone() -> None:
    with pytest.raises(ClientLeft):
        body_of(made(pieces()))


def test_a_reader_who_takes_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requests, "GRACE_S", 0.02)
    request = Request(scope(), never, lambda _message: never(), is_stopping=Event())

    with pytest.raises(ClientLeft):
        asyncio.run(request.send_piece(b"x"))


def test_a_body_that_nobody_wants_is_read_away_so_that_the_connection_goes_on() -> None:
    request = made(pieces(b"x" * 500_000, b"y"))

    asyncio.run(request.drain())

    assert not request.close_after


def test_a_long_body_that_nobody_wants_closes_the_connection() -> None:
    request = made(pieces(*(bytes([number]) * 2_000_000 for number in range(6))))

    asyncio.run(request.drain())

    assert request.close_after


@pytest.mark.parametrize(
    ("version", "is_stopping", "closes"), [("1.1", True, True), ("1.1", False, False), ("2", True, False)]
)
def test_a_process_that_stops_closes_connections_with_its_answers(
    version: str, is_stopping: bool, closes: bool
) -> None:
    sent: list[Any] = []
    request = made(never, sent, is_stopping=is_stopping, http_version=version, headers=[])

    asyncio.run(request.answer(200, [("A", "b")], b"yes"))

    assert ((b"connection", b"close") in sent[0]["headers"]) is closes
    assert sent[1] == {"type": "http.response.body", "body": b"yes", "more_body": False}


def test_the_head_is_as_wsgi_names_it() -> None:
    headers = [
        (b"x-a", b"1"),
        (b"x-a", b"2"),
        (b"cookie", b"a=1"),
        (b"cookie", b"b=2"),
        (b"content-type", b"text/plain"),
    ]

    environ = environ_of(scope(path="/é", headers=headers))

    assert environ["PATH_INFO"] == "/Ã©"
    assert environ["QUERY_STRING"] == "x=1&y=%20"
    assert (environ["HTTP_X_A"], environ["HTTP_COOKIE"], environ["CONTENT_TYPE"]) == ("1,2", "a=1; b=2", "text/plain")
    assert environ["REMOTE_ADDR"] == "192.0.2.1"


def test_a_header_that_would_pass_for_a_proxys_is_dropped() -> None:
    environ = environ_of(scope(headers=[(b"x_forwarded_for", b"10.0.0.1")]))

    assert "HTTP_X_FORWARDED_FOR" not in environ
