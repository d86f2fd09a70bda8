"""Limits counted on an event loop: as exact as elsewhere, and a loop that is late is no Redis that is away."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from socket import create_server

import pytest
import redis

from api.limits.loop_server import LoopServer, _Patience
from api.limits.shared import SharedLimiter
from api.limits.window import Ask, Backend, Shared
from tests.services import RedisServer

ASK = Ask(bucket="check:one", limit=5, shared=Shared("check:all", 7))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    with RedisServer(tmp_path) as running:
        yield running


def test_the_loop_and_the_threads_share_one_count(server: RedisServer) -> None:
    limiter = SharedLimiter(server.url)
    other = Ask(bucket="check:two", limit=5, shared=ASK.shared)
    limiter.hit([ASK] * 2)

    async def ask() -> list[int]:
        verdicts = await limiter.hit_soon([ASK, other, ASK, ASK, ASK, other, other])
        assert limiter._on_loop is not None
        await limiter._on_loop.close()
        return [verdict.granted for verdict in verdicts]

    granted = asyncio.run(ask())

    assert granted == [1, 1, 1, 1, 0, 1, 0]


def test_an_answer_that_came_while_the_loop_was_busy_counts(server: RedisServer) -> None:
    async def busy() -> list[int]:
        asked = LoopServer(server.url, timeout_s=0.05)
        await asked.count([ASK])
        asking = asyncio.ensure_future(asked.count([ASK]))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        time.sleep(0.2)  # the loop is late
        answer = await asking
        await asked.close()
        return answer

    assert len(asyncio.run(busy())) == 5


def test_a_redis_that_does_not_answer_is_given_up_in_time_and_memory_counts() -> None:
    with create_server(("127.0.0.1", 0)) as silent:
        url = f"redis://127.0.0.1:{silent.getsockname()[1]}"
        limiter = SharedLimiter(url)
        limiter._is_back = lambda: False  # type: ignore[method-assign]

        began_s = time.monotonic()
        first, second = (asyncio.run(limiter.hit_soon([ASK]))[0] for _ in range(2))

        assert time.monotonic() - began_s < 2
        assert (first.backend, second.backend) == (Backend.MEMORY, Backend.MEMORY)


def test_who_asks_after_a_restart_of_redis_is_answered(tmp_path: Path) -> None:
    with RedisServer(tmp_path) as server:

        async def ask_twice() -> list[int]:
            asked = LoopServer(server.url, timeout_s=2)
            await asked.count([ASK])
            server.kill()
            server.start()
            answer = await asked.count([ASK])
            await asked.close()
            return answer

        assert asyncio.run(ask_twice())[0] == 1


def test_a_redis_that_is_not_there_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises((redis.RedisError, OSError)):
        asyncio.run(LoopServer(f"unix://{tmp_path}/nowhere.sock").count([ASK]))


def test_each_question_has_all_of_its_time_whenever_the_look_at_the_one_before_comes() -> None:
    async def scene() -> float:
        loop = asyncio.get_running_loop()
        patience = _Patience(loop)
        answered, silent = loop.create_future(), loop.create_future()
        patience.begin(answered, 0.2)
        answered.set_result([])
        await asyncio.sleep(0.1)
        began_s = time.monotonic()
        patience.begin(silent, 0.2)
        with pytest.raises(redis.TimeoutError):
            await silent
        return time.monotonic() - began_s

    assert 0.19 <= asyncio.run(scene()) < 1
