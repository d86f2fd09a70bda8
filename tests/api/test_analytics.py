"""The analytical store is fed with what PostgreSQL has, whatever ends in the middle, and forgets what is erased."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
import psycopg
import pytest
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from api.analytics import checking, erasing, feeding, jobs
from api.analytics.models import AnalyticsCursor, AnalyticsErasure
from api.analytics.store import Store, StoreAway
from api.checks.service import hash_subject
from api.decisions import key_erasure, retention
from api.keys import services as keys
from backups import erasures
from core import current
from core.accounts import Organization
from core.audit import COMMAND_LINE
from core.clock import utc_now
from core.db import acting_as_system, acting_for, db, transaction
from tests.api.test_hourly import HOUR, some, write
from tests.cast import Member, organization_with_key


def cursor() -> AnalyticsCursor:
    with acting_as_system():
        return db.session.scalars(select(AnalyticsCursor), execution_options={"populate_existing": True}).one()


def ids_in(store: Store, member: Member) -> list[UUID]:
    """What is there, with every copy."""
    query = f"SELECT id FROM {cursor().table_name} FINAL WHERE organization_id = {{of:UUID}} ORDER BY decided_at, id"
    return [UUID(hex=one) for [one] in store.rows(query, of=str(member.organization_id))]


def ids_of(member: Member) -> list[UUID]:
    with acting_for(member.organization_id):
        found = db.session.scalars(text("SELECT id FROM decision ORDER BY decided_at, id")).all()
        db.session.rollback()
    return list(found)


def feed(store: Store, **how: Any) -> None:
    assert jobs.feed_now(store, **how)


def differences(store: Store) -> list[checking.Difference]:
    with acting_as_system():
        report = checking.check(store, now=utc_now())
    assert report is not None
    return report.differences


def until(holds: Callable[[], bool]) -> None:
    ends = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < ends
        time.sleep(0.05)


def erased_there(store: Store) -> None:
    """As the job does it, minute by minute."""

    def is_done() -> bool:
        feed(store)
        with acting_as_system():
            return not db.session.scalars(select(AnalyticsErasure)).all()

    until(is_done)


def test_all_that_was_recorded_is_fed_in_slices(store: Store, app: Flask, ada: Member, cleo: Member) -> None:
    now = utc_now()
    some(app, ada, now, hours=30)
    some(app, cleo, now, hours=5)

    feed(store, most_rows=50)

    assert ids_in(store, ada) == ids_of(ada)
    assert ids_in(store, cleo) == ids_of(cleo)
    assert differences(store) == []


def test_what_was_recorded_before_there_were_numbers_is_fed_too(store: Store, app: Flask, ada: Member) -> None:
    some(app, ada, utc_now(), hours=10)
    with acting_as_system(), transaction():
        db.session.execute(text("SELECT set_config('role', 'none', true)"))
        db.session.execute(text("UPDATE decision SET recorded_number = NULL WHERE recorded_number % 2 = 0"))

    feed(store, most_rows=7)

    assert ids_in(store, ada) == ids_of(ada)
    assert differences(store) == []


class _EndsAfter:
    """A store whose inserts arrive, and whose answer never does."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def insert(self, table: str, lines: bytes) -> None:
        self._store.insert(table, lines)
        raise StoreAway("the answer was lost")


def test_an_insert_whose_answer_is_lost_is_repeated_and_counts_once(store: Store, app: Flask, ada: Member) -> None:
    some(app, ada, utc_now(), hours=10)

    assert not jobs.feed_now(_EndsAfter(store))
    assert cursor().recorded_through == 0
    feed(store)

    assert ids_in(store, ada) == ids_of(ada)
    assert differences(store) == []


class _Kills:
    """A store during whose insert the session of whoever inserts is ended by its server."""

    def __init__(self, store: Store, url: str, *, arrives: bool) -> None:
        self._store, self._url, self._arrives = store, url, arrives

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def insert(self, table: str, lines: bytes) -> None:
        if self._arrives:
            self._store.insert(table, lines)
        pid = db.session.execute(text("SELECT pg_backend_pid()")).scalar_one()
        with psycopg.connect(self._url, autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s)", (pid,))


