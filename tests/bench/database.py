"""A real PostgreSQL of the measurement's own, with the product's tables and nothing in them."""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, LiteralString

import flask_migrate
import psutil
import psycopg
from flask import Flask

from core.db import db
from core.settings import Settings
from local import embedded
from tests.bench.failures import BenchFailed
from tests.bench.processes import ROOT
from wsgi import create_app


class Database:
    """A connection as the owner of the server, to whom row-level security does not apply."""

    def __init__(self, url: str, process: psutil.Process, data_path: Path) -> None:
        self.url = url
        self.process = process
        self.data_path = data_path
        self.connection = psycopg.connect(url, autocommit=True)

    def run(self, statement: LiteralString, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> None:
        self.connection.execute(statement, parameters)

    def row(self, query: LiteralString, parameters: Sequence[Any] = ()) -> tuple[Any, ...]:
        found = self.connection.execute(query, parameters).fetchone()
        assert found is not None
        return found

    def setting(self, name: str) -> str:
        return str(self.row("SELECT current_setting(%s)", [name])[0])


@contextmanager
def serving(folder: Path) -> Iterator[tuple[Database, Flask]]:
    """The database, and the product's app upon it for making organizations and keys. Afterwards both are gone."""
    server = embedded.start(folder)
    try:
        server.psql(
            f"DROP DATABASE {embedded.DATABASE_NAME} WITH (FORCE);\nCREATE DATABASE {embedded.DATABASE_NAME};\n"
        )
        url = embedded.url(server)
        app = create_app(Settings(database_url=url, data_dir=str(folder), log_level="WARNING"))
        with app.app_context():
            flask_migrate.upgrade(directory=str(ROOT / "migrations"))
        database = Database(url, psutil.Process(server.get_pid()), server.pgdata)
        _refuse_shortcuts(database)
        yield database, app
        database.connection.close()
        with app.app_context():
            db.engine.dispose()
    finally:
        server.cleanup_mode = None  # or it would be stopped a second time at exit
        server.stop()
        shutil.rmtree(server.pgdata, ignore_errors=True)  # elsewhere, where the folder is a private one
        shutil.rmtree(folder, ignore_errors=True)


def _refuse_shortcuts(database: Database) -> None:
    for name in ("fsync", "synchronous_commit", "full_page_writes"):
        if database.setting(name) != "on":
            raise BenchFailed(f"PostgreSQL runs with {name} off; its commits would not be durable.")
