"""Ada owns an organization with a team; Cleo is a stranger with another; Olga is an operator."""

import pytest
from flask import Flask

from core.db import acting_as_system
from core.members import Role
from core.settings import Settings
from local.demo.documents import publish_trial_versions
from tests.cast import Member
from tests.people import Browser, Person, person


@pytest.fixture
def owner(app: Flask, ada: Member) -> Person:
    return person(app, "Ada", ada.organization_id)


@pytest.fixture
def admin(app: Flask, ada: Member) -> Person:
    return person(app, "Alex", ada.organization_id, Role.ADMIN)


@pytest.fixture
def developer(app: Flask, ada: Member) -> Person:
    return person(app, "Ben", ada.organization_id, Role.DEVELOPER)


@pytest.fixture
def billing(app: Flask, ada: Member) -> Person:
    return person(app, "Bill", ada.organization_id, Role.BILLING)


@pytest.fixture
def viewer(app: Flask, ada: Member) -> Person:
    return person(app, "Vera", ada.organization_id, Role.VIEWER)


@pytest.fixture
def stranger(app: Flask, cleo: Member) -> Person:
    """An owner, of another organization."""
    return person(app, "Cleo", cleo.organization_id)


@pytest.fixture
def operator(app: Flask) -> Person:
    return person(app, "Olga", is_operator=True)


@pytest.fixture
def nobody(app: Flask) -> Browser:
    return Browser(app.test_client())


@pytest.fixture
def documents(app: Flask) -> None:
    """Version 1.0 of every document is published."""
    with app.app_context(), acting_as_system():
        publish_trial_versions(Settings())
