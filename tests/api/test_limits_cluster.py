"""Limits in a cluster of Redis: a group of checks touches keys of many slots, and each of them is counted."""

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from uuid import uuid4

import pytest

from api.limits.servers import Cluster, connect
from api.limits.shared import SharedLimiter
from api.limits.window import Ask, Backend, Shared
from tests.databases import ROOT
from tests.redis_cluster import three_nodes

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with three_nodes(tmp_path_factory.mktemp("cluster")) as url:
        yield url


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """No node is away here, and on a busy machine one may answer later than a check waits for it."""
    monkeypatch.setattr("api.limits.shared.connect", partial(connect, timeout_s=20))


@pytest.fixture
def limiter(url: str) -> Iterator[SharedLimiter]:
    limiter = SharedLimiter(url)
    yield limiter
    limiter.stop()


def test_a_group_over_every_node_is_counted_in_redis(limiter: SharedLimiter) -> None:
    asks = [Ask(uuid4().hex, limit=3, cost=cost) for cost in (1, 2, 3, 4) * 10]

    first, second = limiter.hit(asks), limiter.hit(asks)

    assert {verdict.backend for verdict in (*first, *second)} == {Backend.REDIS}
    assert [verdict.granted for verdict in first] == [1, 2, 3, 3] * 10
    assert [verdict.granted for verdict in second] == [1, 1, 0, 0] * 10


def test_the_same_bucket_twice_in_a_group_is_one_bucket(limiter: SharedLimiter) -> None:
    one, other = Ask(uuid4().hex, limit=2), Ask(uuid4().hex, limit=3, cost=2)

    verdicts = limiter.hit([one, other, one, one, other])

    assert [verdict.granted for verdict in verdicts] == [1, 2, 1, 0, 1]


def test_an_organizations_limit_holds_over_keys_in_a_group_of_many_organizations(limiter: SharedLimiter) -> None:
    organizations = [Shared(uuid4().hex, 5) for _ in range(20)]
    asks = [Ask(uuid4().hex, limit=4, shared=shared) for shared in organizations for _ in range(3)]

    rounds = [limiter.hit(asks) for _ in range(3)]

    assert {verdict.backend for verdict in rounds[2]} == {Backend.REDIS}
    assert [sum(verdict.granted for verdict in some) for some in rounds] == [60, 40, 0]


def test_two_processes_share_one_limit_exactly(url: str) -> None:
    limiters, bucket = [SharedLimiter(url), SharedLimiter(url)], uuid4().hex

    with ThreadPoolExecutor(8) as pool:
        verdicts = list(pool.map(lambda turn: limiters[turn % 2].hit([Ask(bucket, limit=100)])[0], range(300)))

    for limiter in limiters:
        limiter.stop()
    assert sum(verdict.granted for verdict in verdicts) == 100
    assert {verdict.backend for verdict in verdicts} == {Backend.REDIS}


def test_a_server_that_lost_its_scripts_is_told_them_again(limiter: SharedLimiter, url: str) -> None:
    asks = [Ask(uuid4().hex, limit=3) for _ in range(20)]
    limiter.hit(asks)
    server = connect(url)
    server.client.script_flush()
    server.client.close()

    assert isinstance(server, Cluster)
    assert [verdict.remaining for verdict in limiter.hit(asks)] == [1] * 20


def test_each_primary_tells_of_its_memory(limiter: SharedLimiter) -> None:
    assert limiter.answers()
    assert len(limiter.info("memory")) == 3


PAGES = """
import sys
from flask import Flask
from core import throttle
from core.settings import Settings
app = Flask("pages")
throttle.init_app(app, Settings(redis_url=sys.argv[1]))
print(app.config["RATELIMIT_STORAGE_URI"], throttle.limiter.limiter.storage.check())
"""


def storage_of_pages(url: str) -> str:
    """In a process of its own: the limiter of pages is one for all apps of a process."""
    command = [sys.executable, "-c", PAGES, url]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()[-1]


def test_pages_count_in_the_same_cluster(url: str) -> None:
    assert storage_of_pages(url) == f"{url} True"


def test_pages_count_in_memory_where_a_cluster_is_away_at_the_start() -> None:
    assert storage_of_pages("redis+cluster://127.0.0.1:9") == "memory:// True"
