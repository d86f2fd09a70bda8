"""Changes reach every process within a second, and an absent database is survived."""

import contextlib
import threading
import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

import psycopg
import pytest
from flask import Flask

from api.authentication import RevokedKey, authenticate
from api.keys import services as keys
from api.policies import services as policies
from api.runtime import runtime
from api.snapshots import store
from api.snapshots.store import Snapshots
from core.audit import SYSTEM
from core.clock import monotonic_s, utc_now
from core.connections import connect_as
from core.db import DatabaseRole, acting_as_system, transaction
from core.errors import ServiceUnavailable
from core.tokens import digest_of
from tests.cast import Member, organization_with_key
from tests.services import wait_until


@pytest.fixture
def member(live_app: Flask) -> Member:
    return organization_with_key(live_app)


def enter(app: Flask, member: Member) -> Any:
    return authenticate(
        f"Bearer {member.secret}",
        address="127.0.0.1",
        request_id="r",
        snapshots=runtime(app).snapshots,
        now=utc_now(),
    )


def revoke(app: Flask, member: Member) -> None:
    with app.app_context(), acting_as_system(), transaction():
        keys.revoke(member.organization_id, member.key_id, reason=None, by=SYSTEM, now=utc_now())


def within_a_second(is_true: Callable[[], bool]) -> None:
    started_s = monotonic_s()
    wait_until(is_true, "the change arrived", within_s=5)
    assert monotonic_s() - started_s < 1


def is_revoked(app: Flask, member: Member) -> bool:
    try:
        enter(app, member)
    except RevokedKey:
        return True
    return False


def test_a_revocation_holds_within_a_second_though_the_key_is_in_memory(live_app: Flask, member: Member) -> None:
    wait_until(lambda: runtime(live_app).snapshots.feed.epoch is not None, "the feed listens")
    enter(live_app, member)

    revoke(live_app, member)

    within_a_second(lambda: is_revoked(live_app, member))


def test_a_policy_change_holds_within_a_second(live_app: Flask, member: Member) -> None:
    wait_until(lambda: runtime(live_app).snapshots.feed.epoch is not None, "the feed listens")
    assert enter(live_app, member).organization.policy.version == 1

    with live_app.app_context(), acting_as_system(), transaction():
        policies.change(member.organization_id, "max_risk_score", 60, by=SYSTEM, now=utc_now())

    within_a_second(lambda: bool(enter(live_app, member).organization.policy.version == 2))


def test_what_is_current_is_answered_from_memory(live_app: Flask, member: Member) -> None:
    snapshots = runtime(live_app).snapshots
    wait_until(lambda: snapshots.feed.epoch is not None, "the feed listens")
    enter(live_app, member)
    calls: list[str] = []
    rows = snapshots._rows
    snapshots._rows = lambda query, names: calls.append(query) or rows(query, names)  # type: ignore[method-assign,func-returns-value]

    for _ in range(5):
        enter(live_app, member)

    assert calls == []


def test_a_look_up_under_way_cannot_put_an_old_state_back(live_app: Flask, member: Member) -> None:
    """The read began before the revocation and ends after it was announced."""
    snapshots = runtime(live_app).snapshots
    wait_until(lambda: snapshots.feed.epoch is not None, "the feed listens")
    read = snapshots._keys._read
    is_reading, may_go_on = threading.Event(), threading.Event()

    def slow_read(names: Any) -> Any:
        found = read(names)
        is_reading.set()
        may_go_on.wait(5)
        return found

    snapshots._keys._read = slow_read
    reader = threading.Thread(target=lambda: enter_quietly(live_app, member))
    reader.start()
    is_reading.wait(5)
    changes = snapshots._keys._changes
    revoke(live_app, member)
    wait_until(lambda: snapshots._keys._changes > changes, "the revocation was announced")
    may_go_on.set()
    reader.join(5)
    snapshots._keys._read = read

    assert is_revoked(live_app, member)


def enter_quietly(app: Flask, member: Member) -> None:
    with contextlib.suppress(RevokedKey):
        enter(app, member)


