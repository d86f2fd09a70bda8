"""Each measure of Annex III is seen in the running service, and seen to be broken when it is."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from flask import Flask
from sqlalchemy import text

from api.decisions import retention
from core.clock import utc_now
from core.db import acting_as_system, db, transaction
from core.settings import Durability, Settings
from legal_docs import jobs
from legal_docs.measures import services as measures
from legal_docs.measures.kinds import MEASURE_NAMES, Measure, Observation
from portal.console import legal_views
from portal.console.launch.checks import CHECKS
from portal.console.launch.verdicts import green, red
from portal.console.safeguards import database, launch, service
from tests.cast import Member
from tests.people import Person


@pytest.fixture
def system(app: Flask) -> Iterator[None]:
    with app.app_context(), acting_as_system():
        yield


def as_owner(statement: str) -> None:
    db.session.execute(text("RESET ROLE"))
    db.session.execute(text(statement))
    db.session.execute(text("SELECT set_config('role', 'aig_system', true)"))


def look(at: Any, **changes: Any) -> Observation:
    found: Observation = at(msgspec.structs.replace(Settings(), **changes), utc_now())
    return found


def test_every_measure_is_looked_at() -> None:
    assert set(measures._looks) == set(Measure)


@pytest.mark.parametrize("at", [database.separation, database.integrity, database.keys, database.passwords])
def test_the_database_is_as_promised(system: None, ada: Member, at: Any) -> None:
    assert look(at).is_met


def test_a_table_without_row_level_security_is_seen(system: None) -> None:
    as_owner("ALTER TABLE api_key NO FORCE ROW LEVEL SECURITY")

    assert look(database.separation).seen.startswith("Without row-level security: api_key.")


def test_a_table_that_the_role_owns_is_seen(system: None) -> None:
    as_owner("GRANT CREATE ON SCHEMA public TO aig_app")
    as_owner("ALTER TABLE purge_run OWNER TO aig_app")

    assert not look(database.separation).is_met


@pytest.mark.parametrize("table", ["decision", "audit_event", "legal_acceptance", "legal_version"])
@pytest.mark.parametrize("right", ["UPDATE", "DELETE"])
@pytest.mark.parametrize("role", ["aig_app", "aig_system"])
def test_a_log_that_can_be_changed_is_seen(system: None, table: str, right: str, role: str) -> None:
    as_owner(f"GRANT {right} ON {table} TO {role}")

    assert look(database.integrity) == Observation(is_met=False, seen=f"Rows can be changed: {table} by {role}.")


def test_a_password_that_is_kept_otherwise_is_seen(system: None) -> None:
    db.session.execute(
        text(
            "INSERT INTO app_user (id, email, name, password_hash, is_operator, created_at)"
            " VALUES (gen_random_uuid(), 'odd@people.example', 'Odd', '$2b$12$bcrypt', false, now())"
        )
    )

    assert not look(database.passwords).is_met


def test_a_key_that_is_kept_otherwise_is_seen(system: None, ada: Member) -> None:
    as_owner("UPDATE api_key SET token_hash = 'too short'::bytea WHERE id = (SELECT id FROM api_key LIMIT 1)")

    assert not look(database.keys).is_met


def test_content_is_refused_when_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    assert look(service.content_refused).is_met

    monkeypatch.setattr(service, "parse_without_content", lambda body: body)

    assert not look(service.content_refused).is_met


def test_pseudonyms_depend_on_the_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    assert look(service.pseudonyms).is_met

    monkeypatch.setattr(service, "hash_subject", lambda name, **_secret: name)

    assert not look(service.pseudonyms).is_met


@pytest.mark.parametrize("durability", list(Durability))
def test_an_answer_that_leaves_too_early_is_seen(durability: Durability) -> None:
    assert look(service.durability, decision_durability=durability).is_met == (durability is not Durability.PROCESS)


def test_a_deletion_that_did_not_run_is_seen(system: None) -> None:
    assert not look(service.deletion).is_met
    with transaction():
        retention.purge(now=utc_now())

    assert look(service.deletion).is_met
    assert not service.deletion(Settings(), utc_now() + timedelta(hours=26)).is_met


@pytest.mark.parametrize("key", [None, "AGE-SECRET-KEY-1"])
def test_a_key_of_backups_that_lies_beside_them_is_seen(key: str | None) -> None:
    assert look(service.backup_encryption, backup_key=key).is_met == (key is not None)


@pytest.mark.parametrize("url", [None, "http://gov.example"])
def test_an_address_without_encryption_is_seen(url: str | None) -> None:
    assert not look(service.transport, public_url=url).is_met


@pytest.mark.parametrize(("measure", "check_code"), launch.CHECK_OF.items())
def test_what_the_board_finds_counts_for_the_agreement(
    monkeypatch: pytest.MonkeyPatch, measure: Measure, check_code: str
) -> None:
    monkeypatch.setitem(CHECKS, check_code, lambda _around: red("Broken: SECRET_KEY.", to_do="Mend it."))
    seen = look(measures._looks[measure])
    assert seen == Observation(is_met=False, seen=launch.FOR_CUSTOMERS.get(measure, "Broken: SECRET_KEY."))
    assert ("SECRET_KEY" in seen.seen) == (measure not in {Measure.ALERTS, Measure.OPERATORS, Measure.SECRETS})

    monkeypatch.setitem(CHECKS, check_code, lambda _around: green("Well."))
    assert look(measures._looks[measure]) == Observation(is_met=True, seen="Well.")


def test_the_job_keeps_what_it_saw(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        measures, "look", lambda *_settings, **_now: {Measure.KEYS: Observation(is_met=True, seen="Fine.")}
    )
    with app.app_context():
        jobs.look_now()

    with app.app_context(), acting_as_system():
        assert measures.recorded()[Measure.KEYS].seen == "Fine."


def test_members_see_what_was_seen_of_each_measure(app: Flask, viewer: Person) -> None:
    with app.app_context(), acting_as_system(), transaction():
        measures.record({Measure.LIMITS: Observation(is_met=False, seen="99 of 101 passed.")}, now=utc_now())

    page = viewer.get("/documents/measures").text

    assert "99 of 101 passed." in page
    assert all(name in page for name in MEASURE_NAMES.values())


def test_an_operator_sees_them_and_asks_for_another_look(operator: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(legal_views, "defer", lambda task, **_facts: asked.append(task))

    assert operator.post("/console/documents/measures").status_code == 303

    assert asked == [jobs.look_at_measures_again]
    assert "Technical measures of the DPA" in operator.get("/console/documents").text
