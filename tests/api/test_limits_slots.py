"""A limit of any height costs no more than ten thousand entries: in Redis, in memory, and on the way back."""

from pathlib import Path
from uuid import uuid4

import pytest
import redis

from api.limits.outage import Granted, Outage
from api.limits.shared import SharedLimiter
from api.limits.window import SLOTS, Ask, Backend, Shared
from tests.api.test_limits_outage import Clock
from tests.services import RedisServer


def test_what_is_granted_at_once_is_one_entry_and_counted_in_full(redis_server: RedisServer) -> None:
    organization = Shared(uuid4().hex, limit=3_000_000)
    asks = [Ask(uuid4().hex, limit=2_000_000, cost=100_000, shared=organization)] * 10
    limiter = SharedLimiter(redis_server.url)

    first, second = limiter.hit(asks), limiter.hit(asks)

    assert sum(one.granted for one in (*first, *second)) == 2_000_000
    assert limiter.hit(asks)[0].granted == 0
    assert second[-1].shared is not None
    assert second[-1].shared.remaining == 1_000_000
    with redis.Redis.from_url(redis_server.url) as client:
        assert [client.llen(key) <= 2 for key in (asks[0].key, asks[0].shared_key)] == [True, True]
    limiter.stop()


def test_a_window_is_exact_when_its_entries_leave_one_by_one(redis_server: RedisServer) -> None:
    limiter, ask = SharedLimiter(redis_server.url), Ask(uuid4().hex, limit=50, window_s=3600)
    with redis.Redis.from_url(redis_server.url) as client:
        seconds, micros = (int(part) for part in client.time())
        now_us = seconds * 1_000_000 + micros
        for before, age_s in ((0, 3601), (10, 3600), (20, 3000), (30, 10)):
            client.lpush(ask.key, f"{now_us - age_s * 1_000_000} {before} 10")

    verdict = limiter.hit([ask])[0]

    assert (verdict.granted, verdict.remaining) == (1, 50 - 20 - 1)
    assert 590 < verdict.reset_s <= 600
    limiter.stop()


def test_a_long_outage_is_remembered_for_one_window_only() -> None:
    clock = Clock()
    outage, ask = Outage(now_s=clock), Ask("key", limit=10**9, window_s=60)
    for _ in range(200_000):  # 100 seconds
        outage.hit([ask])
        clock.now_s += 0.0005

    (granted,) = outage.take_granted().values()

    assert len(granted) <= SLOTS + 1
    assert 119_000 < sum(one.count for one in granted) <= 120_012


def test_a_key_of_a_high_limit_brings_redis_back_in_one_look(tmp_path: Path) -> None:
    clock, bucket = Clock(), uuid4().hex
    ask = Ask(bucket, limit=10**9, cost=3)
    with RedisServer(tmp_path) as server:
        limiter = SharedLimiter(server.url, now_s=clock)
        limiter.look_after()
        limiter.hit([ask])
        server.kill()
        limiter.hit([ask])
        for _ in range(2 * SLOTS):
            clock.now_s += 0.002
            limiter._outage.hit([ask])
        server.start()

        limiter.look_after()
        verdict = limiter.hit([ask])[0]
        limiter.stop()

    assert verdict.backend is Backend.REDIS
    assert verdict.limit - verdict.remaining == 3 * (2 * SLOTS + 2)


def test_of_many_buckets_only_what_redis_did_not_confirm_is_told_once_more(
    redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    limiter = SharedLimiter(redis_server.url, now_s=clock)
    asks = [Ask(uuid4().hex, limit=10) for _ in range(3)]
    limiter._outage.hit(asks)
    server = limiter._connect()
    told: list[str] = []
    really = server.client.eval

    def eval_twice(script: str, number: int, key: str, *given: int) -> object:
        told.append(key)
        if len(told) == 2:
            raise redis.TimeoutError
        return really(script, number, key, *given)

    monkeypatch.setattr(server.client, "eval", eval_twice)
    with pytest.raises(redis.TimeoutError):
        limiter._carry_over(server)
    limiter._carry_over(server)

    assert told == [asks[0].key, asks[1].key, asks[1].key, asks[2].key]
    assert [one.remaining for one in limiter.hit(asks)] == [8, 8, 8]
    assert limiter._outage.take_granted() == {}
    limiter.stop()


def test_what_is_given_back_stands_before_what_came_meanwhile() -> None:
    clock = Clock()
    outage = Outage(now_s=clock)
    ask = Ask("key", limit=10)
    outage.hit([ask])
    earlier = outage.take_granted()
    clock.now_s += 1
    outage.hit([ask])

    outage.give_back(earlier)

    assert [*outage.take_granted()[ask.key, ask.window_s]] == [Granted(1000.0, 1), Granted(1001.0, 1)]
