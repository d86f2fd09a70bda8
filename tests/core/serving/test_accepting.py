"""Several processes that take connections from one socket have about as many each, and one never waits for long."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from structlog.testing import capture_logs

from core.clock import monotonic_s
from core.serving import accepting as taking
from core.serving.accepting import Accepting, Connections, Shares
from core.serving.connection import Connection
from tests.core.serving.test_connections import echo


@asynccontextmanager
async def process(listening: socket.socket, shares: Shares, place: int) -> AsyncIterator[Connections]:
    """As far as connections go."""
    connections = Connections(shares, place)
    accepting = Accepting(listening.dup(), lambda: Connection(echo, connections), connections)
    yield connections
    accepting.close()
    for one in list(connections):
        one.close()
    await asyncio.sleep(0.01)


async def opened(listening: socket.socket, count: int, *takers: Connections) -> list[socket.socket]:
    """Taken by one of them, and kept open by who holds them."""
    before = sum(map(len, takers))
    callers = [socket.create_connection(listening.getsockname()) for _ in range(count)]
    async with asyncio.timeout(5):
        while sum(map(len, takers)) < before + count:
            await asyncio.sleep(0.001)
    return callers


def close(callers: list[socket.socket]) -> None:
    for caller in callers:
        caller.close()


def test_connections_opened_at_once_are_shared_evenly_and_those_of_who_leaves_are_made_up_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Who has more leaves the other a longer moment than in earnest: on a busy machine a short one passes unused."""
    monkeypatch.setattr(taking, "LEAVES_S", 10 * taking.LEAVES_S)
    monkeypatch.setattr(taking, "LEAVES_MOST_S", 10 * taking.LEAVES_MOST_S)

    async def run() -> list[tuple[int, int]]:
        listening, shares, seen = socket.create_server(("127.0.0.1", 0)), Shares(2), []
        async with process(listening, shares, 0) as one, process(listening, shares, 1) as other:
            callers = await opened(listening, 16, one, other)
            seen.append((len(one), len(other)))
            for connection in list(one):
                connection.close()
            while one:
                await asyncio.sleep(0)
            callers += await opened(listening, 6, one, other)
            seen.append((len(one), len(other)))
            close(callers)
        listening.close()
        return seen

    (one, other), later = asyncio.run(run())
    assert one + other == 16
    assert abs(one - other) <= 2
    assert later == (6, other)


def test_who_has_more_takes_all_where_the_other_is_busy() -> None:
    async def run() -> None:
        listening, shares = socket.create_server(("127.0.0.1", 0)), Shares(2)
        shares.note(1, 0)
        async with process(listening, shares, 0) as one:
            close(await opened(listening, 100, one))
        listening.close()

    began_s = monotonic_s()
    asyncio.run(run())
    assert monotonic_s() - began_s < 100 * taking.LEAVES_MOST_S


def test_nobody_waits_for_a_process_that_has_not_begun_or_has_ended() -> None:
    async def run() -> list[int]:
        listening, shares, more = socket.create_server(("127.0.0.1", 0)), Shares(2), []
        async with process(listening, shares, 0) as one:
            callers = await opened(listening, 5, one)
            more.append(one.are_more_by)
            async with process(listening, shares, 1):
                more.append(one.are_more_by)
            more.append(one.are_more_by)
            close(callers)
        listening.close()
        return more

    assert asyncio.run(run()) == [0, 5, 0]


def test_a_machine_without_files_left_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    class Short(socket.socket):
        fails = True

        def accept(self) -> tuple[socket.socket, object]:
            if self.fails:
                self.fails = False
                raise OSError(24, "Too many open files")
            return super().accept()

    monkeypatch.setattr(taking, "AGAIN_AFTER_S", 0.01)

    async def run() -> None:
        listening = Short()
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        connections = Connections(Shares(), 0)
        accepting = Accepting(listening, lambda: Connection(echo, connections), connections)
        close(await opened(listening, 1, connections))
        accepting.close()
        await asyncio.sleep(0.01)

    with capture_logs() as logged:
        asyncio.run(run())
    assert [entry["event"] for entry in logged] == ["web.nothing_accepted"]
