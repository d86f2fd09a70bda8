"""All keys of an organization together have a limit too, so that making keys is no way round a key's limit."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from flask import Flask
from redis.crc import key_slot

from api.limits.memory import MemoryLimiter
from api.limits.shared import SharedLimiter
from api.limits.window import Ask, Backend, Limiter, LimitScope, Shared, organization_limit_of
from core.accounts import Organization
from core.db import acting_as_system, db, transaction
from tests.cast import Caller, Member, another_key, organization_with_key
from tests.services import RedisServer


@pytest.fixture(params=["memory", "redis", "outage"])
def limiter(request: pytest.FixtureRequest) -> Iterator[Limiter]:
    if request.param == "memory":
        yield MemoryLimiter()
        return
    server: RedisServer = request.getfixturevalue("redis_server")
    url = server.url if request.param == "redis" else "redis://127.0.0.1:9"
    limiter = SharedLimiter(url)
    yield limiter
    limiter.stop()


def asks_of(organization: str, *, limit: int = 100, shared: int = 250, cost: int = 1) -> Iterator[Ask]:
    """Of one key after the other."""
    while True:
        yield Ask(uuid4().hex, limit=limit, cost=cost, shared=Shared(organization, shared))


def test_many_keys_together_get_no_more_than_the_organization(limiter: Limiter) -> None:
    some = [ask for ask, _ in zip(asks_of(uuid4().hex), range(40), strict=False)]

    granted = [sum(verdict.granted for verdict in limiter.hit(some)) for _ in range(20)]

    assert sum(granted) == 250
    assert granted[:7] == [40, 40, 40, 40, 40, 40, 10]


def test_what_one_limit_refuses_takes_no_place_in_the_other(limiter: Limiter) -> None:
    shared = Shared(uuid4().hex, 10)
    narrow, wide = Ask(uuid4().hex, limit=2, shared=shared), Ask(uuid4().hex, limit=100, cost=20, shared=shared)

    verdicts = limiter.hit([narrow, narrow, narrow, narrow, wide, wide])

    assert [verdict.granted for verdict in verdicts] == [1, 1, 0, 0, 8, 0]
    assert [verdict.own.remaining for verdict in verdicts] == [1, 0, 0, 0, 92, 92]


def test_the_limit_that_is_nearer_is_told(limiter: Limiter) -> None:
    asks = asks_of(uuid4().hex, limit=3, shared=5)
    one, other = next(asks), next(asks)

    verdicts = limiter.hit([one, one, one, one, other, other, other])

    assert [(verdict.scope, verdict.limit, verdict.remaining) for verdict in verdicts] == [
        (LimitScope.KEY, 3, 2),
        (LimitScope.KEY, 3, 1),
        (LimitScope.KEY, 3, 0),
        (LimitScope.KEY, 3, 0),
        (LimitScope.ORGANIZATION, 5, 1),
        (LimitScope.ORGANIZATION, 5, 0),
        (LimitScope.ORGANIZATION, 5, 0),
    ]
    assert 59 < verdicts[-1].reset_s <= 60


def test_exact_under_concurrency(limiter: Limiter) -> None:
    some = [ask for ask, _ in zip(asks_of(uuid4().hex), range(16), strict=False)]

    with ThreadPoolExecutor(8) as pool:
        granted = sum(pool.map(lambda turn: limiter.hit([some[turn % 16]])[0].granted, range(500)))

    assert granted == 250


def test_what_was_granted_while_redis_was_away_counts_for_the_organization_too(redis_server: RedisServer) -> None:
    now = [1000.0]
    limiter, organization = SharedLimiter(redis_server.url, now_s=lambda: now[0]), uuid4().hex
    asks = asks_of(organization, limit=100, shared=30)
    limiter.hit([next(asks)])
    limiter._is_away = True
    limiter._next_look_s = now[0] + 1
    meanwhile = sum(limiter.hit([next(asks)])[0].granted for _ in range(40))
    now[0] += 2

    verdict = limiter.hit([next(asks)])[0]

    limiter.stop()
    assert meanwhile == 29
    assert (verdict.granted, verdict.scope, verdict.backend) == (0, LimitScope.ORGANIZATION, Backend.REDIS)


def test_both_limits_of_a_request_are_in_one_slot_and_organizations_in_many() -> None:
    slots = set()
    for _ in range(20):
        ask = next(asks_of(uuid4().hex))
        own, shared = (key_slot(key.encode()) for key in (ask.key, ask.shared_key))
        assert own == shared
        slots.add(own)

    assert len(slots) > 10


@pytest.mark.parametrize(
    ("own", "plan", "is_sandbox", "limit"),
    [
        (None, None, False, 500),
        (None, 600, False, 3_000),
        (10, 600, False, 3_000),
        (None, 600, True, 150),
        (10_000, 600, False, 10_000),
        (10_000, 600, True, 150),
    ],
)
def test_an_organization_may_ask_as_much_as_five_keys(
    own: int | None, plan: int | None, is_sandbox: bool, limit: int
) -> None:
    assert organization_limit_of(own, plan, is_sandbox=is_sandbox) == limit


def limited_to(app: Flask, member: Member, checks_per_key: int) -> None:
    with app.app_context(), acting_as_system(), transaction():
        organization = db.session.get(Organization, member.organization_id)
        assert organization is not None
        organization.check_limit = checks_per_key


def test_many_keys_of_one_organization_get_what_five_would(app: Flask) -> None:
    member = organization_with_key(app, rate_limit=None)
    limited_to(app, member, 2)
    callers = [Caller(app.test_client(), another_key(app, member, rate_limit=None).secret) for _ in range(11)]

    answers = [caller.check() for caller in callers]

    assert [answer.status_code for answer in answers] == [200] * 10 + [429]
    assert [answer.headers["X-RateLimit-Scope"] for answer in (answers[0], answers[9])] == ["key", "organization"]
    refused = answers[10]
    assert refused.json["code"] == "organization_rate_limited"
    assert refused.json["detail"].startswith("All keys of this organization together can make 10 requests in 60 s.")
    assert refused.headers["RateLimit-Limit"] == "10"
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert callers[10].get("/v1/decisions").status_code == 200


def test_a_batch_beyond_the_organizations_limit_says_whose_it_was(app: Flask) -> None:
    member = organization_with_key(app, rate_limit=None)
    limited_to(app, member, 2)
    other = Caller(app.test_client(), another_key(app, member, rate_limit=2).secret)
    for _ in range(4):
        caller = Caller(app.test_client(), another_key(app, member, rate_limit=None).secret)
        caller.check()
        caller.check()
    caller.check()
    other.check()

    results = other.post("/v1/checks", {"checks": [{"model": "m", "operation": "chat"}] * 3}).json["results"]

    assert [result["status"] for result in results] == [200, 429, 429]


def test_other_requests_share_a_limit_of_their_own(app: Flask) -> None:
    member = organization_with_key(app, rate_limit=None)
    limited_to(app, member, 1)
    callers = [Caller(app.test_client(), another_key(app, member, rate_limit=None).secret) for _ in range(6)]

    statuses = [caller.get("/v1/policies").status_code for caller in callers]

    assert statuses == [200] * 5 + [429]
    assert callers[5].check().status_code == 200


def test_the_probe_says_whose_limit_is_nearer(app: Flask) -> None:
    member = organization_with_key(app, rate_limit=7)

    limit = Caller(app.test_client(), member.secret).post("/api/evaluate").json["rate_limit"]

    assert (limit["scope"], limit["limit"], limit["remaining"]) == ("key", 7, 6)
