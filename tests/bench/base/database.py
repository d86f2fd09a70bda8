"""The base's own PostgreSQL, whose data stays for the next run."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import flask_migrate
import psutil
from flask import Flask

from core.db import db
from core.settings import Settings
from local import embedded
from tests.bench.database import Database
from tests.bench.processes import ROOT
from wsgi import create_app

FOLDER = ROOT / "var" / "bench" / "base"
LARGE = "large"
"""The slug of the organization that has most of it."""


@contextmanager
def opened(*, is_new: bool = False) -> Iterator[tuple[Database, Flask]]:
    """The server and the app upon it; migrated. With `is_new` what was there is gone first."""
    if is_new:
        shutil.rmtree(embedded.place_for(FOLDER), ignore_errors=True)
    server = embedded.start(FOLDER)
    try:
        _widen(server)
        url = embedded.url(server)
        app = create_app(Settings(database_url=url, data_dir=str(FOLDER), log_level="WARNING"))
        app.testing = True
        with app.app_context():
            flask_migrate.upgrade(directory=str(ROOT / "migrations"))
        database = Database(url, psutil.Process(server.get_pid()), server.pgdata)
        yield database, app
        database.connection.close()
        with app.app_context():
            db.engine.dispose()
    finally:
        server.cleanup_mode = None  # or it would be stopped a second time at exit
        server.stop()


def _widen(server: Any) -> None:
    """As a small production server is set up; what is there by default is for a laptop."""
    server.psql("ALTER SYSTEM SET max_wal_size = '4GB';\nSELECT pg_reload_conf();\n")
