"""The sandbox in the place of Stripe, with our prices in it, and people who may buy."""

import pytest
from flask import Flask

from billing import catalogue
from billing.connection import gateway
from core.db import transaction
from tests.cast import Member
from tests.people import Person, person


@pytest.fixture
def prices(app: Flask) -> None:
    """As `flask billing sync` sets them up."""
    with app.app_context(), transaction():
        catalogue.sync(catalogue.parts(gateway().client, webhook_url=None))


@pytest.fixture
def owner(app: Flask, ada: Member) -> Person:
    return person(app, "Ada", ada.organization_id)


@pytest.fixture
def operator(app: Flask) -> Person:
    return person(app, "Olga", is_operator=True)
