"""Limits in a Redis that Sentinel watches: another server takes its place, and limits are shared again."""

from collections.abc import Iterator
from uuid import uuid4

import pytest

from api.limits.shared import SharedLimiter
from api.limits.window import Ask, Backend
from tests.redis_sentinel import Watched, watched_redis
from tests.services import wait_until

pytestmark = pytest.mark.slow


@pytest.fixture
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    with watched_redis(tmp_path_factory.mktemp("sentinel")) as watched:
        yield watched


def test_limits_are_counted_in_memory_until_the_new_primary_counts_them(watched: Watched) -> None:
    limiters, bucket = [SharedLimiter(watched.url, processes=2) for _ in range(2)], uuid4().hex
    for limiter in limiters:
        limiter.start()

    def hit(turn: int, limit: int = 100) -> tuple[int, Backend]:
        verdict = limiters[turn % 2].hit([Ask(bucket, limit=limit)])[0]
        return verdict.granted, verdict.backend

    try:
        before = [hit(turn) for turn in range(10)]
        watched.primary.kill()
        meanwhile = [hit(turn) for turn in range(10)]
        wait_until(lambda: {hit(0)[1], hit(1)[1]} == {Backend.REDIS}, "the new primary counts", within_s=20)
        bucket = uuid4().hex
        after = [hit(turn, limit=20) for turn in range(30)]
    finally:
        for limiter in limiters:
            limiter.stop()

    assert set(before) == {(1, Backend.REDIS)}
    assert {backend for _, backend in meanwhile} == {Backend.MEMORY}
    assert [granted for granted, _ in after] == [1] * 20 + [0] * 10
    assert {backend for _, backend in after} == {Backend.REDIS}
