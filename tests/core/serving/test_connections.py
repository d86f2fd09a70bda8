"""HTTP on a connection: many requests on one, what is no request, and who leaves or does not read."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from threading import Event
from typing import Any

import pytest

from core.serving import connection as connections
from core.serving.connection import Connection
from core.serving.exchange import Exchange
from core.serving.requests import Broken, ClientLeft, Request

GET = b"GET /a%20b?x=1 HTTP/1.1\r\nHost: here\r\n\r\n"
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[Any]]


def post(body: bytes, *headers: bytes) -> bytes:
    lines = (b"POST / HTTP/1.1", b"Host: here", b"Content-Length: %d" % len(body), *headers)
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Gives back method, path and body."""
    request = Request(scope, receive, send, is_stopping=Event())
    body = await request.short_body(at_most_bytes=60_000)
    said = b"%b %b %b" % (request.method.encode(), request.path.encode(), body)
    await request.answer(200, [("Content-Length", str(len(said)))], said)


async def in_pieces(scope: Any, receive: Any, send: Any) -> None:
    request = Request(scope, receive, send, is_stopping=Event())
    await request.begin(200, [])
    await request.send_piece(b"one")
    await request.send_piece(b"two", is_last=True)


def told(talk: Talk, app: Any = echo, at_once: Callable[[Exchange], bool] | None = None) -> Any:
    """What `talk` gives back, which has a connection to a server of `app`."""

    async def run() -> Any:
        listening = socket.create_server(("127.0.0.1", 0))
        loop, open_ones = asyncio.get_running_loop(), set[Connection]()
        server = await loop.create_server(lambda: Connection(app, open_ones, at_once), sock=listening)
        reader, writer = await asyncio.open_connection(*listening.getsockname())
        try:
            async with asyncio.timeout(5):
                return await talk(reader, writer)
        finally:
            server.close()
            await left(writer, open_ones)

    return asyncio.run(run())


async def left(writer: asyncio.StreamWriter, open_ones: Iterable[Connection]) -> None:
    """Both ends are closed on return."""
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()
    for one in list(open_ones):
        one.close()
        one.time_is_over()
    await asyncio.sleep(0)


