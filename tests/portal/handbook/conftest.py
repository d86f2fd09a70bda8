"""A database of its own for commands that really work on it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from core.db import db
from core.settings import Settings
from tests.databases import WORKER, fresh_database
from tests.portal.handbook.chapters_read import BASE_URL
from wsgi import create_app


@pytest.fixture
def fresh_app(server_url: str, tmp_path: Path) -> Iterator[Flask]:
    """As on a first day: migrated, and empty."""
    with fresh_database(server_url, f"aig_handbook_{WORKER}") as url:
        app = create_app(Settings(database_url=url, data_dir=str(tmp_path), public_url=BASE_URL))
        yield app
        with app.app_context():
            db.session.remove()
            db.engine.dispose()
