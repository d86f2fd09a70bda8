"""A process that starts while the database is away goes by what its machine knew, as long as that is fit to use."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from flask import Flask

from api.authentication import Caller, RevokedKey, UnknownKey, authenticate
from api.keys import services as keys
from api.policies.evaluator import CheckFacts, evaluate
from api.runtime import runtime
from api.snapshots import disk as on_disk
from api.snapshots.disk import DiskSnapshots
from api.snapshots.store import Snapshots
from core.audit import SYSTEM
from core.clock import utc_now
from core.db import acting_as_system, transaction
from core.errors import ServiceUnavailable
from tests.cast import Member, organization_with_key
from tests.services import wait_until

SECRET = ("a secret of this installation, long enough",)
HOUR_S = 3_600.0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "kept" / "last"


@pytest.fixture
def member(live_app: Flask) -> Member:
    return organization_with_key(live_app, allowed_networks=("192.0.2.0/24", "2001:db8::/32"))


@pytest.fixture
def running(live_app: Flask, path: Path) -> Iterator[Snapshots]:
    """A process that hears from the database and writes to the disk."""
    connect = runtime(live_app).snapshots._connect
    snapshots = Snapshots(connect, max_age_s=HOUR_S, disk=kept_at(path))
    snapshots.feed.start()
    wait_until(lambda: snapshots.feed.epoch is not None, "the feed listens")
    yield snapshots
    snapshots.close()


def kept_at(path: Path, *, secret_keys: tuple[str, ...] = SECRET, max_age_s: float = HOUR_S) -> DiskSnapshots:
    return DiskSnapshots(path, secret_keys=secret_keys, max_age_s=max_age_s)


def away() -> Any:
    raise psycopg.OperationalError("the database is away")


def enter(snapshots: Snapshots, member: Member) -> Caller:
    return authenticate(
        f"Bearer {member.secret}", address="192.0.2.7", request_id="r", snapshots=snapshots, now=utc_now()
    )


def entered_without_database(path: Path, member: Member, **options: Any) -> Caller:
    snapshots = Snapshots(away, max_age_s=HOUR_S, disk=kept_at(path, **options))
    snapshots.feed.start()
    try:
        wait_until(lambda: snapshots.feed.is_lost, "the feed has failed")
        return enter(snapshots, member)
    finally:
        snapshots.close()


def test_a_process_that_starts_without_the_database_decides_as_one_that_knows_it(
    running: Snapshots, path: Path, member: Member
) -> None:
    before = enter(running, member)
    running.write_to_disk()

    after = entered_without_database(path, member)

    facts = CheckFacts(model="gpt-4o", operation="chat", metadata={"contains_personal_data": True})
    assert after.key == before.key
    assert (before.organization.policy, after.organization.policy) != (None, None)
    assert after.organization.subject_secret == before.organization.subject_secret
    assert evaluate(after.organization.policy, facts) == evaluate(before.organization.policy, facts)  # type: ignore[arg-type]


def test_without_anything_on_disk_it_refuses_as_before(path: Path, member: Member) -> None:
    with pytest.raises(ServiceUnavailable):
        entered_without_database(path, member)


def test_what_is_too_old_is_not_used(
    running: Snapshots, path: Path, member: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    enter(running, member)
    running.write_to_disk()
    monkeypatch.setattr(on_disk, "utc_now", lambda: utc_now() + timedelta(seconds=HOUR_S + 1))

    with pytest.raises(ServiceUnavailable):
        entered_without_database(path, member)


def test_what_is_from_the_future_is_not_used(
    running: Snapshots, path: Path, member: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    enter(running, member)
    running.write_to_disk()
    monkeypatch.setattr(on_disk, "utc_now", lambda: utc_now() - timedelta(minutes=5))

    with pytest.raises(ServiceUnavailable):
        entered_without_database(path, member)


def test_another_secret_opens_nothing_and_the_former_one_does(running: Snapshots, path: Path, member: Member) -> None:
    enter(running, member)
    running.write_to_disk()

    with pytest.raises(ServiceUnavailable):
        entered_without_database(path, member, secret_keys=("another secret altogether, long enough",))
    assert entered_without_database(path, member, secret_keys=("a new secret, which is long enough", *SECRET))


def test_nothing_can_be_read_from_the_file_and_by_nobody_else(running: Snapshots, path: Path, member: Member) -> None:
    enter(running, member)
    running.write_to_disk()

    assert member.slug.encode() not in path.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_file_that_broke_off_is_as_if_it_were_not_there(running: Snapshots, path: Path, member: Member) -> None:
    enter(running, member)
    running.write_to_disk()
    path.write_bytes(path.read_bytes()[:100])

    with pytest.raises(ServiceUnavailable):
        entered_without_database(path, member)


def test_a_key_that_was_revoked_is_gone_with_the_next_time_it_is_written(
    running: Snapshots, live_app: Flask, path: Path, member: Member
) -> None:
    enter(running, member)
    running.write_to_disk()
    with live_app.app_context(), acting_as_system(), transaction():
        keys.revoke(member.organization_id, member.key_id, reason=None, by=SYSTEM, now=utc_now())

    def is_revoked() -> bool:
        try:
            enter(running, member)
        except RevokedKey:
            return True
        return False

    wait_until(is_revoked, "the change arrived")
    running.write_to_disk()

    with pytest.raises((RevokedKey, UnknownKey)):
        entered_without_database(path, member)


def test_processes_of_a_machine_keep_what_the_others_know(running: Snapshots, live_app: Flask, path: Path) -> None:
    one, two = organization_with_key(live_app), organization_with_key(live_app)
    other = Snapshots(running._connect, max_age_s=HOUR_S, disk=kept_at(path))
    other.feed.start()
    wait_until(lambda: other.feed.epoch is not None, "the feed listens")
    other.write_to_disk()
    enter(running, one)
    running.write_to_disk()
    enter(other, two)
    other.write_to_disk()
    other.close()

    assert [entered_without_database(path, member).key.id for member in (one, two)] == [one.key_id, two.key_id]
