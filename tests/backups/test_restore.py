"""Backup, destroy, restore: what comes back is what was there, and what was erased since does not."""

from datetime import timedelta
from threading import Timer
from uuid import UUID

import psycopg
import pytest
from flask import Flask
from sqlalchemy import select, update

from api.checks.service import hash_subject
from api.decisions import retention
from backups import erasures, jobs, making, replacing, restoring
from backups.models import BackupRun, Erasure, RunKind, RunStatus
from backups.names import BackupKind, BackupName
from backups.place import Place
from core.accounts import Organization, OrganizationStatus
from core.audit import COMMAND_LINE
from core.clock import utc_now
from core.db import acting_as_system, db, transaction
from core.members import Role, User
from portal.customer.offboarding import closing, deletion
from tests.backups.scene import DECISIONS, back_up, contents, count, destroy, fill
from tests.cast import organization_with_key
from tests.people import person

OWN_RECORDS = ("public.backup_run", "public.audit_event", "public.erasure", "public.purge_run")
SECRET = "SELECT hashtext(subject_secret::text) FROM organization WHERE slug = %s"
OF_SUBJECT = "SELECT count(*) FROM decision WHERE subject IS NOT NULL"


def restore(place: Place, name: BackupName, *, replace: bool = False) -> replacing.Restored:
    return replacing.restore(place, name, replace=replace, by=COMMAND_LINE, now=utc_now())


def copy_erasures(place: Place) -> None:
    """As the worker does."""
    with acting_as_system(), transaction():
        erasures.copy_waiting(place.repository)


def erase(place: Place, organization_id: UUID, pseudonym: str) -> None:
    with acting_as_system(), transaction():
        organization = db.session.get_one(Organization, organization_id)
        retention.erase_subject(organization, pseudonym, by=COMMAND_LINE, now=utc_now())
    copy_erasures(place)


def test_a_destroyed_database_comes_back_whole_and_it_is_timed(home: Flask, place: Place) -> None:
    fill(place, organization_with_key(home))
    before = contents(place, but=OWN_RECORDS)
    name = back_up(place)
    destroy(place)

    restored = restore(place, name)

    after = {table.name: table for table in contents(place, but=OWN_RECORDS)}
    assert {table.name: after[table.name] for table in before} == {table.name: table for table in before}
    assert count(place, "SELECT count(*) FROM decision") == DECISIONS
    assert 0 < restored.seconds < timedelta(hours=1).total_seconds()


def test_a_restore_is_on_record_and_so_is_the_backup_that_was_under_way_in_the_dump(place: Place) -> None:
    name = back_up(place)
    destroy(place)

    restored = restore(place, name)

    with acting_as_system():
        runs = db.session.scalars(select(BackupRun).where(BackupRun.backup == str(name))).all()
    assert {run.kind: run.status for run in runs} == {
        RunKind.BY_HAND: RunStatus.SUCCEEDED,
        RunKind.RESTORE: RunStatus.SUCCEEDED,
    }
    assert [run.restore_s for run in runs if run.kind == RunKind.RESTORE] == [pytest.approx(restored.seconds)]


def test_jobs_that_were_under_way_in_the_dump_are_taken_up_again(place: Place) -> None:
    with acting_as_system(), transaction():
        erasures.note_erasure(retention.SUBJECT, {}, now=utc_now())
    with psycopg.connect(place.database_url) as connection:
        connection.execute("SET search_path = jobs, public")
        connection.execute("UPDATE jobs.procrastinate_jobs SET status = 'doing'")
    name = back_up(place)
    destroy(place)

    restore(place, name)

    assert count(place, "SELECT count(*) FROM jobs.procrastinate_jobs WHERE status = 'todo'") == 1


def test_the_service_works_on_what_came_back(home: Flask, place: Place) -> None:
    name = back_up(place)
    destroy(place)

    restore(place, name)

    member = organization_with_key(home)
    with psycopg.connect(place.database_url) as connection:
        connection.execute("SET ROLE aig_app")
        assert connection.execute("SELECT count(*) FROM api_key").fetchone() == (0,)
        connection.execute("SELECT set_config('app.organization_id', %s, true)", [str(member.organization_id)])
        assert connection.execute("SELECT count(*) FROM api_key").fetchone() == (1,)


def test_a_person_who_was_erased_after_the_dump_stays_erased(home: Flask, place: Place) -> None:
    member = organization_with_key(home)
    with acting_as_system():
        organization = db.session.get_one(Organization, member.organization_id)
        subject = bytes.fromhex(hash_subject("user-7", secret=organization.subject_secret))
    fill(place, member, subject=subject, decisions=5)
    fill(place, member, decisions=3)
    name = back_up(place)
    erase(place, member.organization_id, "user-7")
    destroy(place)

    restored = restore(place, name)

    assert restored.erasures == 1
    assert count(place, OF_SUBJECT) == 0
    assert count(place, "SELECT count(*) FROM decision") == 3
    assert count(place, "SELECT count(*) FROM audit_event WHERE action = 'erasure.made_again'") == 1


def test_an_account_that_was_closed_after_the_dump_stays_closed(home: Flask, place: Place) -> None:
    member = organization_with_key(home)
    fill(place, member)
    secret = count(place, SECRET, member.slug)
    name = back_up(place)
    with acting_as_system(), transaction():
        db.session.execute(
            update(Organization)
            .where(Organization.id == member.organization_id)
            .values(status=OrganizationStatus.CLOSING.value, closes_at=utc_now())
        )
        closing.finish(member.organization_id, now=utc_now())
    copy_erasures(place)
    destroy(place)

    restore(place, name)

    assert count(place, "SELECT count(*) FROM decision") == 0
    assert count(place, "SELECT count(*) FROM api_key") == 0
    assert count(place, "SELECT count(*) FROM organization WHERE status = 'closed'") == 1
    assert count(place, SECRET, member.slug) != secret


