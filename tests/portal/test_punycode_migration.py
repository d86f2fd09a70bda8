"""Addresses from before domains were kept in punycode: moved where that is safe, named where it is not."""

import importlib.util
from typing import Any
from uuid import UUID

import flask_migrate
import psycopg
import pytest
from flask import Flask
from sqlalchemy import text

from core.clock import utc_now
from core.db import acting_as_system, db, transaction
from core.ids import new_uuid
from portal.customer.people.accounts import find_by_email
from portal.notifications.states import Kind
from tests.cast import Member
from tests.databases import ROOT
from tests.people import Person, log_in, make_user, person
from tests.portal.notify import make_channel
from tests.portal.support.scene import opened

OLD, NEW = "ada@müller.example", "ada@xn--mller-kva.example"
PATH = ROOT / "migrations" / "versions" / "0028_addresses_in_punycode.py"


def migration() -> Any:
    spec = importlib.util.spec_from_file_location("punycode_migration", PATH)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def migrate(app: Flask) -> list[str]:
    with app.app_context(), acting_as_system(), transaction():
        left: list[str] = migration().move_to_punycode(db.session.connection())
        return left


def put(app: Flask, statement: str, **values: Any) -> None:
    with app.app_context(), acting_as_system(), transaction():
        db.session.execute(text("SET LOCAL ROLE NONE"))
        db.session.execute(text(statement), values)


def every_address(app: Flask) -> dict[str, set[str]]:
    with app.app_context(), acting_as_system():
        return {
            f"{table}.{column}": set(db.session.scalars(text(f"SELECT {column} FROM {table} WHERE {column} <> ''")))
            for table, _, column, _ in migration().PLACES
        }


@pytest.fixture
def old_rows(app: Flask, ada: Member, owner: Person) -> Person:
    """The same person, everywhere."""
    make_channel(app, ada.organization_id, kind=Kind.MAIL, target=owner.email)
    opened(app, ada.organization_id, now=utc_now())
    for statement in (
        "UPDATE app_user SET email = :old WHERE id = :user",
        "UPDATE notification_channel SET target_shown = :old",
        "UPDATE ticket SET requester_email = :old",
        (
            "INSERT INTO billing_account (organization_id, billing_email, is_metered_offered, customers_made)"
            " VALUES (:organization, :old, false, 0) ON CONFLICT (organization_id) DO UPDATE SET billing_email = :old"
        ),
        "INSERT INTO status_subscriber (id, email, secret, asked_at) VALUES (:id, :old, 'secret', now())",
        (
            "INSERT INTO email_token (id, user_id, purpose, email, token_hash, created_at, expires_at)"
            " VALUES (:id, :user, 'change_address', :old, 'a', now(), now())"
        ),
        (
            "INSERT INTO invitation (id, organization_id, email, role, token_hash, status, invited_by, created_at,"
            " sent_at, expires_at)"
            " VALUES (:id, :organization, :old, 'viewer', 'a', 'pending', :user, now(), now(), now())"
        ),
        (
            "INSERT INTO organization_profile (organization_id, legal_name, registration_number, address, country,"
            " contact_name, contact_email, second_contact_name, second_contact_email, use_case, expected_checks,"
            " is_high_risk, updated_at)"
            " VALUES (:organization, 'A', '1', 'A', 'DE', 'A', :old, 'A', :old, 'A', '1', false, now())"
        ),
    ):
        put(app, statement, old=OLD, id=new_uuid(), user=owner.user_id, organization=ada.organization_id)
    return owner


@pytest.mark.usefixtures("old_rows")
def test_every_address_moves_and_a_second_run_changes_nothing(app: Flask) -> None:
    assert migrate(app) == []
    moved = every_address(app)

    assert [place for place, kept in moved.items() if NEW not in kept or OLD in kept] == []
    assert migrate(app) == []
    assert every_address(app) == moved


def test_whoever_had_such_an_address_logs_in_as_before(app: Flask, old_rows: Person) -> None:
    migrate(app)

    browser = person(app, "Nora").browser
    browser.post("/log-out")
    assert log_in(browser, OLD).status_code == 303


def test_of_two_accounts_of_one_address_neither_is_lost_and_the_one_left_is_named(app: Flask, owner: Person) -> None:
    other, _ = make_user(app, "Nora")
    put(app, "UPDATE app_user SET email = :email WHERE id = :id", email=OLD, id=owner.user_id)
    put(app, "UPDATE app_user SET email = :email WHERE id = :id", email=NEW, id=other)

    [line] = migrate(app)

    assert "app_user.email" in line
    assert str(owner.user_id) in line
    assert "müller" not in line
    assert {OLD, NEW} <= every_address(app)["app_user.email"]


def test_whoever_logs_in_by_one_spelling_of_two_accounts_is_always_the_one_who_has_that(
    app: Flask, owner: Person
) -> None:
    other, _ = make_user(app, "Nora")
    put(app, "UPDATE app_user SET email = :email WHERE id = :id", email=OLD, id=owner.user_id)
    put(app, "UPDATE app_user SET email = :email WHERE id = :id", email=NEW, id=other)

    with app.app_context(), acting_as_system():
        assert [found.id for found in (find_by_email(OLD), find_by_email(NEW)) if found] == [owner.user_id, other]


@pytest.mark.parametrize("email", ["jürgen@people.example", "ada@\u2764\u200d.example", "ada@-ü-.example"])
def test_what_cannot_be_sent_to_stays_and_is_named(app: Flask, owner: Person, email: str) -> None:
    put(app, "UPDATE app_user SET email = :email WHERE id = :id", email=email, id=owner.user_id)

    [line] = migrate(app)

    assert "cannot be sent to" in line
    assert email in every_address(app)["app_user.email"]


def test_rows_are_read_in_bounded_batches(app: Flask, owner: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    module = migration()
    monkeypatch.setattr(module, "BATCH", 2)
    for number in range(5):
        user_id, _ = make_user(app, f"Nora{number}")
        put(app, "UPDATE app_user SET email = :email WHERE id = :id", email=f"n{number}@müller.example", id=user_id)

    with app.app_context(), acting_as_system(), transaction():
        assert module.move_to_punycode(db.session.connection()) == []

    assert not [email for email in every_address(app)["app_user.email"] if not email.isascii()]


def test_the_migration_itself_goes_down_and_up_with_old_rows(live_app: Flask, live_url: str) -> None:
    user_id, _ = make_user(live_app, "Nora")
    directory = str(ROOT / "migrations")
    with psycopg.connect(live_url) as connection:
        connection.execute("UPDATE app_user SET email = %s", [OLD])
    with live_app.app_context():
        flask_migrate.downgrade(directory=directory, revision="0027")
        flask_migrate.upgrade(directory=directory, revision="0028")
        db.engine.dispose()

    with psycopg.connect(live_url) as connection:
        assert connection.execute("SELECT id, email FROM app_user").fetchall() == [(UUID(str(user_id)), NEW)]
