"""A service for each module, with a normal member and a noisy one."""

from collections.abc import Iterator
from uuid import uuid4

import pytest
from flask import Flask

from api.keys.token import KeyEnvironment
from core.db import db
from core.settings import Settings
from tests.cast import Member, organization_with_key
from tests.databases import fresh_database
from tests.faults.crowding.scene import serving
from tests.services import Service
from wsgi import create_app


@pytest.fixture(scope="module")
def url(server_url: str) -> Iterator[str]:
    with fresh_database(server_url, f"aig_crowd_{uuid4().hex[:8]}") as made:
        yield made


@pytest.fixture(scope="module")
def app(url: str) -> Iterator[Flask]:
    made = create_app(Settings(database_url=url))
    yield made
    with made.app_context():
        db.engine.dispose()


@pytest.fixture(scope="module")
def member(app: Flask) -> Member:
    return organization_with_key(app, rate_limit=10_000_000)


@pytest.fixture(scope="module")
def noisy(app: Flask) -> Member:
    """A member of another organization, with a test key and a high limit."""
    return organization_with_key(app, rate_limit=10_000_000, environment=KeyEnvironment.TEST)


@pytest.fixture(scope="module")
def service(url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with serving(url, tmp_path_factory.mktemp("crowd")) as started:
        yield started
