"""Which pg_dump is used, and that no password is ever an argument."""

import stat
from collections.abc import Iterator
from pathlib import Path

import flask_migrate
import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from backups import dump, making, programs
from backups.errors import BackupTrouble
from backups.names import BackupKind, new_name
from backups.place import here
from core.audit import COMMAND_LINE
from core.clock import utc_now
from core.db import db
from core.postgres_programs import programs_of_wheel
from core.settings import Settings
from tests.backups.scene import back_up, count
from tests.databases import ROOT, WORKER, fresh_database
from wsgi import create_app

NOBODY = "aig_test_owner"
PASSWORD = "correct-horse"


def a_program(folder: Path, version: str) -> Path:
    """Says its version, and for the rest what it was called with and what it sees."""
    for name in ("pg_dump", "pg_restore"):
        file = folder / name
        file.write_text(
            f'#!/bin/sh\n[ "$1" = --version ] && echo "{name} (PostgreSQL) {version}" && exit\necho "$@"; env\n'
        )
        file.chmod(file.stat().st_mode | stat.S_IXUSR)
    return folder


def test_a_server_on_a_socket_gets_the_programs_that_come_along(live_url: str) -> None:
    assert programs.programs_for(live_url, setting=None).folder == programs_of_wheel()


def test_programs_that_are_older_than_the_server_are_refused(live_url: str, tmp_path: Path) -> None:
    a_program(tmp_path, "12.1")

    with pytest.raises(BackupTrouble, match=r"needs pg_dump .* only version 12 is here.*postgresql-client"):
        programs.programs_for(live_url, setting=str(tmp_path))


def test_programs_that_are_newer_than_the_server_do(live_url: str, tmp_path: Path) -> None:
    a_program(tmp_path, "99.0")

    assert programs.programs_for(live_url, setting=str(tmp_path)).major == 99


def test_missing_programs_are_said_plainly(live_url: str, tmp_path: Path) -> None:
    with pytest.raises(BackupTrouble, match="none is here"):
        programs.programs_for(live_url, setting=str(tmp_path))


def test_a_database_that_is_not_there_is_said_plainly(live_url: str) -> None:
    with pytest.raises(BackupTrouble, match="refused the connection"):
        programs.programs_for(make_conninfo(live_url, dbname="nowhere"), setting=None)


def test_no_password_is_an_argument_and_no_secret_of_ours_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BACKUP_KEY", "a-secret-of-ours")
    found = programs.Programs(a_program(tmp_path, "18.0"), 18)

    url = "postgresql://ada:correct-horse@db.example.com:6543/aig?sslmode=require&keepalives_idle=30"
    with found.running("pg_dump", "--format=custom", database_url=url) as running:
        arguments, *environment = running.output.read().decode().splitlines()

    assert "correct-horse" not in arguments
    assert "--dbname=dbname=aig" in arguments
    told = dict(line.split("=", 1) for line in environment if "=" in line)
    assert (told["PGPASSWORD"], told["PGHOST"], told["PGPORT"]) == ("correct-horse", "db.example.com", "6543")
    assert told["PGSSLMODE"] == "require"
    assert "a-secret-of-ours" not in str(environment)


def test_what_a_program_complains_of_is_told_in_its_first_line(live_url: str) -> None:
    found = programs.programs_for(live_url, setting=None)

    with (
        pytest.raises(BackupTrouble, match="pg_dump stopped: no matching tables were found"),
        found.running("pg_dump", "--table=nowhere", "--format=custom", database_url=live_url) as running,
    ):
        running.output.read()


@pytest.fixture
def owners_url(server_url: str) -> Iterator[str]:
    """A database whose tables belong to a login that is no superuser, as a hosted one's do."""
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {NOBODY} LOGIN CREATEDB CREATEROLE PASSWORD '{PASSWORD}'".encode())
    try:
        with fresh_database(server_url, f"aig_owned_{WORKER}", template="template0") as url:
            with psycopg.connect(server_url, autocommit=True) as connection:
                connection.execute(f"GRANT aig_app, aig_system, aig_retention TO {NOBODY} WITH ADMIN OPTION".encode())
                connection.execute(f"ALTER DATABASE aig_owned_{WORKER} OWNER TO {NOBODY}".encode())
            yield make_conninfo(url, user=NOBODY, password=PASSWORD)
    finally:
        with psycopg.connect(server_url, autocommit=True) as connection:
            connection.execute(f"DROP OWNED BY {NOBODY}".encode())
            connection.execute(f"DROP ROLE {NOBODY}".encode())


def test_an_owner_who_is_held_to_row_security_backs_up_every_row(owners_url: str, tmp_path: Path) -> None:
    app = create_app(Settings(database_url=as_url(owners_url), data_dir=str(tmp_path)))
    with app.app_context():
        flask_migrate.upgrade(directory=str(ROOT / "migrations"))
        app.test_cli_runner().invoke(args=["organizations", "create", "--slug", "ada", "--name", "Ada"])
        place = here()
        assert count(place, "SELECT count(*) FROM pg_roles WHERE rolname = current_user AND NOT rolbypassrls") == 1

        name = back_up(place)
        tried = making.verify(place, name, by=COMMAND_LINE, now=utc_now())

        rows = {table.name: table.rows for table in place.repository.manifest(name).tables}
        db.session.remove()
        db.engine.dispose()
    assert rows["public.organization"] == 1
    assert tried.name == name


def test_an_owner_who_does_not_see_every_row_is_refused(owners_url: str, tmp_path: Path) -> None:
    app = create_app(Settings(database_url=as_url(owners_url), data_dir=str(tmp_path)))
    with app.app_context():
        flask_migrate.upgrade(directory=str(ROOT / "migrations"))
        db.engine.dispose()
        place = here()
        with psycopg.connect(owners_url, autocommit=True) as connection:
            connection.execute("DROP POLICY every_organization ON decision")

        with pytest.raises(BackupTrouble, match="does not see every row of decision"):
            dump.take(
                place.repository,
                new_name(BackupKind.BY_HAND, now=utc_now()),
                database_url=place.database_url,
                postgres_bin=None,
            )

    assert place.repository.stored() == []


def as_url(conninfo: str) -> str:
    parts = psycopg.conninfo.conninfo_to_dict(conninfo)
    return f"postgresql://{parts['user']}:{parts['password']}@/{parts['dbname']}?host={parts['host']}"