class FlakyDatabase:
    """Connections that can be cut and refused."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.is_away = False
        self._open: list[psycopg.Connection[Any]] = []

    def connect(self) -> psycopg.Connection[Any]:
        if self.is_away:
            raise psycopg.OperationalError
        self._open.append(connect_as(DatabaseRole.SYSTEM, self._url))
        return self._open[-1]

    def go_away(self) -> None:
        self.is_away = True
        for connection in self._open:
            connection.close()

    def break_off(self) -> None:
        """It ends all connections, and whoever has one hears of it when it is used."""
        with psycopg.connect(self._url) as by_hand:
            for connection in self._open:
                by_hand.execute("SELECT pg_terminate_backend(%s, 5000)", [connection.info.backend_pid])


@pytest.fixture
def flaky(live_url: str) -> FlakyDatabase:
    return FlakyDatabase(live_url)


def digest(member: Member) -> bytes:
    return digest_of(member.secret)


def test_while_the_database_is_away_the_last_good_snapshot_serves(flaky: FlakyDatabase, member: Member) -> None:
    snapshots = Snapshots(flaky.connect, max_age_s=60)
    snapshots.feed.start()
    wait_until(lambda: snapshots.feed.epoch is not None, "the feed listens")
    assert snapshots.key(digest(member)) is not None
    snapshots.organization(member.organization_id)

    flaky.go_away()
    wait_until(lambda: snapshots.feed.epoch is None, "the feed noticed")

    assert snapshots.key(digest(member)) is not None
    assert snapshots.organization(member.organization_id).policy is not None
    with pytest.raises(ServiceUnavailable):
        snapshots.key(b"never seen before")
    snapshots.close()


def test_a_snapshot_that_is_too_old_serves_no_more(flaky: FlakyDatabase, member: Member) -> None:
    snapshots = Snapshots(flaky.connect, max_age_s=0.05)
    snapshots.key(digest(member))
    flaky.go_away()
    time.sleep(0.1)

    with pytest.raises(ServiceUnavailable):
        snapshots.key(digest(member))


def test_after_an_absence_everything_is_read_again(live_app: Flask, flaky: FlakyDatabase, member: Member) -> None:
    """A revocation that was announced while nobody listened is not missed."""
    snapshots = Snapshots(flaky.connect, max_age_s=60)
    snapshots.feed.start()
    wait_until(lambda: snapshots.feed.epoch is not None, "the feed listens")
    snapshots.key(digest(member))
    flaky.go_away()
    wait_until(lambda: snapshots.feed.epoch is None, "the feed noticed")

    revoke(live_app, member)
    flaky.is_away = False
    wait_until(lambda: snapshots.feed.epoch is not None, "the feed listens again")

    def is_known_as_revoked() -> bool:
        key = snapshots.key(digest(member))
        return key is not None and key.revoked_at is not None

    within_a_second(is_known_as_revoked)
    snapshots.close()


def test_a_connection_that_broke_is_made_again_at_once(flaky: FlakyDatabase, live_app: Flask, member: Member) -> None:
    """As all do at a failover, and the first to notice may ask for a key that is in no memory."""
    snapshots = Snapshots(flaky.connect, max_age_s=60)
    snapshots.key(digest(member))
    other = organization_with_key(live_app)

    flaky.break_off()

    assert snapshots.key(digest(other)) is not None
    snapshots.close()


def test_a_database_that_the_feed_hears_is_asked_again(
    flaky: FlakyDatabase, member: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "RETRY_AFTER_S", 60)
    snapshots = Snapshots(flaky.connect, max_age_s=60)
    flaky.is_away = True
    with pytest.raises(ServiceUnavailable):
        snapshots.key(digest(member))
    flaky.is_away = False
    with pytest.raises(ServiceUnavailable):
        snapshots.key(digest(member))

    snapshots.feed.start()
    wait_until(lambda: snapshots.feed.epoch is not None, "the feed listens")

    assert snapshots.key(digest(member)) is not None
    snapshots.close()


def test_an_unknown_organization_is_no_reason_to_allow(flaky: FlakyDatabase) -> None:
    snapshots = Snapshots(flaky.connect, max_age_s=60)

    with pytest.raises(ServiceUnavailable):
        snapshots.organization(UUID(int=1))
    snapshots.close()
