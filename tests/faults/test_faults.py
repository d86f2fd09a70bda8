"""Kill what can be killed, under load, and count: every acknowledged decision is in the log exactly once.

The service is the real one with two web processes; PostgreSQL and Redis are this test's own, to be killed at will.
"""

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from core.clock import monotonic_s
from tests.cast import Member
from tests.faults.load import Load, assert_every_acknowledged_decision_is_kept_once
from tests.faults.processes import held_still, kill, postgres_processes, web_processes
from tests.services import RedisServer, status_of, wait_until

pytestmark = pytest.mark.faults


def kill_postgres(server: Any) -> None:
    kill(postgres_processes(server))


def start_postgres(server: Any) -> None:
    server.ensure_postgres_running()


@pytest.mark.parametrize("durability", ["database", "disk", "process"])
def test_killed_web_processes_lose_nothing(url: str, member: Member, service_with: Any, durability: str) -> None:
    service = service_with(DECISION_DURABILITY=durability)
    with Load(service.port, member.secret) as load:
        for _ in range(3):
            load.more(150)
            web_processes(service)[0].kill()
        load.more(150)

    assert set(load.statuses) == {200}
    assert_every_acknowledged_decision_is_kept_once(url, load)


@pytest.mark.parametrize("durability", ["database", "process"])
def test_while_postgresql_is_dead_checks_go_on_and_nothing_is_lost(
    database: Any, url: str, member: Member, service_with: Any, durability: str
) -> None:
    service = service_with(DECISION_DURABILITY=durability)
    with Load(service.port, member.secret) as load:
        load.more(200)
        kill_postgres(database)
        load.more(400)
        start_postgres(database)
        load.more(200)

    assert set(load.statuses) == {200}
    assert_every_acknowledged_decision_is_kept_once(url, load)


def test_while_postgresql_hangs_checks_go_on_from_the_spool(
    database: Any, url: str, member: Member, service_with: Any
) -> None:
    """A server that is there but answers nobody: a stuck disk, a paused machine."""
    service = service_with()
    with Load(service.port, member.secret) as load:
        load.more(200)
        with held_still(postgres_processes(database)):
            load.more(200)
            began_s = monotonic_s()
            while_frozen = (status_of(f"{service.url}/health/live"), status_of(f"{service.url}/health/ready"))
            took_s = monotonic_s() - began_s
        load.more(200)

    assert while_frozen == (200, 503)
    assert took_s < 5
    assert set(load.statuses) == {200}
    assert_every_acknowledged_decision_is_kept_once(url, load)


def test_redis_lost_in_mid_load_fails_no_request_and_is_used_again_when_back(
    url: str, member: Member, service_with: Any, tmp_path: Path
) -> None:
    with RedisServer(tmp_path) as redis_server:
        service = service_with(REDIS_URL=redis_server.url)
        with Load(service.port, member.secret) as load:
            load.more(150)
            redis_server.kill()
            load.more(300)
            redis_server.start()
            wait_until(lambda: load.backends["redis"] > 0, "redis was used")
            on_redis = load.backends["redis"]
            wait_until(lambda: load.backends["redis"] > on_redis + 100, "redis is used again")

    assert set(load.statuses) == {200}
    assert set(load.backends) == {"redis", "memory"}
    assert_every_acknowledged_decision_is_kept_once(url, load)


def test_a_full_disk_and_no_database_is_503_and_never_allowed(
    database: Any, url: str, member: Member, service_with: Any
) -> None:
    """The spool may hold one megabyte; beyond it nothing can be made durable."""
    service = service_with(SPOOL_MAX_BYTES="1000000")
    with Load(service.port, member.secret) as load:
        load.more(100)
        kill_postgres(database)
        wait_until(lambda: load.statuses[503] > 20, "the spools are full", within_s=120)
        start_postgres(database)
        load.more(100)

    assert set(load.statuses) == {200, 503}
    assert_every_acknowledged_decision_is_kept_once(url, load)


def test_the_whole_service_killed_at_once_brings_the_spool_home_on_the_next_start(
    url: str, member: Member, service_with: Any
) -> None:
    service = service_with(DECISION_DURABILITY="process")
    with Load(service.port, member.secret) as load:
        load.more(300)
        os.killpg(service.pid, signal.SIGKILL)

    service_with(DECISION_DURABILITY="process")

    assert_every_acknowledged_decision_is_kept_once(url, load)


def test_a_stopped_service_leaves_nothing_in_the_spool(
    url: str, member: Member, service_with: Any, tmp_path: Path
) -> None:
    service = service_with(DECISION_DURABILITY="process")
    with Load(service.port, member.secret) as load:
        load.more(200)
    service.stop()

    assert list((tmp_path / "spool").rglob("*.ndjson")) == []
    assert_every_acknowledged_decision_is_kept_once(url, load)


def test_a_service_that_starts_while_postgresql_is_dead_goes_by_what_the_machine_knew(
    database: Any, url: str, member: Member, service_with: Any, tmp_path: Path
) -> None:
    service = service_with(WEB_WORKERS="1")
    with Load(service.port, member.secret) as load:
        load.more(20)
        wait_until((tmp_path / "snapshots" / "last").exists, "what is known is on the disk", within_s=120)
    service.stop_gracefully()
    kill_postgres(database)
    try:
        service.start()
        with Load(service.port, member.secret) as later:
            later.more(100)
    finally:
        start_postgres(database)

    assert_every_acknowledged_decision_is_kept_once(url, load)
    assert_every_acknowledged_decision_is_kept_once(url, later)
