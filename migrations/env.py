"""How Alembic reaches the database and what it compares: every room's models, without the log's daily partitions."""

from typing import Any

from alembic import context
from flask import current_app
from sqlalchemy import text

from core.db import Base, db

LOCK_TIMEOUT = "5s"


def include_object(_object: Any, name: str | None, kind: str, is_reflected: bool, _compared: Any) -> bool:
    """Partitions come and go by day and are no part of the schema."""
    return not (kind == "table" and is_reflected and (name or "").startswith("decision_2"))


def run() -> None:
    with current_app.app_context(), db.engine.connect() as connection:
        connection.execute(text(f"SET lock_timeout = '{LOCK_TIMEOUT}'"))
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            include_object=include_object,
            compare_type=True,
        )
        with context.begin_transaction():
            context.run_migrations()
        connection.commit()


run()