def answer_to(sent: bytes, app: Any = echo) -> bytes:
    """All that came until the server closed the connection."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        writer.write(sent)
        return await reader.read()

    return bytes(told(talk, app))


def test_a_path_is_decoded_and_the_connection_is_open_for_the_next_request() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> list[bytes]:
        answers = []
        for _ in range(2):
            writer.write(GET)
            answers.append(await reader.readuntil(b"GET /a b "))
        return answers

    first, second = told(talk)
    assert first.startswith(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\ndate: ")
    assert b"connection" not in first
    assert second.startswith(b"HTTP/1.1 200 OK\r\n")


def test_requests_sent_ahead_are_answered_in_their_order() -> None:
    sent = post(b"one") + post(b"two") + post(b"three", b"Connection: close")

    received = answer_to(sent)
    assert [part[:10] for part in received.split(b"POST / ")[1:]] == [b"oneHTTP/1.", b"twoHTTP/1.", b"three"]


def test_many_requests_sent_at_once_do_not_overtake_a_slow_one() -> None:
    async def first_is_slow(scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == "/slow":
            await asyncio.sleep(0.05)
        await echo(scope, receive, send)

    sent = b"".join(b"GET /%b HTTP/1.1\r\nHost: h\r\n\r\n" % name for name in (b"slow", *[b"next"] * 50))
    received = answer_to(sent + post(b"", b"Connection: close"), first_is_slow)

    assert received.index(b"GET /slow") < received.index(b"GET /next")
    assert received.count(b"GET /next") == 50


def test_a_body_in_chunks_is_whole_and_what_follows_it_is_no_header() -> None:
    sent = (
        b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
        b"3\r\nabc\r\n2\r\nde\r\n0\r\nAuthorization: Bearer smuggled\r\n\r\n"
    )

    assert answer_to(sent).endswith(b"POST / abcde")


def test_who_asks_whether_to_go_on_is_told_to() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        head, _, body = post(b"abc", b"Expect: 100-continue", b"Connection: close").partition(b"\r\n\r\n")
        writer.write(head + b"\r\n\r\n")
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(body)
        return await reader.read()

    assert told(talk).endswith(b"POST / abc")


def test_an_answer_of_unknown_length_comes_in_chunks() -> None:
    sent = b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"

    assert answer_to(sent, in_pieces).endswith(b"transfer-encoding: chunked\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n")


def test_to_http_1_0_its_end_is_that_of_the_connection() -> None:
    received = answer_to(b"GET / HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\n\r\n", in_pieces)

    assert b"chunked" not in received
    assert received.endswith(b"\r\n\r\nonetwo")


def test_an_answer_to_head_has_no_body() -> None:
    received = answer_to(b"HEAD / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")

    assert b"content-length: 7\r\n" in received
    assert received.endswith(b"\r\n\r\n")


def test_an_offer_of_another_protocol_is_answered_in_this_one() -> None:
    sent = b"GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\nPRI * HTTP/2.0\r\n\r\n"
    received = answer_to(sent)

    assert received.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"connection: close" in received


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00", b"400"),
        (b"GET / HTTP/1.1\r\nHost: h\r\nName : value\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: h\r\n folded: value\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\na", b"400"),
        (b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: +1\r\n\r\na", b"400"),
        (b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", b"400"),
        (b"CONNECT there:443 HTTP/1.1\r\nHost: there\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\n" + b"N: v\r\n" * 101 + b"\r\n", b"431"),
        (b"GET / HTTP/1.1\r\nN: " + b"v" * 70_000, b"431"),
        (b"GET /" + b"v" * 70_000, b"431"),
    ],
)
def test_what_is_no_request_is_refused_and_the_connection_closed(sent: bytes, status: bytes) -> None:
    async def never(scope: Any, receive: Any, send: Any) -> None:
        raise AssertionError

    received = answer_to(sent, never)
    assert received.startswith(b"HTTP/1.1 " + status)
    assert b"connection: close\r\n" in received


def test_what_follows_a_request_and_is_none_does_not_spoil_its_answer() -> None:
    received = answer_to(post(b"good") + b"\x00nonsense\r\n\r\n")

    assert received.endswith(b"POST / good")
    assert received.count(b"HTTP/1.1") == 1


def test_an_answer_that_breaks_off_breaks_the_connection() -> None:
    async def breaks(scope: Any, receive: Any, send: Any) -> None:
        request = Request(scope, receive, send, is_stopping=Event())
        await request.begin(200, [])
        await request.send_piece(b"half")
        raise Broken

    with pytest.raises(ConnectionResetError):
        answer_to(GET, breaks)


def test_a_header_with_a_line_break_leaves_the_building_never() -> None:
    async def splits(scope: Any, receive: Any, send: Any) -> None:
        request = Request(scope, receive, send, is_stopping=Event())
        await request.answer(200, [("Location", "/\r\nSet-Cookie: mine")], b"")

    with pytest.raises(ConnectionResetError):
        answer_to(GET, splits)


def test_who_leaves_is_noticed_by_whoever_waits_for_the_body_and_by_whoever_sends() -> None:
    heard: list[str] = []

    async def waits(scope: Any, receive: Any, send: Any) -> None:
        while (message := await receive())["type"] != "http.disconnect":
            heard.append(message["type"])
        with pytest.raises(ClientLeft):
            await send({"type": "http.response.start", "status": 200, "headers": []})
        heard.append("left")

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(post(b"12345678")[:-4])
        await asyncio.sleep(0.02)
        writer.close()
        while "left" not in heard:
            await asyncio.sleep(0.01)

    told(talk, waits)
    assert heard == ["http.request", "left"]


def test_pieces_wait_for_a_reader_who_does_not_read() -> None:
    sent_bytes = [0]

    async def much(scope: Any, receive: Any, send: Any) -> None:
        request = Request(scope, receive, send, is_stopping=Event())
        await request.begin(200, [])
        while True:
            await request.send_piece(b"x" * 65_536)
            sent_bytes[0] += 65_536

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        writer.write(GET)
        await asyncio.sleep(0.3)

    told(talk, much)
    assert 0 < sent_bytes[0] < 50_000_000


def test_a_body_waits_for_an_app_that_does_not_take_it() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> int:
        writer.write(post(b"x" * 30_000_000))
        await asyncio.sleep(0.2)
        return writer.transport.get_write_buffer_size()

    async def takes_nothing(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.sleep(1)

    assert told(talk, takes_nothing) > 10_000_000


def test_more_connections_than_may_be_open_are_told_to_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "MOST_CONNECTIONS", 0)

    assert answer_to(GET).startswith(b"HTTP/1.1 503 ")


def test_a_head_that_never_ends_is_closed_when_its_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEAD_WITHIN_S", 0.0)

    async def run() -> bytes:
        listening = socket.create_server(("127.0.0.1", 0))
        loop, open_ones = asyncio.get_running_loop(), set[Connection]()
        server = await loop.create_server(lambda: Connection(echo, open_ones), sock=listening)
        reader, writer = await asyncio.open_connection(*listening.getsockname())
        writer.write(GET[:-2])
        while all(one.is_idle for one in open_ones):
            await asyncio.sleep(0.01)
        for one in list(open_ones):
            assert one.until_s < loop.time() + 1
            one.time_is_over()
        received = await reader.read()
        server.close()
        await left(writer, open_ones)
        return received

    assert asyncio.run(run()) == b""
