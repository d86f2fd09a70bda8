"""While Redis hangs: no check waits for it again, limits are not multiplied, and what was granted counts afterwards."""

import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
import redis

from api.limits.servers import Server
from api.limits.shared import SharedLimiter
from api.limits.window import Ask, Backend
from tests.services import RedisServer


class Clock:
    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    with RedisServer(tmp_path) as server:
        yield server
        server.go_on()


@pytest.fixture
def four(server: RedisServer, clock: Clock) -> Iterator[list[SharedLimiter]]:
    """Two machines with two processes each, which have heard of one another."""
    limiters = [SharedLimiter(server.url, now_s=clock) for _ in range(4)]
    for _ in range(2):
        for limiter in limiters:
            limiter.look_after()
    yield limiters
    server.go_on()
    for limiter in limiters:
        limiter.stop()


def grants(limiters: list[SharedLimiter], bucket: str, times: int) -> int:
    return sum(limiters[turn % len(limiters)].hit([Ask(bucket, limit=100)])[0].granted for turn in range(times))


def test_a_silent_redis_costs_a_check_some_tens_of_milliseconds_once(server: RedisServer) -> None:
    limiter = SharedLimiter(server.url)
    limiter.look_after()
    limiter.start()
    ask = Ask(uuid4().hex, limit=1000)
    limiter.hit([ask])
    server.hang()

    waits_s = []
    for _ in range(200):
        started_s = time.perf_counter()
        limiter.hit([ask])
        waits_s.append(time.perf_counter() - started_s)
        time.sleep(0.005)

    server.go_on()
    limiter.stop()
    assert waits_s[0] < 0.5
    assert sorted(waits_s)[-10] < 0.03


def test_processes_share_the_limit_while_redis_hangs(server: RedisServer, four: list[SharedLimiter]) -> None:
    server.hang()

    assert grants(four, uuid4().hex, 300) == 100


def test_what_redis_granted_before_it_hung_counts_meanwhile(server: RedisServer, four: list[SharedLimiter]) -> None:
    bucket = uuid4().hex
    before = grants(four, bucket, 60)
    server.hang()

    meanwhile = grants(four, bucket, 300)

    assert before == 60
    assert 30 <= meanwhile <= 40


def test_what_was_granted_meanwhile_counts_when_redis_is_back(
    server: RedisServer, four: list[SharedLimiter], clock: Clock
) -> None:
    bucket = uuid4().hex
    server.hang()
    meanwhile = grants(four, bucket, 300)
    server.go_on()
    clock.now_s += 5
    for limiter in four:
        limiter.look_after()

    verdict = four[0].hit([Ask(bucket, limit=100)])[0]

    assert meanwhile == 100
    assert (verdict.granted, verdict.backend) == (0, Backend.REDIS)
    assert 50 < verdict.reset_s <= 56


def test_redis_counts_what_was_granted_before_it_is_asked_again_and_what_was_granted_in_between(
    server: RedisServer, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    limiter, ask = SharedLimiter(server.url, now_s=clock), Ask(uuid4().hex, limit=10)
    limiter.look_after()
    server.hang()
    grants([limiter], ask.bucket, 4)
    server.go_on()
    counted_first: list[int] = []
    connect = limiter._connect

    def connect_late() -> Server:
        with redis.Redis.from_url(server.url) as client:
            _, before, count = str(client.lindex(ask.key, 0), "ascii").split()
            counted_first.append(int(before) + int(count))
        limiter._outage.hit([ask])
        return connect()

    monkeypatch.setattr(limiter, "_connect", connect_late)
    limiter.look_after()

    verdict = limiter.hit([ask])[0]
    limiter.stop()
    assert counted_first == [4]
    assert (verdict.remaining, verdict.backend) == (4, Backend.REDIS)


def test_a_process_that_is_gone_gives_its_share_back(server: RedisServer, four: list[SharedLimiter]) -> None:
    with redis.Redis.from_url(server.url) as client:
        for member in client.zrange("aig:limit-processes", 0, -1)[:2]:
            client.zadd("aig:limit-processes", {member: 0})
    four[0].look_after()
    server.hang()

    assert grants(four[:1], uuid4().hex, 300) > 25


def test_a_limit_smaller_than_the_processes_still_lets_one_request_through(
    server: RedisServer, four: list[SharedLimiter]
) -> None:
    server.hang()

    assert four[0].hit([Ask(uuid4().hex, limit=2)])[0].granted == 1