@pytest.mark.slow
@pytest.mark.parametrize("arrives", [True, False])
def test_killed_between_the_insert_and_the_cursor_nothing_is_lost_or_double(
    live_app: Flask, live_url: str, clickhouse_inside: Store, arrives: bool
) -> None:
    store = clickhouse_inside
    member = organization_with_key(live_app, slug="ada-and-co")
    some(live_app, member, utc_now(), hours=10)
    with live_app.app_context():
        with pytest.raises(DBAPIError):
            jobs.feed_now(_Kills(store, live_url, arrives=arrives), most_rows=15)
        assert cursor().unnumbered_after is not None or cursor().recorded_through == 0
        copies = store.rows(f"SELECT count() FROM {cursor().table_name}")
        assert copies == [[15 if arrives else 0]]

        feed(store, most_rows=10)

        assert ids_in(store, member) == ids_of(member)
        assert differences(store) == []
        assert store.rows(f"SELECT count() FROM {cursor().table_name} FINAL") == [[len(ids_of(member))]]


def test_a_store_that_lost_its_table_is_filled_from_the_beginning(store: Store, app: Flask, ada: Member) -> None:
    some(app, ada, utc_now(), hours=10)
    feed(store)
    lost = cursor().table_name
    store.run(f"DROP TABLE {lost}")

    feed(store)

    assert cursor().table_name != lost
    assert ids_in(store, ada) == ids_of(ada)


def test_after_a_restore_the_store_is_filled_from_the_beginning(store: Store, app: Flask, ada: Member) -> None:
    some(app, ada, utc_now(), hours=10)
    feed(store)
    old = cursor().table_name
    with acting_as_system(), transaction():  # as the restore sends it
        feeding._begin_again_after_restore(None, now=utc_now())
    assert feeding._begin_again_after_restore in erasures.restored.receivers_for(None)

    feed(store)

    assert ids_in(store, ada) == ids_of(ada)
    assert store.rows("SELECT name FROM system.tables WHERE name = {old:String}", old=old) == []


def test_an_erased_subject_reaches_the_store_and_what_comes_later_stays(store: Store, app: Flask, ada: Member) -> None:
    now = utc_now()
    some(app, ada, now, hours=4)
    with acting_as_system():
        organization = db.session.get_one(Organization, ada.organization_id)
        digest = bytes.fromhex(hash_subject("patient-7", secret=organization.subject_secret))
    with acting_as_system(), transaction():
        erased = write(ada, now - HOUR, 1, subject=digest)
    feed(store)
    assert erased in ids_in(store, ada)

    with acting_as_system(), transaction():
        assert retention.erase_subject(organization, "patient-7", by=COMMAND_LINE, now=now) == 1
    with acting_as_system(), transaction():
        later = write(ada, now - HOUR, 1, subject=digest)
    feed(_Hangs(store))  # so that the later one is there before the erasure is
    with acting_as_system(), transaction():
        db.session.execute(text("UPDATE analytics_erasure SET asked_at = NULL"))
    erased_there(store)

    assert erased not in ids_in(store, ada)
    assert later in ids_in(store, ada)
    assert differences(store) == []


def test_an_erased_key_reaches_the_store(store: Store, app: Flask, ada: Member, cleo: Member) -> None:
    some(app, ada, utc_now(), hours=4)
    some(app, cleo, utc_now(), hours=4)
    feed(store)

    with acting_for(ada.organization_id), transaction():
        keys.revoke(ada.organization_id, ada.key_id, reason=None, by=COMMAND_LINE, now=utc_now())
        key_erasure.erase_key(ada.organization_id, ada.key_id, by=COMMAND_LINE, now=utc_now())
    erased_there(store)

    assert ids_in(store, ada) == []
    assert ids_in(store, cleo) == ids_of(cleo)


def test_a_purge_and_a_closed_account_reach_the_store(store: Store, app: Flask, ada: Member, cleo: Member) -> None:
    now = utc_now()
    some(app, ada, now, hours=4)
    some(app, cleo, now, hours=4)
    with acting_as_system(), transaction():
        db.session.execute(text("SELECT ensure_decision_partition(:day)"), {"day": (now - timedelta(days=50)).date()})
        db.session.get_one(Organization, ada.organization_id).retention_days = 30
        old = write(ada, now - timedelta(days=50), 1)
    feed(store)
    assert old in ids_in(store, ada)

    with transaction():
        retention.purge(now=now)
        retention.delete_everything(cleo.organization_id, now=now)
    erased_there(store)

    assert ids_in(store, ada) == ids_of(ada)
    assert old not in ids_in(store, ada)
    assert ids_in(store, cleo) == []
    assert differences(store) == []


