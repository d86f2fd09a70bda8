"""A Redis that answers and refuses: no request fails, the limit holds in memory, and readiness says so."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from api.limits.shared import SharedLimiter
from api.limits.window import Ask, Backend
from tests.api.test_limits_outage import Clock
from tests.services import RedisServer

Break = Callable[[redis.Redis], object]


def fill(client: redis.Redis) -> None:
    client.config_set("maxmemory", "1")


def make_room(client: redis.Redis) -> None:
    client.config_set("maxmemory", "0")


def follow(client: redis.Redis) -> None:
    client.replicaof("127.0.0.1", "1")


def lead(client: redis.Redis) -> None:
    client.replicaof("NO", "ONE")


def set_password(client: redis.Redis) -> None:
    client.config_set("requirepass", "another")
    client.client_kill_filter(_type="normal", skipme=True)


def take_password(client: redis.Redis) -> None:
    client.config_set("requirepass", "")


def forbid_scripts(client: redis.Redis) -> None:
    client.acl_setuser("default", enabled=True, commands=["-eval", "-evalsha"])


def allow_scripts(client: redis.Redis) -> None:
    client.acl_setuser("default", enabled=True, commands=["+eval", "+evalsha"])


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    with RedisServer(tmp_path) as server:
        yield server


@pytest.mark.parametrize(
    ("spoil", "mend"),
    [(fill, make_room), (follow, lead), (set_password, take_password), (forbid_scripts, allow_scripts)],
)
def test_a_redis_that_refuses_is_as_good_as_one_that_is_away(server: RedisServer, spoil: Break, mend: Break) -> None:
    clock = Clock()
    limiter = SharedLimiter(server.url, now_s=clock)
    ask = Ask("bucket", limit=3)
    assert limiter.hit([ask])[0].backend is Backend.REDIS
    with redis.Redis.from_url(server.url) as keeper:
        keeper.ping()
        spoil(keeper)
        refused = [limiter.hit([ask])[0] for _ in range(4)]
        was_ready = limiter.answers()
        mend(keeper)
    clock.now_s += 1

    assert [verdict.granted for verdict in refused] == [1, 1, 0, 0]
    assert {verdict.backend for verdict in refused} == {Backend.MEMORY}
    assert not was_ready
    assert limiter.hit([ask])[0].backend is Backend.REDIS
    assert limiter.answers()
    limiter.stop()


def test_a_redis_that_forgot_everything_counts_on(server: RedisServer) -> None:
    limiter = SharedLimiter(server.url)
    ask = Ask("bucket", limit=3)
    limiter.hit([ask])
    with redis.Redis.from_url(server.url) as keeper:
        keeper.flushall()
        keeper.script_flush()

    verdicts = [limiter.hit([ask])[0] for _ in range(4)]

    assert [verdict.granted for verdict in verdicts] == [1, 1, 1, 0]
    assert {verdict.backend for verdict in verdicts} == {Backend.REDIS}
    limiter.stop()
