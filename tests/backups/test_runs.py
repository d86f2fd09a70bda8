"""What is on record: success and failure, what was cut off, what is cleared away, and what the gauges say."""

from datetime import timedelta
from pathlib import Path

import msgspec
import psycopg
import pytest
from flask import Flask
from sqlalchemy import select

from api.decisions import retention
from backups import erasures, making, replacing, runs, services
from backups.backup_repository import DUMP, MANIFEST, BackupRepository
from backups.errors import BackupTrouble
from backups.models import MOVES, BackupRun, Erasure, RunKind, RunStatus
from backups.names import BackupKind, BackupName, new_name
from backups.place import Place
from backups.restoring import NotTheSame
from backups.stores import Store
from core import observability
from core.audit import COMMAND_LINE, AuditEvent
from core.clock import utc_now
from core.db import acting_as_system, db, transaction
from tests.backups.scene import back_up

NOW = utc_now()


class Crash(BaseException):
    """The process ends here."""


class CrashingStore(Store):
    """Ends the process in the moment a name with this ending is put."""

    def __init__(self, store: Store, ending: str) -> None:
        super().__init__(store._objects)
        self._ending = ending

    def put(self, name: str, content: Path | bytes) -> None:
        if name.endswith(self._ending):
            raise Crash
        super().put(name, content)


def with_store(place: Place, store: Store) -> Place:
    repository = BackupRepository(store, place.repository.keys, place.settings.data_path / "backup-work")
    return msgspec.structs.replace(place, repository=repository)


def with_settings(place: Place, **changes: str) -> Place:
    return msgspec.structs.replace(place, settings=msgspec.structs.replace(place.settings, **changes))


def audited(action: str) -> list[AuditEvent]:
    with acting_as_system():
        return list(db.session.scalars(select(AuditEvent).where(AuditEvent.action == action)))


def gauges() -> dict[str, float]:
    with acting_as_system():
        page = observability.metrics_page()[0].decode()
    lines = [line.split() for line in page.splitlines() if line.startswith("aig_backup")]
    return {name: float(value) for name, value in lines}


def runs_on_record() -> list[tuple[str, str]]:
    with acting_as_system():
        return [(run.kind, run.status) for run in services.latest_runs(20)]


def test_every_kind_of_backup_can_be_on_record() -> None:
    assert {kind.value for kind in BackupKind} <= {kind.value for kind in RunKind}


@pytest.mark.parametrize("kind", RunKind)
def test_every_kind_of_run_can_be_kept(app: Flask, kind: RunKind) -> None:
    with app.app_context():
        with runs.on_record(kind, new_name(BackupKind.NIGHTLY, now=NOW), by=COMMAND_LINE, now=NOW):
            pass

        assert runs_on_record() == [(kind, RunStatus.SUCCEEDED)]


@pytest.mark.parametrize("before", RunStatus)
@pytest.mark.parametrize("after", RunStatus)
def test_a_run_that_has_ended_stays_as_it_ended(app: Flask, before: RunStatus, after: RunStatus) -> None:
    name = new_name(BackupKind.NIGHTLY, now=NOW)
    with app.app_context(), acting_as_system(), transaction():
        run_id = runs._begin(RunKind.NIGHTLY, name, now=NOW)
        assert run_id is not None
        if before is not RunStatus.RUNNING:
            runs._move(run_id, before, now=NOW)

        moved = after is not RunStatus.RUNNING and runs._move(run_id, after, now=NOW)

    assert moved == (after in MOVES[before])


def test_a_night_makes_a_backup_proves_it_and_says_so(place: Place) -> None:
    making.nightly(place, now=NOW)

    assert runs_on_record() == [(RunKind.VERIFICATION, RunStatus.SUCCEEDED), (RunKind.NIGHTLY, RunStatus.SUCCEEDED)]
    assert len(audited("backup.verified")) == 1
    with acting_as_system():
        status = services.status(utc_now())
        made = db.session.scalars(select(BackupRun).where(BackupRun.kind == RunKind.NIGHTLY)).one()
    assert (status.failure, status.is_overdue) == (None, False)
    assert status.last_backup_bytes == place.repository.stored()[0].size_bytes
    assert made.verified_at == status.last_verified_at
    assert made.restore_s is not None
    assert made.duration is not None


