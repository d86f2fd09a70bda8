"""What the clock starts, and how a dump and the purge take turns."""

import threading
from typing import Any

import msgspec
import psycopg
import pytest
from flask import Flask

from api.decisions import retention
from backups import jobs, services, turns
from backups.errors import BackupTrouble
from backups.place import Place
from backups.programs import connected
from core import current
from core import jobs as queue
from core.clock import utc_now
from core.db import transaction
from tests.backups.scene import count
from tests.core.test_jobs import leave_job, let_due_within_s
from tests.services import wait_until

WAITING = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"


@pytest.mark.parametrize("task", [jobs.back_up, jobs.back_up_if_missed])
def test_the_worker_makes_a_backup_and_proves_it(
    home: Flask, place: Place, task: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_due_within_s(monkeypatch, 0)
    leave_job(place.database_url, task.name)  # type: ignore[attr-defined]

    queue.run_worker(home, until_done=True)

    assert count(place, "SELECT count(*) FROM backup_run WHERE status = 'succeeded'") == 2
    assert count(place, "SELECT count(*) FROM jobs.procrastinate_jobs WHERE status <> 'succeeded'") == 0


def test_an_hourly_look_makes_no_second_backup(place: Place) -> None:
    jobs.back_up.func(timestamp=0)

    jobs.back_up_if_missed.func(timestamp=0)

    assert count(place, "SELECT count(*) FROM backup_run WHERE kind = 'nightly'") == 1


@pytest.mark.parametrize("task", [jobs.back_up, jobs.back_up_if_missed])
def test_a_store_that_cannot_be_used_is_a_failed_backup(home: Flask, place: Place, task: Any) -> None:
    (place.settings.data_path / "file").write_text("in the way")
    elsewhere = f"file://{place.settings.data_path}/file/backups"
    home.extensions[current.EXTENSION] = msgspec.structs.replace(place.settings, backup_url=elsewhere)

    with pytest.raises(BackupTrouble, match="BACKUP_URL"):
        task.func(timestamp=0)

    assert count(place, "SELECT count(*) FROM audit_event WHERE action = 'backup.failed'") == 1
    assert count(place, "SELECT count(*) FROM backup_run WHERE status = 'failed'") == 1


def test_backups_are_made_at_two() -> None:
    assert jobs.DAILY_AT_TWO == "0 2 * * *"
    assert services.NIGHTLY_AT.hour == 2


def test_a_purge_waits_for_a_dump_and_holds_nothing_up_meanwhile(home: Flask, place: Place) -> None:
    def purge() -> None:
        with home.app_context(), transaction():
            retention.purge(now=utc_now())

    with connected(place.database_url) as dumping:
        turns.take_turn(dumping)
        purging = threading.Thread(target=purge)
        purging.start()
        wait_until(lambda: count(place, WAITING) == 1, "the purge waits")
        with psycopg.connect(place.database_url) as connection:
            connection.execute("SET lock_timeout = '1s'")
            connection.execute("LOCK TABLE decision IN ROW EXCLUSIVE MODE")  # as whoever records a decision
        assert count(place, "SELECT count(*) FROM purge_run") == 0

    purging.join(20)
    assert count(place, "SELECT count(*) FROM purge_run") == 1


def test_two_dumps_at_once_take_turns(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "_PATIENCE", "200ms")

    with (
        connected(place.database_url) as first,
        connected(place.database_url) as second,
    ):
        turns.take_turn(first)

        with pytest.raises(turns.Busy):
            turns.take_turn(second)
