"""Requests that are taken on without a task: whole ones alone, in their order, and nothing is sent to who left."""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from threading import Event
from typing import Any

import pytest

from core.serving import Group, HeaderLines, WebServer, lines_of
from core.serving.exchange import Exchange
from core.settings import Settings
from tests.core.serving.test_connections import echo, post, told
from tests.core.serving.test_requests import scope


class Taker:
    """Takes on what it is asked about, and answers when told to."""

    def __init__(self) -> None:
        self.taken: list[Exchange] = []

    def __call__(self, exchange: Exchange) -> bool:
        self.taken.append(exchange)
        return True

    def has(self, count: int) -> bool:
        return len(self.taken) == count

    def answer(self, number: int, *, is_last: bool = False) -> None:
        exchange = self.taken[number]
        body = b"at once: " + exchange.body
        lines = lines_of([("Content-Length", str(len(body)))]).encode()
        exchange.answer(200, HeaderLines(lines), body, is_last=is_last)


async def until(is_so: Callable[[], Any]) -> None:
    async with asyncio.timeout(5):
        while not is_so():
            await asyncio.sleep(0.005)


def test_a_whole_request_is_answered_without_the_app_and_its_connection_goes_on() -> None:
    taker = Taker()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> list[bytes]:
        answers = []
        for number, word in enumerate((b"one", b"two")):
            writer.write(post(word))
            await until(partial(taker.has, number + 1))
            taker.answer(number)
            answers.append(await reader.readuntil(word))
        return answers

    for answer, word in zip(told(talk, at_once=taker), (b"one", b"two"), strict=True):
        head, _, body = answer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 OK\r\ncontent-length: 12\r\ndate: ")
        assert b"connection" not in head
        assert body == b"at once: " + word


def test_a_body_that_comes_in_pieces_goes_to_the_app() -> None:
    taker, whole = Taker(), post(b"in pieces")

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        writer.write(whole[:-4])
        await writer.drain()
        await asyncio.sleep(0.02)
        writer.write(whole[-4:])
        return await reader.readuntil(b"in pieces")

    assert told(talk, at_once=taker).endswith(b"POST / in pieces")
    assert not taker.taken


def test_what_is_not_taken_on_goes_to_the_app_with_all_of_its_body() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        writer.write(post(b"whole"))
        return await reader.readuntil(b"whole")

    def looks_and_leaves(exchange: Exchange) -> bool:
        return exchange.body != b"whole"

    assert told(talk, at_once=looks_and_leaves).endswith(b"POST / whole")


def test_requests_sent_ahead_wait_for_the_one_before_them() -> None:
    taker = Taker()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        writer.write(post(b"one") + post(b"two") + post(b"three", b"Connection: close"))
        for number in range(3):
            await until(partial(taker.has, number + 1))
            await asyncio.sleep(0.01)
            assert taker.has(number + 1), "the next one waits for this answer"
            taker.answer(number)
        return await reader.read()

    received = told(talk, at_once=taker)
    assert received.index(b": one") < received.index(b": two") < received.index(b": three")
    assert received.count(b"connection: close") == 1


def answered_at_once(sent: bytes, *, is_last: bool = False) -> bytes:
    """All that came until the server closed the connection; the first request was taken on."""
    taker = Taker()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        writer.write(sent)
        await until(partial(taker.has, 1))
        taker.answer(0, is_last=is_last)
        return await reader.read()

    return bytes(told(talk, at_once=taker))


def test_the_last_answer_before_a_stop_says_so_and_the_connection_ends() -> None:
    assert b"connection: close\r\n\r\nat once: last" in answered_at_once(post(b"last"), is_last=True)


def test_what_follows_and_is_no_request_ends_the_connection_after_the_answer() -> None:
    received = answered_at_once(post(b"good") + b"NO REQUEST\r\n\r\n")

    assert received.endswith(b"at once: good")
    assert received.count(b"HTTP/1.1") == 1


def test_nothing_is_sent_to_a_caller_who_left() -> None:
    taker = Taker()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        writer.write(post(b"gone"))
        await until(partial(taker.has, 1))
        writer.close()
        await until(lambda: taker.taken[0]._line.is_lost)
        taker.answer(0)
        return taker.taken[0].is_done

    assert told(talk, at_once=taker) is False


@pytest.mark.parametrize(("host", "is_taken"), [(b"localhost", True), (b"elsewhere.example", False)])
def test_a_host_that_is_not_ours_is_taken_on_by_nobody(host: bytes, is_taken: bool) -> None:
    asked: list[bytes] = []

    def take(_environ: Any, body: bytes, _answer: Any) -> bool:
        asked.append(body)
        return True

    server = WebServer(echo, {}, Settings(), is_stopping=Event(), at_once={"/v1/check": take})  # type: ignore[arg-type]
    given = scope(path="/v1/check", headers=[(b"host", host)])
    exchange = Exchange(None, given, keep_alive=True, expects_continue=False)  # type: ignore[arg-type]
    exchange.take(b"body")

    assert server.at_once(exchange) is is_taken
    assert asked == [b"body"] * is_taken
    assert not server.at_once(Exchange(None, {**given, "path": "/"}, keep_alive=True, expects_continue=False))  # type: ignore[arg-type]


def test_what_goes_wrong_with_taking_on_is_for_the_long_way() -> None:
    def take(_environ: Any, _body: bytes, _answer: Any) -> bool:
        raise RuntimeError("by itself")

    server = WebServer(echo, {}, Settings(), is_stopping=Event(), at_once={"/": take})  # type: ignore[arg-type]

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        writer.write(post(b"whole").replace(b"Host: here", b"Host: localhost"))
        return await reader.readuntil(b"whole")

    assert told(talk, at_once=server.at_once).endswith(b"POST / whole")


def test_one_who_cannot_be_told_keeps_nobody_else_of_the_group_waiting() -> None:
    async def scene() -> tuple[int, int]:
        async def perform(items: Sequence[int]) -> list[int]:
            return list(items)

        def cannot(_result: int | Exception) -> None:
            raise RuntimeError("by itself")

        group: Group[int, int] = Group(perform)
        group.push("a", 1, cannot)
        return await group.submit("b", 2), await group.submit("a", 3)

    assert asyncio.run(scene()) == (2, 3)


def test_a_header_with_a_line_break_in_it_is_refused_and_lines_are_pairs_again() -> None:
    assert dict(HeaderLines(lines_of([("X-One", "a: b"), ("two", "")]).encode())) == {"x-one": "a: b", "two": ""}
    for value in ("a\r\nb", "a\nb", "a\rb"):
        with pytest.raises(ValueError, match="line break"):
            lines_of([("x", value)])
