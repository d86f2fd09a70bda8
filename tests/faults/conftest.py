"""A PostgreSQL server to be killed at will, and the real service upon it with two web processes."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core.db import db
from core.settings import Settings
from local import embedded
from tests.cast import Member, organization_with_key
from tests.databases import fresh_database, start_server
from tests.services import Service
from wsgi import create_app


@pytest.fixture(scope="module")
def database(request: pytest.FixtureRequest) -> Iterator[Any]:
    """A PostgreSQL server of this module's own, in a folder of its own: one that was stopped is not started again."""
    server = start_server(f"faults-{request.node.path.stem}")
    yield server
    server.cleanup_mode = None
    server.stop()


@pytest.fixture
def url(database: Any) -> Iterator[str]:
    with fresh_database(embedded.url(database), "aig_faults") as url:
        yield url


@pytest.fixture
def member(url: str) -> Member:
    app = create_app(Settings(database_url=url))
    member = organization_with_key(app, rate_limit=10_000_000)
    with app.app_context():
        db.engine.dispose()
    return member


@pytest.fixture
def service_with(url: str, tmp_path: Path) -> Iterator[Any]:
    started: list[Service] = []

    def start(**environment: str) -> Service:
        settings = {"DATABASE_URL": url, "DATA_DIR": str(tmp_path), "WEB_WORKERS": "2", "RECORD_TIMEOUT_MS": "500"}
        started.append(Service({**settings, **environment}))
        started[-1].start()
        return started[-1]

    yield start
    for service in started:
        service.stop()
