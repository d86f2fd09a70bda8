"""What the tests of backups do to a database."""

import psycopg
from flask import Flask

from backups import making
from backups.contents import TableContents, contents_of
from backups.names import BackupKind, BackupName, parse
from backups.place import Place
from core.audit import COMMAND_LINE
from core.clock import utc_now
from core.db import db
from tests.cast import Member

DECISIONS = 2_000
NOW = utc_now()

_FILL = """
    INSERT INTO decision (id, decided_at, organization_id, api_key_id, environment, model, operation, metadata, subject,
        risk_score, allowed, reason, reasons, policy_version, latency_us, request_id)
    SELECT gen_random_uuid(), now(), %s, %s, 'live', 'gpt-4o', 'chat', jsonb_build_object('number', number), %s,
        10, true, 'fine', '[]', 1, 900, 'req_' || number
    FROM generate_series(1, %s) AS number
"""


def fill(place: Place, member: Member, *, subject: bytes | None = None, decisions: int = DECISIONS) -> None:
    with psycopg.connect(place.database_url) as connection:
        connection.execute(_FILL, [member.organization_id, member.key_id, subject, decisions])


def back_up(place: Place) -> BackupName:
    manifest = making.back_up(place, BackupKind.BY_HAND, by=COMMAND_LINE, now=utc_now())
    name = parse(manifest.name)
    assert name is not None
    return name


def destroy(place: Place) -> None:
    """Everything in the database is gone, as on a new server."""
    db.session.remove()
    db.engine.dispose()
    with psycopg.connect(place.database_url, autocommit=True) as connection:
        connection.execute("DROP SCHEMA jobs CASCADE")
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")


def contents(place: Place, *, but: tuple[str, ...] = ()) -> tuple[TableContents, ...]:
    with psycopg.connect(place.database_url) as connection:
        return tuple(table for table in contents_of(connection) if table.name not in but)


def count(place: Place, query: str, *values: object) -> int:
    with psycopg.connect(place.database_url) as connection:
        [(found,)] = connection.execute(query.encode(), values).fetchall()
        return int(found)


def run(app: Flask, *words: str, typed: str | None = None) -> tuple[int, str, str]:
    result = app.test_cli_runner().invoke(args=list(words), input=typed)
    return result.exit_code, result.stdout, result.stderr
