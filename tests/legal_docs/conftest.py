"""The system's scope in a transaction that is rolled back; version 1.0 of each document; two firms."""

from collections.abc import Iterator

import msgspec
import pytest
from flask import Flask

from core.db import acting_as_system
from core.settings import Settings
from tests.legal_docs.scene import Firm, found_firm, publish_first_versions


@pytest.fixture
def system(app: Flask) -> Iterator[None]:
    with app.app_context(), acting_as_system():
        yield


@pytest.fixture
def published(system: None) -> None:
    publish_first_versions()


@pytest.fixture
def ada(published: None) -> Firm:
    return found_firm("ada-and-co")


@pytest.fixture
def cleo(published: None) -> Firm:
    return found_firm("cleo-ltd")


@pytest.fixture
def mail_server_away(app: Flask, system: None) -> Iterator[None]:
    """Mail waits for a server that takes it."""
    settings: Settings = app.extensions["settings"]
    app.extensions["settings"] = msgspec.structs.replace(settings, smtp_url="smtp://mail.example")
    yield
    app.extensions["settings"] = settings
