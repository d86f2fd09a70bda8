"""A service with a database of its own, where commits are real, and a folder for its backups."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from backups.place import Place, here
from core.db import db
from core.settings import Settings
from wsgi import create_app


@pytest.fixture
def settings(live_url: str, tmp_path: Path) -> Settings:
    return Settings(database_url=live_url, data_dir=str(tmp_path))


@pytest.fixture
def home(settings: Settings) -> Iterator[Flask]:
    app = create_app(settings)
    app.testing = True
    yield app
    with app.app_context():
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def place(home: Flask) -> Iterator[Place]:
    """Within the app's context."""
    with home.app_context():
        yield here()
