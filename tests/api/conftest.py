"""ClickHouse itself, in the process of the tests (chdb), behind the client that the service uses: with no network."""

from collections.abc import Iterator

import msgspec
import pytest
from flask import Flask
from sqlalchemy import text

from api.analytics import clickhouse
from api.analytics.clickhouse import ClickHouse
from api.analytics.store import Store
from core import current
from core.db import acting_as_system, db, forget_scope, transaction

IN_PROCESS = "chdb://memory"


@pytest.fixture(scope="session")
def clickhouse_inside() -> Store:
    pytest.importorskip("chdb")
    return ClickHouse(IN_PROCESS, within_s=60.0, server_ends_s=50, places=1)


@pytest.fixture
def store(clickhouse_inside: Store, app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """The app is set to use it, and rows are numbered from the beginning: numbers that were rolled back stay used."""
    for at in ("for_reading", "for_writing"):
        monkeypatch.setattr(clickhouse, at, lambda _url: clickhouse_inside)
    before = app.extensions[current.EXTENSION]
    app.extensions[current.EXTENSION] = msgspec.structs.replace(before, clickhouse_url=IN_PROCESS)
    with app.app_context(), acting_as_system(), transaction():
        connection = db.session.connection()
        connection.execute(text("SET LOCAL ROLE NONE"))
        connection.execute(text("ALTER SEQUENCE decision_recorded_number RESTART"))
        forget_scope(connection)
    with app.app_context():
        yield clickhouse_inside
    app.extensions[current.EXTENSION] = before
