"""DATABASE_URL in the forms that libpq takes: several hosts, options, sockets."""

import pytest
from sqlalchemy import text

from core import database_address
from core.db import db
from core.environment import SettingsRefused, read_settings
from core.rotations.services import SECRETS
from core.settings import Settings
from tests.core.production import GOOD
from wsgi import create_app

SEVERAL = "postgresql://aig:Wm48sPq1LdZx09@db1.acme-pilot.eu:5432,db2.acme-pilot.eu:5433/aig"


def with_a_dead_host_first(url: str) -> str:
    """The address of the tests' server, behind a host that does not exist; the address is on a socket or a port."""
    parts = database_address.read(url)
    assert parts is not None
    host, port = parts.options["host"], parts.options.get("port", "5432")
    password = f":{parts.password}" if parts.password else ""
    who = f"{parts.options['user']}{password}"
    where = f"host=/nowhere,{host}&port=5432,{port}&target_session_attrs=read-write"
    return f"postgresql://{who}@/{parts.options['dbname']}?{where}"


def test_the_service_connects_to_the_one_of_several_hosts_that_takes_writes(migrated_url: str) -> None:
    app = create_app(Settings(database_url=with_a_dead_host_first(migrated_url)))

    with app.app_context():
        answer = db.session.execute(text("SELECT 1")).scalar_one()
        db.session.rollback()
        db.engine.dispose()

    assert answer == 1


@pytest.mark.parametrize(
    "url",
    [
        f"{SEVERAL}?target_session_attrs=read-write&sslmode=verify-full&sslrootcert=system",
        "postgresql://aig:p%40ss%2Fword@[::1]:5432,[::2]:5433/aig?target_session_attrs=primary",
        "postgres://aig@db1,db2/aig?connect_timeout=3",
        "postgresql:///aig?host=/run/postgresql,/tmp&port=5432,5433",
    ],
)
def test_every_part_of_an_address_reaches_libpq_as_it_was_given(url: str) -> None:
    app = create_app(Settings(database_url=url))

    with app.app_context():
        _, given = db.engine.dialect.create_connect_args(db.engine.url)

    parts = database_address.read(url)
    assert parts is not None
    assert {name: given.get(name) for name in parts.options} == parts.options


def test_production_takes_several_hosts() -> None:
    url = f"{SEVERAL}?target_session_attrs=read-write&sslmode=verify-full"

    assert read_settings({**GOOD, "DATABASE_URL": url}).database_url == url


@pytest.mark.parametrize(
    "url", [f"{SEVERAL}?sslmode=prefer", SEVERAL.replace(":5433", ":port"), f"{SEVERAL}?no_such_option=1"]
)
def test_what_is_wrong_with_one_of_several_hosts_is_said(url: str) -> None:
    with pytest.raises(SettingsRefused) as refused:
        read_settings({**GOOD, "DATABASE_URL": url})

    assert {fault.setting for fault in refused.value.faults} == {"DATABASE_URL"}


def test_the_password_of_an_address_with_several_hosts_is_among_the_secrets() -> None:
    assert SECRETS["DATABASE_URL"](Settings(database_url=SEVERAL)) == "Wm48sPq1LdZx09"
