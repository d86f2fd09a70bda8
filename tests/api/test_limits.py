"""The limit is exact: in memory and in Redis, under threads, across processes, at the window's edge."""

import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from api.limits.memory import MemoryLimiter
from api.limits.shared import SharedLimiter
from api.limits.window import Ask, Backend, Limiter
from api.runtime import Runtime
from tests.cast import HARMLESS, Caller, another_key, organization_with_key
from tests.databases import ROOT
from tests.services import RedisServer


@pytest.fixture(params=["memory", "redis"])
def limiter(request: pytest.FixtureRequest) -> Limiter:
    if request.param == "memory":
        return MemoryLimiter()
    server: RedisServer = request.getfixturevalue("redis_server")
    return SharedLimiter(server.url)


def grants(limiter: Limiter, times: int, **options: float) -> int:
    ask = Ask(bucket=str(options.pop("bucket", uuid4().hex)), limit=100, **options)  # type: ignore[arg-type]
    return sum(limiter.hit([ask])[0].granted for _ in range(times))


def test_the_hundred_and_first_is_refused(limiter: Limiter) -> None:
    ask = Ask(bucket=uuid4().hex, limit=100)

    verdicts = [limiter.hit([ask])[0] for _ in range(101)]

    assert [verdict.granted for verdict in verdicts] == [1] * 100 + [0]
    assert [verdict.remaining for verdict in verdicts] == [*range(99, -1, -1), 0]
    assert 59 < verdicts[-1].reset_s <= 60


def test_many_buckets_in_one_call_are_counted_apart(limiter: Limiter) -> None:
    one, other = Ask(uuid4().hex, limit=2), Ask(uuid4().hex, limit=3, cost=2)

    verdicts = limiter.hit([one, other, one, one, other])

    assert [verdict.granted for verdict in verdicts] == [1, 2, 1, 0, 1]


def test_exact_under_concurrency(limiter: Limiter) -> None:
    bucket = uuid4().hex

    with ThreadPoolExecutor(16) as pool:
        granted = sum(pool.map(lambda _: limiter.hit([Ask(bucket, limit=100)])[0].granted, range(400)))

    assert granted == 100


def test_no_window_holds_more_than_the_limit_and_places_come_back(limiter: Limiter) -> None:
    ask = Ask(bucket=uuid4().hex, limit=5, window_s=0.4)
    granted_at = []
    end = time.monotonic() + 1.5
    while time.monotonic() < end:
        before = time.monotonic()
        if limiter.hit([ask])[0].granted:
            granted_at.append((before, time.monotonic()))
        time.sleep(0.01)

    assert len(granted_at) >= 10
    for first, sixth in zip(granted_at, granted_at[5:], strict=False):
        assert sixth[1] - first[0] >= 0.4


@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(1, 4)), max_size=60),
    st.integers(1, 8),
)
def test_memory_agrees_with_the_definition(steps: list[tuple[int, int]], limit: int) -> None:
    """Granted is whatever keeps every half-open window of 60 s at or below the limit, and no less."""
    now = [0.0]
    limiter = MemoryLimiter(now_s=lambda: now[0])
    granted_at: list[float] = []
    for pause_s, cost in steps:
        now[0] += pause_s
        in_window = sum(1 for at in granted_at if at > now[0] - 60)
        expected = min(cost, limit - in_window)

        verdict = limiter.hit([Ask("b", limit=limit, cost=cost)])[0]

        assert verdict.granted == expected
        granted_at += [now[0]] * expected
        assert verdict.remaining == limit - in_window - expected


TWO_PROCESSES = """
import sys
from api.limits.shared import SharedLimiter
from api.limits.window import Ask
limiter = SharedLimiter(sys.argv[1])
sys.stdin.readline()
print(sum(limiter.hit([Ask(sys.argv[2], limit=100)])[0].granted for _ in range(150)))
"""


def test_two_processes_on_redis_share_one_limit(redis_server: RedisServer) -> None:
    command = [sys.executable, "-c", TWO_PROCESSES, redis_server.url, uuid4().hex]
    processes = [
        subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]

    granted = [int(process.communicate("go\n", timeout=30)[0]) for process in processes]

    assert sum(granted) == 100


def test_redis_lost_and_back_fails_no_request(tmp_path_factory: pytest.TempPathFactory) -> None:
    server = RedisServer(tmp_path_factory.mktemp("lost"))
    server.start()
    now = [0.0]
    limiter = SharedLimiter(server.url, now_s=lambda: now[0])

    def backend() -> Backend:
        now[0] += 2
        return limiter.hit([Ask("b", limit=100)])[0].backend

    assert backend() is Backend.REDIS
    server.kill()
    assert backend() is Backend.MEMORY
    server.start()
    assert backend() is Backend.REDIS
    server.kill()


def test_the_limit_is_told_in_every_answer_and_refuses_with_a_time_to_wait(app: Flask) -> None:
    member = organization_with_key(app, rate_limit=2)
    caller = Caller(app.test_client(), member.secret)

    answers = [caller.check(), caller.post("/v1/check", b"{"), caller.check(), caller.post("/api/evaluate")]

    assert [answer.status_code for answer in answers] == [200, 400, 429, 429]
    assert [answer.headers["RateLimit-Remaining"] for answer in answers] == ["1", "0", "0", "0"]
    for answer in answers:
        assert answer.headers["X-RateLimit-Limit"] == answer.headers["RateLimit-Limit"] == "2"
        assert answer.headers["X-RateLimit-Backend"] == "memory"
    assert 1 <= int(answers[2].headers["Retry-After"]) <= 60
    assert answers[2].json["code"] == "rate_limited"
    assert caller.get("/v1/keys").status_code == 200


def test_a_hundred_a_minute_is_the_default(app: Flask) -> None:
    member = organization_with_key(app, rate_limit=None)

    answer = Caller(app.test_client(), member.secret).post("/v1/checks", {"checks": [HARMLESS]})

    assert answer.headers["RateLimit-Limit"] == "100"


def test_keys_of_one_organization_count_apart(app: Flask) -> None:
    member = organization_with_key(app, rate_limit=1)
    other = another_key(app, member, rate_limit=1)

    statuses = [Caller(app.test_client(), one.secret).check().status_code for one in (member, other, member)]

    assert statuses == [200, 200, 429]


def test_idle_buckets_are_forgotten(room: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.limits.memory._SWEEP_EVERY", 10)
    now = [0.0]
    clock: Callable[[], float] = lambda: now[0]  # noqa: E731  a clock
    limiter = MemoryLimiter(now_s=clock)
    limiter.hit([Ask("old", limit=1)])
    now[0] += 4_000

    limiter.hit([Ask("new", limit=1)] * 10)

    assert set(limiter._granted_at) == {"new"}
