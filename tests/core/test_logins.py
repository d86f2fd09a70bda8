"""The web server's login: what it may not do, whatever is smuggled into its statements."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from core.logins import LoginTrouble, ensure_web_login
from tests.databases import as_login, web_login_url
from tests.services import Service, status_of

STATEMENTS_OF_AN_OWNER = [
    "CREATE TABLE loot (id int)",
    "CREATE TEMPORARY TABLE loot (id int)",
    "CREATE SCHEMA loot",
    "CREATE FUNCTION loot() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE ROLE loot",
    "CREATE DATABASE loot",
    "DROP EXTENSION plpgsql",
    "ALTER TABLE decision DISABLE ROW LEVEL SECURITY",
    "ALTER TABLE decision NO FORCE ROW LEVEL SECURITY",
    "DROP POLICY own_organization ON decision",
    "CREATE POLICY loot ON decision USING (true)",
    "ALTER TABLE decision DISABLE TRIGGER ALL",
    "GRANT aig_retention TO CURRENT_USER",
    "ALTER ROLE aig_app BYPASSRLS",
    "DROP TABLE decision",
    "TRUNCATE decision",
    "TRUNCATE audit_event CASCADE",
    "DELETE FROM decision",
    "UPDATE decision SET allowed = true",
    "DELETE FROM audit_event",
    "COPY organization TO PROGRAM 'cat'",
    "SELECT pg_read_file('PG_VERSION')",
    "SELECT drop_decision_partitions(current_date)",
]


@pytest.fixture
def web(migrated_url: str) -> Iterator[psycopg.Connection]:
    """A connection as the web server makes it."""
    with psycopg.connect(web_login_url(migrated_url), autocommit=True) as connection:
        yield connection


def test_the_web_login_may_act_as_its_two_roles_and_no_other(web: psycopg.Connection) -> None:
    roles = [role for (role,) in web.execute("SELECT rolname FROM pg_roles").fetchall()]
    taken = [role for role in roles if may(web, sql.SQL("SET ROLE {}").format(sql.Identifier(role)))]

    assert sorted(taken) == ["aig_app", "aig_system", "aig_web"]
    assert len(roles) > len(taken) + 10


def test_without_a_role_the_web_login_reads_nothing(web: psycopg.Connection) -> None:
    assert not may(web, "SELECT FROM organization")
    assert not may(web, "SELECT FROM app_user")


@pytest.mark.parametrize("role", ["none", "aig_app", "aig_system"])
@pytest.mark.parametrize("statement", STATEMENTS_OF_AN_OWNER)
def test_the_web_login_can_do_nothing_that_takes_an_owner(web: psycopg.Connection, statement: str, role: str) -> None:
    web.execute("SELECT set_config('role', %s, false)", [role])

    assert not may(web, statement)


def test_row_security_cannot_be_switched_off_by_the_web_login(web: psycopg.Connection) -> None:
    web.execute("SET ROLE aig_app")
    web.execute("SET row_security = off")

    assert not may(web, "SELECT FROM decision")


def test_the_web_login_owns_nothing(web: psycopg.Connection) -> None:
    owned = "SELECT count(*) FROM pg_shdepend WHERE refobjid = session_user::regrole AND deptype = 'o'"

    assert web.execute(owned).fetchone() == (0,)


def test_the_processes_that_serve_log_in_with_it_and_know_no_other(live_url: str, tmp_path: Path) -> None:
    service = Service({"DATABASE_URL": live_url, "DATA_DIR": str(tmp_path)}, by_command=True)
    service.start()
    try:
        assert status_of(f"{service.url}/health/ready") == 200

        told = Path(f"/proc/{service.pid}/environ").read_text().split("\0")
        with psycopg.connect(live_url) as owner:
            logins = owner.execute(
                "SELECT DISTINCT usename FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            ).fetchall()
    finally:
        service.stop()
    assert logins == [("aig_web",)]
    assert live_url not in {setting.partition("=")[2] for setting in told}


def test_making_the_login_again_gives_it_the_password_of_the_address(live_url: str) -> None:
    def hash_of_password() -> str:
        with psycopg.connect(live_url) as owner:
            found = owner.execute("SELECT rolpassword FROM pg_authid WHERE rolname = 'aig_web_tried'").fetchone()
            return str(found and found[0])

    web_url = make_conninfo(live_url, user="aig_web_tried", password="a-first-password")
    try:
        assert ensure_web_login(owner_url=live_url, web_url=web_url) == "aig_web_tried"
        first = hash_of_password()
        ensure_web_login(owner_url=live_url, web_url=make_conninfo(web_url, password="a-second-password"))

        assert first.startswith("SCRAM-SHA-256$")
        assert hash_of_password() not in {first, "None"}
    finally:
        drop(live_url, "aig_web_tried")


@pytest.mark.parametrize(
    ("made_as", "words"),
    [
        ("CREATE ROLE aig_web_tried LOGIN IN ROLE aig_retention NOINHERIT", "may act as aig_retention too"),
        ("CREATE ROLE aig_web_tried LOGIN CREATEDB NOINHERIT", "has attributes beyond LOGIN"),
        ("CREATE ROLE aig_web_tried LOGIN", "has attributes beyond LOGIN"),
        ("CREATE ROLE aig_web_tried LOGIN NOINHERIT; CREATE SCHEMA AUTHORIZATION aig_web_tried", "owns something"),
    ],
)
def test_a_login_that_may_do_more_is_refused(live_url: str, made_as: str, words: str) -> None:
    with psycopg.connect(live_url, autocommit=True) as owner:
        owner.execute(made_as.encode())
    try:
        with pytest.raises(LoginTrouble, match=words):
            ensure_web_login(owner_url=live_url, web_url=as_login(live_url, "aig_web_tried"))
    finally:
        drop(live_url, "aig_web_tried")


def test_the_owner_is_no_login_for_the_web_server(live_url: str) -> None:
    with pytest.raises(LoginTrouble, match="names the login that owns the tables"):
        ensure_web_login(owner_url=live_url, web_url=live_url)


def may(connection: psycopg.Connection, statement: str | sql.Composed) -> bool:
    try:
        connection.execute(statement.encode() if isinstance(statement, str) else statement)
    except (psycopg.errors.InsufficientPrivilege, psycopg.errors.RaiseException):
        return False
    finally:
        if isinstance(statement, sql.Composed):
            connection.execute("RESET ROLE")
    return True


def drop(url: str, login: str) -> None:
    with psycopg.connect(url, autocommit=True) as owner:
        owner.execute(sql.SQL("DROP OWNED BY {}").format(sql.Identifier(login)))
        owner.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(login)))
