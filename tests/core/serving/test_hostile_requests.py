"""What callers send who mean ill: heads that a proxy would read otherwise, more than memory holds, and who leaves."""

import asyncio
from threading import Event
from typing import Any

import pytest
from structlog.testing import capture_logs

from core.serving.connection import MOST_AHEAD
from core.serving.requests import Broken, Request, _variable_of
from tests.core.serving.test_connections import GET, answer_to, echo, post, told

CHUNKED = b"3\r\nabc\r\n0\r\n\r\n"
CLOSE = b"Host: h\r\nConnection: close\r\n\r\n"


async def never(scope: Any, receive: Any, send: Any) -> None:
    raise AssertionError


async def says_its_host(scope: Any, receive: Any, send: Any) -> None:
    request = Request(scope, receive, send, is_stopping=Event())
    await request.answer(200, [], request.environ["HTTP_HOST"].encode())


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: \x0bchunked\r\n\r\n", b"400"),
        (b"POST / HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: h\r\nN: a\rContent-Length: 5\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: h\r\nN: a\x00b\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\nHost: h\n\n", b"400"),
        (b"GET / HTTP/2.0\r\nHost: h\r\n\r\n", b"505"),
        (b"GET / HTTP/0.9\r\nHost: h\r\n\r\n", b"505"),
    ],
)
def test_what_two_readers_could_read_in_two_ways_is_refused(sent: bytes, status: bytes) -> None:
    received = answer_to(sent + (CHUNKED if b"chunked" in sent else b""), never)

    assert received.startswith(b"HTTP/1.1 " + status)
    assert received.count(b"HTTP/1.1") == 1


def test_nothing_that_follows_a_refused_head_is_done() -> None:
    sent = b"GET / HTTP/1.1\r\n" + b"N: v\r\n" * 101 + b"\r\n" + post(b"smuggled")
    with capture_logs() as logged:
        received = answer_to(sent, never)

    assert received.startswith(b"HTTP/1.1 431 ")
    assert received.count(b"HTTP/1.1") == 1
    assert logged == []


@pytest.mark.parametrize(
    ("target", "host"),
    [(b"http://there:80/a?b", b"there:80"), (b"http://h@there/", b"h@there"), (b"/a", b"h"), (b"*", b"h")],
)
def test_the_host_of_a_whole_address_is_the_one_that_was_asked(target: bytes, host: bytes) -> None:
    received = answer_to(b"OPTIONS " + target + b" HTTP/1.1\r\n" + CLOSE, says_its_host)

    assert received.endswith(b"\r\n\r\n" + host)


def test_who_speaks_http_1_0_is_not_left_waiting_for_the_end() -> None:
    assert b"connection: close\r\n" in answer_to(b"GET / HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\n\r\n")


def test_who_sends_requests_without_end_is_answered_some_and_closed() -> None:
    async def slow(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.sleep(0)
        await echo(scope, receive, send)

    received = answer_to(GET * 5_000, slow)

    assert received.count(b"HTTP/1.1 200 OK") == MOST_AHEAD + 1
    assert received.count(b"connection: close\r\n") == 1


@pytest.mark.parametrize("endless", [b"0\r\nN: ", b"0\r\n" + b"N: v\r\n", b"3;"])
def test_what_surrounds_chunks_without_end_is_cut_off(endless: bytes) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        writer.write(b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n" + endless)
        for _ in range(200):
            writer.write((b"N: v\r\n" if endless.endswith(b"\n") else b"vvvvvv") * 1_000)
            await asyncio.sleep(0)
        return await reader.read()

    with pytest.raises(ConnectionError):
        assert told(talk) == b"not closed"


def test_who_leaves_before_a_refusal_is_no_fault_of_ours() -> None:
    has_left = asyncio.Event()

    async def late(scope: Any, receive: Any, send: Any) -> None:
        while (await receive())["type"] != "http.disconnect":
            await asyncio.sleep(0)
        has_left.set()
        await Request(scope, receive, send, is_stopping=Event()).answer(503, [], b"")

    async def talk(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(post(b"12345678")[:-4])
        await asyncio.sleep(0.02)
        writer.close()
        await has_left.wait()
        await asyncio.sleep(0.01)

    with capture_logs() as logged:
        told(talk, late)
    assert logged == []


def test_what_fails_after_an_answer_does_not_take_it_back() -> None:
    async def fails_late(scope: Any, receive: Any, send: Any) -> None:
        await echo(scope, receive, send)
        raise Broken

    assert answer_to(GET[:-2] + b"Connection: close\r\n\r\n", fails_late).endswith(b"GET /a b ")


def test_long_names_of_headers_are_not_remembered() -> None:
    before = _variable_of.cache_info().currsize
    for number in range(3):
        answer_to(b"GET / HTTP/1.1\r\n%d%b: v\r\n" % (number, b"n" * 60_000) + CLOSE)

    assert _variable_of.cache_info().currsize <= before + 2
