"""A backup before each migration, which a failed backup stops."""

import flask_migrate
import msgspec
import psycopg
import pytest
from flask import Flask

from backups import migrating, replacing
from backups.names import BackupKind
from backups.place import Place
from core import current
from core.audit import SYSTEM
from core.clock import utc_now
from core.db import db
from tests.backups.scene import count, destroy, run
from tests.databases import ROOT


def one_migration_is_pending() -> None:
    flask_migrate.downgrade(directory=str(ROOT / "migrations"), revision="-1")
    db.engine.dispose()


def revision(place: Place) -> str:
    with psycopg.connect(place.database_url) as connection:
        [(found,)] = connection.execute("SELECT version_num FROM alembic_version").fetchall()
        return str(found)


def test_a_pending_migration_is_preceded_by_a_backup(place: Place) -> None:
    newest = revision(place)
    one_migration_is_pending()
    before = revision(place)

    migrating.upgrade(now=utc_now())

    [kept] = place.repository.stored()
    assert kept.name.kind is BackupKind.BEFORE_MIGRATION
    assert place.repository.manifest(kept.name).revision == before != newest
    assert revision(place) == newest


def test_a_backup_from_before_a_migration_comes_back_migrated(place: Place) -> None:
    newest = revision(place)
    one_migration_is_pending()
    migrating.upgrade(now=utc_now())
    [kept] = place.repository.stored()
    destroy(place)

    replacing.restore(place, kept.name, replace=False, by=SYSTEM, now=utc_now())

    assert revision(place) == newest


def test_a_failed_backup_stops_the_migration(home: Flask, place: Place) -> None:
    one_migration_is_pending()
    before = revision(place)
    home.extensions[current.EXTENSION] = msgspec.structs.replace(place.settings, postgres_bin="/nowhere")

    with pytest.raises(migrating.MigrationStopped, match=r"Nothing was migrated or released.*POSTGRES_BIN"):
        migrating.upgrade(now=utc_now())

    assert revision(place) == before


def test_where_nothing_is_pending_nothing_is_backed_up(place: Place) -> None:
    assert migrating.back_up_if_due(now=utc_now()) is None
    assert place.repository.stored() == []


def test_a_release_is_preceded_by_a_backup_also_where_nothing_is_to_be_migrated(place: Place) -> None:
    made = migrating.back_up_for_release(now=utc_now())

    [kept] = place.repository.stored()
    assert made is not None
    assert str(kept.name) == made.name
    assert kept.name.kind is BackupKind.BEFORE_RELEASE
    assert count(place, "SELECT count(*) FROM backup_run WHERE kind = 'before-release' AND status = 'succeeded'") == 1


def test_a_release_with_a_migration_is_on_record_in_the_schema_of_before(place: Place) -> None:
    one_migration_is_pending()

    migrating.back_up_for_release(now=utc_now())

    assert [one.name.kind for one in place.repository.stored()] == [BackupKind.BEFORE_MIGRATION]


def test_the_first_release_of_all_has_nothing_to_back_up(place: Place) -> None:
    destroy(place)

    assert migrating.back_up_for_release(now=utc_now()) is None


def test_an_empty_database_is_migrated_without_a_backup(place: Place) -> None:
    destroy(place)

    migrating.upgrade(now=utc_now())

    assert place.repository.stored() == []
    assert count(place, "SELECT count(*) FROM organization") == 0


def test_a_deployment_asks_for_it_by_command(home: Flask, place: Place) -> None:
    one_migration_is_pending()

    code, out, _ = run(home, "backup", "create", "--before-release")
    home.extensions[current.EXTENSION] = msgspec.structs.replace(place.settings, postgres_bin="/nowhere")
    failed, _, err = run(home, "backup", "create", "--before-release")

    assert (code, failed) == (0, 1)
    assert out.strip() == str(place.repository.stored()[0].name)
    assert err.startswith("Error: Nothing was migrated")
    assert "Traceback" not in err