def test_the_gauges_say_how_old_how_large_and_how_long(place: Place) -> None:
    assert gauges() == {"aig_backup_last_failed": 0}
    now = utc_now()

    making.nightly(place, now=now)

    found = gauges()
    assert found["aig_backup_last_failed"] == 0
    assert found["aig_backup_size_bytes"] > 10_000
    assert 0 < found["aig_backup_restore_duration_seconds"] < 60
    made, proven = (
        found["aig_backup_last_success_timestamp_seconds"],
        found["aig_backup_last_verified_timestamp_seconds"],
    )
    assert now.timestamp() < made <= proven < now.timestamp() + 120


def test_a_failure_is_on_record_told_of_and_seen_by_the_gauge(place: Place) -> None:
    broken = with_settings(place, postgres_bin="/nowhere")

    with pytest.raises(BackupTrouble, match="POSTGRES_BIN"):
        making.nightly(broken, now=NOW)

    assert runs_on_record() == [(RunKind.NIGHTLY, RunStatus.FAILED)]
    [event] = audited("backup.failed")
    assert event.organization_id is None
    assert "POSTGRES_BIN" in str(event.after)
    assert gauges()["aig_backup_last_failed"] == 1
    assert place.repository.stored() == []


def test_the_next_good_night_quiets_the_gauge(place: Place) -> None:
    with pytest.raises(BackupTrouble):
        making.nightly(with_settings(place, postgres_bin="/nowhere"), now=NOW - timedelta(hours=1))

    making.nightly(place, now=NOW)

    assert gauges()["aig_backup_last_failed"] == 0


def test_a_restore_that_brings_something_else_is_found_out(place: Place) -> None:
    name = back_up(place)
    manifest = place.repository.manifest(name)
    tables = tuple(
        msgspec.structs.replace(table, checksum="1") if table.name == "public.alembic_version" else table
        for table in manifest.tables
    )
    with place.repository.fetched(manifest) as sealed:
        place.repository.save(msgspec.structs.replace(manifest, tables=tables), sealed)

    with pytest.raises(NotTheSame, match="alembic_version has as many rows as it should, but not the same"):
        making.verify(place, name, by=COMMAND_LINE, now=utc_now())

    assert runs_on_record()[0] == (RunKind.VERIFICATION, RunStatus.FAILED)
    assert gauges()["aig_backup_last_failed"] == 1


@pytest.mark.parametrize("ending", [DUMP, MANIFEST])
def test_a_crash_in_the_middle_leaves_nothing_that_looks_like_a_backup(place: Place, ending: str) -> None:
    with pytest.raises(Crash):
        back_up(with_store(place, CrashingStore(place.repository.store, ending)))

    assert place.repository.stored() == []
    assert runs_on_record() == [(RunKind.BY_HAND, RunStatus.FAILED)]


def test_half_a_backup_goes_after_a_day_and_not_before(place: Place) -> None:
    with pytest.raises(Crash):
        back_up(with_store(place, CrashingStore(place.repository.store, MANIFEST)))
    whole = back_up(place)
    (place.settings.data_path / "backups" / "notes.txt").write_text("somebody's own")

    place.repository.tidy(now=utc_now())
    assert len(place.repository.store.stored()) == 4
    place.repository.tidy(now=utc_now() + timedelta(days=2))

    assert {one.name for one in place.repository.store.stored()} == {
        f"{whole}{DUMP}",
        f"{whole}{MANIFEST}",
        "notes.txt",
    }


def test_a_manifest_whose_dump_is_gone_is_no_backup(place: Place) -> None:
    name = back_up(place)

    place.repository.store.delete([f"{name}{DUMP}"])

    assert place.repository.stored() == []