def test_a_person_who_left_for_good_after_the_dump_stays_forgotten(home: Flask, place: Place) -> None:
    member = organization_with_key(home)
    person(home, "Ada", member.organization_id)
    ben = person(home, "Ben", member.organization_id, Role.DEVELOPER)
    name = back_up(place)
    with acting_as_system(), transaction():
        user = db.session.scalars(select(User).where(User.email == ben.email)).one()
        deletion.delete_account(user.id, by=COMMAND_LINE, now=utc_now())
    copy_erasures(place)
    destroy(place)

    restore(place, name)

    assert count(place, "SELECT count(*) FROM app_user WHERE email = %s", ben.email) == 0
    assert count(place, "SELECT count(*) FROM app_user WHERE name = 'Former member'") == 1
    assert count(place, "SELECT count(*) FROM membership") == 1


def test_an_erasure_holds_ids_and_hashes_and_no_pseudonym(home: Flask, place: Place) -> None:
    member = organization_with_key(home)

    erase(place, member.organization_id, "jane@example.com")

    with acting_as_system():
        facts = db.session.scalars(select(Erasure.facts)).one()
    assert set(facts) == {"organization_id", "subject"}
    assert "jane" not in str(facts)


def test_what_was_past_its_time_when_the_backup_came_back_is_purged(home: Flask, place: Place) -> None:
    member = organization_with_key(home)
    fill(place, member, decisions=4)
    with psycopg.connect(place.database_url) as connection:
        connection.execute("UPDATE organization SET retention_days = 30")
        connection.execute("SELECT ensure_decision_partition((now() - interval '40 days')::date)")
        connection.execute("UPDATE decision SET decided_at = now() - interval '40 days' WHERE request_id = 'req_1'")
    name = back_up(place)
    destroy(place)

    restore(place, name)

    assert count(place, "SELECT count(*) FROM decision") == 3


def test_erasures_that_a_cut_off_restore_left_out_are_made_by_the_worker(home: Flask, place: Place) -> None:
    member = organization_with_key(home)
    fill(place, member, subject=b"x" * 32, decisions=2)
    name = back_up(place)
    with acting_as_system(), transaction():
        facts = {"organization_id": str(member.organization_id), "subject": (b"x" * 32).hex()}
        erasures.note_erasure(retention.SUBJECT, facts, now=utc_now())
    copy_erasures(place)
    destroy(place)
    manifest = place.repository.manifest(name)
    with place.repository.fetched(manifest) as sealed:
        restoring.load(place.repository, manifest, sealed, into=place.database_url, postgres_bin=None)

    assert count(place, OF_SUBJECT) == 2
    jobs.back_up_if_missed.func(timestamp=0)

    assert count(place, OF_SUBJECT) == 0


def test_an_erasure_that_was_rolled_back_is_not_on_the_list(home: Flask, place: Place) -> None:
    with acting_as_system():
        erasures.note_erasure(retention.SUBJECT, {}, now=utc_now())
        db.session.rollback()

    copy_erasures(place)

    assert place.repository.store.stored(erasures.FOLDER) == []


def test_an_erasure_that_nobody_could_make_again_is_refused_at_once(place: Place) -> None:
    with pytest.raises(LookupError, match="coffee"):
        erasures.note_erasure("coffee", {}, now=utc_now())


def test_a_database_that_is_not_empty_is_left_as_it_is(home: Flask, place: Place) -> None:
    name = back_up(place)
    organization_with_key(home)

    with pytest.raises(replacing.NotEmpty, match="--replace"):
        restore(place, name)

    assert count(place, "SELECT count(*) FROM organization") == 1


def test_what_is_replaced_is_backed_up_first(home: Flask, place: Place) -> None:
    name = back_up(place)
    fill(place, organization_with_key(home))

    restored = restore(place, name, replace=True)

    assert count(place, "SELECT count(*) FROM decision") == 0
    before = place.repository.find(restored.replaced)
    assert before.kind is BackupKind.BEFORE_RESTORE
    tables = {table.name: table.rows for table in place.repository.manifest(before).tables}
    assert tables["public.organization"] == 1


def test_a_database_in_use_is_left_as_it_is(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replacing, "LEAVING_S", 0.1)
    name = back_up(place)

    with psycopg.connect(place.database_url), pytest.raises(replacing.InUse, match="Stop web and worker"):
        restore(place, name, replace=True)


def test_who_is_just_leaving_is_waited_for(place: Place) -> None:
    name = back_up(place)
    leaving = psycopg.connect(place.database_url)
    Timer(0.5, leaving.close).start()

    restored = restore(place, name, replace=True)

    assert restored.name == name
    assert leaving.closed


def test_only_the_backup_that_was_asked_for_is_tried(home: Flask, place: Place) -> None:
    first = back_up(place)
    organization_with_key(home)
    back_up(place)

    tried = making.verify(place, first, by=COMMAND_LINE, now=utc_now())

    assert tried.name == first
    databases = count(place, "SELECT count(*) FROM pg_database WHERE datname LIKE %s", "%_restore_check")
    assert databases == 0
    assert list((place.settings.data_path / "backup-work").iterdir()) == []