def test_what_was_recorded_beside_its_erasure_is_in_the_store_as_it_is_in_the_log(
    store: Store, app: Flask, ada: Member
) -> None:
    """The note names a key whose decisions are all still there: none of them may be lost."""
    some(app, ada, utc_now(), hours=4)
    feed(store)

    with transaction():
        erasing.note_key(ada.organization_id, ada.key_id, now=utc_now())
    erased_there(store)

    assert ids_in(store, ada) == ids_of(ada)


def test_without_a_store_nothing_is_noted(app: Flask, ada: Member) -> None:
    with app.app_context(), acting_as_system(), transaction():
        retention.delete_everything(ada.organization_id, now=utc_now())
        assert db.session.scalars(select(AnalyticsErasure)).all() == []


class _Hangs:
    """A store that takes every erasure and carries none out."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def run(self, statement: str) -> None:
        if not statement.startswith("ALTER TABLE"):
            self._store.run(statement)


def test_an_erasure_that_does_not_happen_is_overdue_and_asked_for_again(store: Store, app: Flask, ada: Member) -> None:
    now = utc_now()
    some(app, ada, now, hours=4)
    feed(store)
    with transaction():
        erasing.note_everything(ada.organization_id, now=now - erasing.ERASED_WITHIN - timedelta(seconds=1))

    feed(_Hangs(store))
    with acting_as_system():
        report = checking.check(store, now=now)
    assert report is not None
    assert (report.erasures_waiting, report.erasures_overdue, report.is_fine) == (1, 1, False)
    with acting_as_system(), transaction():
        db.session.execute(text("UPDATE analytics_erasure SET asked_at = :at"), {"at": now - timedelta(hours=1)})
    erased_there(store)

    with acting_as_system():
        report = checking.check(store, now=now)
    assert report is not None
    assert (report.erasures_waiting, report.erasures_overdue) == (0, 0)


def test_a_decision_that_the_store_lacks_is_named_by_the_check(store: Store, app: Flask, ada: Member) -> None:
    now = utc_now()
    some(app, ada, now, hours=4)
    feed(store)
    missing = ids_of(ada)[0]
    store.run(f"DELETE FROM {cursor().table_name} WHERE id = '{missing.hex}'")

    found = differences(store)

    assert [(one.organization_id, one.in_postgresql - one.in_store) for one in found] == [(ada.organization_id, 1)]


def test_commands_compare_rebuild_and_forget(store: Store, app: Flask, ada: Member) -> None:
    run = app.test_cli_runner().invoke
    some(app, ada, utc_now(), hours=4)
    assert "The store is empty" in run(args=["analytics", "check"]).output
    feed(store)

    fine = run(args=["analytics", "check"])
    assert (fine.exit_code, fine.output.splitlines()[0][:31]) == (0, "16 decisions, 0 differences, 0 ")
    store.run(f"DELETE FROM {cursor().table_name} WHERE id = '{ids_of(ada)[0].hex}'")
    different = run(args=["analytics", "check"])
    assert different.exit_code == 1
    assert "flask analytics rebuild" in different.output
    assert run(args=["analytics", "rebuild"]).exit_code == 0
    assert run(args=["analytics", "check"]).exit_code == 1
    feed(store)
    assert run(args=["analytics", "check"]).exit_code == 0
    assert "CLICKHOUSE_URL" in run(args=["analytics", "forget"], input="y").output

    app.extensions[current.EXTENSION] = msgspec.structs.replace(app.extensions[current.EXTENSION], clickhouse_url=None)
    assert run(args=["analytics", "forget"], input="y").exit_code == 0
    assert "is not set" in run(args=["analytics", "check"]).output


def test_how_far_the_store_is_behind_is_seen(store: Store, app: Flask, ada: Member) -> None:
    with acting_as_system():
        assert jobs.behind_seconds() == [({}, 0.0)]
        feed(store)
        [(_, behind_s)] = jobs.behind_seconds()
        assert 0 <= behind_s < 60
        assert jobs.erasures_overdue() == [({}, 0)]
