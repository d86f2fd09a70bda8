"""Rows that the event loop commits itself: they are there on return, and whatever goes wrong goes the usual way."""

import asyncio
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from socket import create_server
from typing import Any
from uuid import UUID, uuid4

import msgspec
import psycopg
import pytest

from api.checks.service import iso_moment
from api.recording.loop_postgres import LoopSink
from api.recording.postgres import PostgresSink
from api.recording.recorder import Recorder
from api.recording.row import DecisionRow, encode_row
from api.recording.spool import Spool
from core.connections import connect_as
from core.db import DatabaseRole
from core.ids import new_uuid
from core.settings import Durability

ORGANIZATION, KEY = uuid4(), uuid4()


def row(*, fill: str = "", **changes: Any) -> bytes:
    decision_id: UUID = changes.pop("id", None) or new_uuid()
    decided = DecisionRow(
        id=decision_id,
        decided_at=iso_moment(decision_id),
        organization_id=ORGANIZATION,
        api_key_id=KEY,
        environment="test",
        model="gpt-4o",
        operation="chat",
        metadata={"department": fill},
        subject=None,
        risk_score=0,
        allowed=True,
        reason="ok",
        reasons=(),
        policy_version=1,
        latency_us=1,
        request_id="req_1",
    )
    return encode_row(msgspec.structs.replace(decided, **changes))


@pytest.fixture
def connect(live_url: str) -> Callable[[], psycopg.Connection[Any]]:
    return partial(connect_as, DatabaseRole.SYSTEM, live_url, timeout_s=1)


@pytest.fixture
def watching(live_url: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(live_url, autocommit=True) as connection:
        yield connection


def kept(watching: psycopg.Connection[Any]) -> int:
    return int(watching.execute("SELECT count(*) FROM decision").fetchone()[0])  # type: ignore[index]


async def ready(sink: LoopSink) -> None:
    """Its connection is opened beside whoever asks first."""
    async with asyncio.timeout(5):
        while not await sink.write([row()]):
            await asyncio.sleep(0.01)


def test_who_asks_first_is_sent_the_usual_way_and_the_next_is_committed(
    connect: Callable[[], psycopg.Connection[Any]], watching: psycopg.Connection[Any]
) -> None:
    async def scene() -> tuple[bool, int, bool, int]:
        sink = LoopSink(connect, timeout_s=2)
        first, before = await sink.write([row()]), kept(watching)
        await ready(sink)
        again, after = await sink.write([row(), row()]), kept(watching)
        sink.close()
        return first, before, again, after

    assert asyncio.run(scene()) == (False, 0, True, 3)


def test_rows_that_are_there_already_stay_as_they_are(
    connect: Callable[[], psycopg.Connection[Any]], watching: psycopg.Connection[Any]
) -> None:
    one = row()

    async def scene() -> list[bool]:
        sink = LoopSink(connect, timeout_s=2)
        await ready(sink)
        done = [await sink.write([one]) for _ in range(3)]
        sink.close()
        return done

    assert asyncio.run(scene()) == [True] * 3
    assert kept(watching) == 2


def test_more_than_the_machine_takes_at_once_is_committed_all_the_same(
    connect: Callable[[], psycopg.Connection[Any]], watching: psycopg.Connection[Any]
) -> None:
    async def scene() -> bool:
        sink = LoopSink(connect, timeout_s=20)
        await ready(sink)
        done = await sink.write([row(fill="x" * 200_000) for _ in range(64)])
        sink.close()
        return done

    assert asyncio.run(scene())
    assert kept(watching) == 65


@pytest.mark.parametrize("bad", [b"no row", row(risk_score=100_000), row(decided_at="1999-01-01T00:00:00.000Z")])
def test_what_the_database_refuses_is_for_the_usual_way_which_says_why(
    connect: Callable[[], psycopg.Connection[Any]], watching: psycopg.Connection[Any], bad: bytes
) -> None:
    async def scene() -> tuple[bool, int]:
        sink = LoopSink(connect, timeout_s=2)
        await ready(sink)
        before, is_committed = kept(watching), await sink.write([row(), bad])
        left = kept(watching) - before
        await ready(sink)
        sink.close()
        return is_committed, left

    assert asyncio.run(scene()) == (False, 0)


def test_a_connection_that_the_server_ended_is_made_again(
    connect: Callable[[], psycopg.Connection[Any]], watching: psycopg.Connection[Any]
) -> None:
    async def scene() -> tuple[bool, bool]:
        sink = LoopSink(connect, timeout_s=2)
        await ready(sink)
        ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'ai-governance'"
        watching.execute(ended)
        await asyncio.sleep(0.05)
        lost = await sink.write([row()])
        await ready(sink)
        again = await sink.write([row()])
        sink.close()
        return lost, again

    assert asyncio.run(scene()) == (False, True)


class Locked:
    """Holds up whoever writes, until its end."""

    def __init__(self, url: str) -> None:
        self._connection = psycopg.connect(url)
        self._connection.execute("LOCK TABLE decision IN ACCESS EXCLUSIVE MODE")

    def end(self) -> None:
        self._connection.close()


def test_a_database_that_does_not_answer_is_away_and_the_spool_takes_the_rows_without_another_wait(
    connect: Callable[[], psycopg.Connection[Any]], live_url: str, tmp_path: Path
) -> None:
    spool = Spool(tmp_path, max_bytes=1_000_000)

    async def scene() -> bool:
        sink = LoopSink(connect, timeout_s=0.2)
        await ready(sink)
        recorder = Recorder(PostgresSink(connect), spool, durability=Durability.DATABASE, on_loop=sink)
        locked = Locked(live_url)
        try:
            is_committed = await recorder.commit_soon([row()])
            async with asyncio.timeout(0.5):  # and not the second that the other connection would wait
                await asyncio.to_thread(recorder.record, [row()])
        finally:
            locked.end()
            recorder.close()
        return is_committed

    assert asyncio.run(scene()) is False
    assert sum(1 for _ in spool.sealed_segments()) == 1


def test_a_place_where_no_database_answers_is_told_at_once(tmp_path: Path) -> None:
    with create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql://nobody@127.0.0.1:{silent.getsockname()[1]}/none?connect_timeout=1"
        connect = partial(connect_as, DatabaseRole.SYSTEM, url, timeout_s=1)

        async def scene() -> list[bool]:
            sink = LoopSink(connect, timeout_s=2)
            return [await sink.write([row()]) for _ in range(3)]

        assert asyncio.run(scene()) == [False] * 3


@pytest.mark.parametrize("durability", [Durability.PROCESS, Durability.DISK])
def test_the_loop_commits_where_a_commit_is_wanted_alone(
    connect: Callable[[], psycopg.Connection[Any]], tmp_path: Path, durability: Durability
) -> None:
    async def scene() -> bool:
        sink = LoopSink(connect, timeout_s=2)
        await ready(sink)
        spool = Spool(tmp_path, max_bytes=1_000_000)
        recorder = Recorder(PostgresSink(connect), spool, durability=durability, on_loop=sink)
        done = await recorder.commit_soon([row()])
        recorder.close()
        return done

    assert asyncio.run(scene()) is False
