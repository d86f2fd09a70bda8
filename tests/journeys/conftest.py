"""A real browser before the real service: processes, database and pages as a customer meets them."""

from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from core.clock import utc_now
from core.db import acting_as_system, db, transaction
from core.passwords import hash_password
from core.settings import Settings
from local import demo
from portal.customer.people import accounts
from tests import browsers
from tests.databases import fresh_database
from tests.journeys.looking import equip
from tests.services import Service
from wsgi import create_app

PASSWORD = "plum-harbour-violin-92"
OPERATORS = {
    name: f"{name.lower()}@operators.example"
    for name in ("Oda", "Odin", "Ola", "Olaf", "Oleg", "Omar", "Ona", "Orla", "Oskar", "Otis", "Otto", "Owen")
}
PROVIDER = {
    "PROVIDER_NAME": "Provider Ltd",
    "PROVIDER_ADDRESS": "1 Provider Street, Dublin",
    "PROVIDER_REGISTRATION": "Register No. 1",
    "PROVIDER_SIGNATORY": "P. Rovider, director",
    "GOVERNING_LAW": "Ireland",
    "COURTS": "Dublin",
    "SUPPORT_EMAIL": "support@provider.example",
    "LEGAL_EMAIL": "legal@provider.example",
    "PRIVACY_EMAIL": "privacy@provider.example",
    "SECURITY_EMAIL": "security@provider.example",
}


class Portal(msgspec.Struct):
    """The running service and the people of its demo."""

    url: str
    settings: Settings
    password: str
    operator_codes: list[str]
    new_operators: list[str]
    """Addresses of those who have not set up a second factor yet; whoever takes one takes it from the list."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """For each module its own, since it keeps an event loop of the thread to itself."""
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=browsers.program(), args=browsers.FLAGS)
        yield opened
        opened.close()


@pytest.fixture(scope="package")
def portal(server_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    folder = tmp_path_factory.mktemp("portal")
    with fresh_database(server_url, f"aig_portal_{uuid4().hex[:8]}") as url:
        service = Service({"DATABASE_URL": url, "DATA_DIR": str(folder), **PROVIDER}, with_worker=True)
        address = service.url.replace("127.0.0.1", "localhost")
        service.set("PUBLIC_URL", address)
        settings = Settings(database_url=url, data_dir=str(folder), port=service.port, public_url=address)
        kept = _seed(settings, folder)
        service.start()
        yield Portal(address, settings, kept["password"], kept["operator_codes"], [*OPERATORS.values()])
        service.stop()


def _seed(settings: Settings, folder: Path) -> dict[str, Any]:
    app = create_app(settings)
    with app.app_context():
        list(demo.people.seed(settings))
        list(demo.plans.seed(settings))
        with acting_as_system(), transaction():
            password_hash = hash_password(PASSWORD)
            for name, email in OPERATORS.items():
                accounts.create_user(
                    email=email,
                    name=f"{name} Operator",
                    password_hash=password_hash,
                    now=utc_now(),
                    is_confirmed=True,
                    is_operator=True,
                )
        db.engine.dispose()
    kept: dict[str, Any] = msgspec.json.decode((folder / "demo-people.json").read_bytes())
    return kept


@pytest.fixture
def page(browser: Browser, portal: Portal) -> Iterator[Page]:
    """A fresh browser profile; whatever the browser complains about fails the test."""
    yield from watched_page(browser, portal)


@pytest.fixture
def other_page(browser: Browser, portal: Portal) -> Iterator[Page]:
    """A second person at a browser of their own."""
    yield from watched_page(browser, portal)


def watched_page(browser: Browser, portal: Portal) -> Generator[Page]:
    context = browser.new_context(base_url=portal.url, viewport={"width": 1280, "height": 900})
    context.set_default_timeout(10_000)
    equip(context)
    opened = context.new_page()
    complaints: list[str] = []
    opened.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    yield opened
    context.close()
    expected = ("status of 4", "ERR_ABORTED")  # refusals that a journey provokes
    assert [words for words in complaints if not any(part in words for part in expected)] == []