def test_a_run_whose_process_ended_without_a_word_has_failed(place: Place) -> None:
    runs._begin(RunKind.NIGHTLY, new_name(BackupKind.NIGHTLY, now=NOW), now=NOW - timedelta(hours=7))
    runs._begin(RunKind.BY_HAND, new_name(BackupKind.BY_HAND, now=NOW), now=NOW)

    with acting_as_system(), transaction():
        runs.give_up_lost(now=NOW)

    assert runs_on_record() == [(RunKind.BY_HAND, RunStatus.RUNNING), (RunKind.NIGHTLY, RunStatus.FAILED)]
    assert len(audited("backup.failed")) == 1


def test_an_unforeseen_error_is_kept_without_its_words(place: Place) -> None:
    with (
        pytest.raises(RuntimeError),
        runs.on_record(RunKind.BY_HAND, new_name(BackupKind.BY_HAND, now=NOW), by=COMMAND_LINE, now=NOW),
    ):
        raise RuntimeError("postgresql://ada:secret@db")

    [event] = audited("backup.failed")
    assert "secret" not in str(event.after)
    assert "RuntimeError" in str(event.after)


def copied_to(place: Place, name: BackupName, *, days_ago: int) -> BackupName:
    """The same backup, as if it had been made earlier."""
    older = new_name(BackupKind.NIGHTLY, now=NOW - timedelta(days=days_ago))
    manifest = place.repository.manifest(name)
    with place.repository.fetched(manifest) as sealed:
        place.repository.save(msgspec.structs.replace(manifest, name=str(older)), sealed)
    return older


def test_backups_go_after_fourteen_days_and_erasures_with_them(place: Place) -> None:
    newest = back_up(place)
    kept = [copied_to(place, newest, days_ago=days) for days in (13, 1)]
    gone = copied_to(place, newest, days_ago=16)
    with acting_as_system(), transaction():
        for days in (40, 3):
            erasures.note_erasure(retention.SUBJECT, {}, now=NOW - timedelta(days=days))
        erasures.copy_waiting(place.repository)

    assert making.clear_away(place, now=NOW) == [gone]

    assert {one.name for one in place.repository.stored()} == {newest, *kept}
    with acting_as_system():
        assert len(db.session.scalars(select(Erasure)).all()) == 1
        assert erasures.made_since(place.repository) == []
    assert len(place.repository.store.stored(erasures.FOLDER)) == 1


def test_a_broken_night_clears_nothing_away(place: Place) -> None:
    old = copied_to(place, back_up(place), days_ago=30)

    with pytest.raises(BackupTrouble):
        making.nightly(with_settings(place, postgres_bin="/nowhere"), now=NOW)

    assert old in {one.name for one in place.repository.stored()}


def test_the_place_where_backups_are_tried_is_ours_or_left_alone(place: Place) -> None:
    name = back_up(place)
    with psycopg.connect(place.database_url, autocommit=True) as connection:
        row = connection.execute("SELECT current_database()").fetchone()
        assert row is not None
        theirs = f"{row[0]}_restore_check"
        connection.execute(f'CREATE DATABASE "{theirs}"'.encode())
    try:
        with pytest.raises(BackupTrouble, match="not ours"):
            making.verify(place, name, by=COMMAND_LINE, now=NOW)
    finally:
        with psycopg.connect(place.database_url, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE "{theirs}"'.encode())


def test_what_is_overdue_is_what_no_restore_has_proven_for_a_night(home: Flask, place: Place) -> None:
    with acting_as_system():
        assert services.is_overdue(now=NOW)
    making.nightly(place, now=NOW)

    with acting_as_system():
        assert not services.is_overdue(now=NOW + timedelta(hours=24))
        assert services.is_overdue(now=NOW + timedelta(hours=26))


def test_erasures_are_caught_up_with_once(place: Place) -> None:
    with acting_as_system(), transaction():
        erasures.note_erasure(retention.SUBJECT, {}, now=NOW)
        erasures.copy_waiting(place.repository)

    assert replacing.catch_up(place, now=NOW) == 0
