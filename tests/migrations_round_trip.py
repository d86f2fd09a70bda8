"""`make check`: the migrations go up, down and up again, and leave nothing that the models do not know."""

import sys

import flask_migrate
import psycopg

from core.db import db
from core.settings import Settings
from local import embedded
from tests.databases import ROOT, fresh_database, start_server
from wsgi import create_app

_REMAINS = """
    SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') AND c.relname NOT LIKE 'alembic_version%'
"""


def main() -> None:
    directory = str(ROOT / "migrations")
    server = start_server("tests")
    with fresh_database(embedded.url(server), "aig_round_trip", template="template0") as url:
        app = create_app(Settings(database_url=url))
        with app.app_context():
            flask_migrate.upgrade(directory=directory)
            flask_migrate.downgrade(directory=directory, revision="base")
            with psycopg.connect(url) as connection:
                remains = connection.execute(_REMAINS).fetchall()
            flask_migrate.upgrade(directory=directory)
            flask_migrate.check(directory=directory)
            db.engine.dispose()
    if remains:
        sys.exit(f"The way down left behind: {remains}")
    sys.stdout.write("The migrations go up, down and up again.\n")


if __name__ == "__main__":
    main()
