"""A database that takes no writes: pages say so, and go on by themselves when it does."""

from collections.abc import Iterator

import psycopg
import pytest
from flask import Flask

from core.db import db
from tests.people import PASSWORD, Browser, make_user


def let_write(url: str, *, is_allowed: bool) -> None:
    """For every session from now on, also for those that are there already: they are ended."""
    with psycopg.connect(url, autocommit=True, options="-c default_transaction_read_only=off") as connection:
        name = connection.info.dbname
        value = "off" if is_allowed else "on"
        connection.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = {value}'.encode())


@pytest.fixture
def read_only_app(live_app: Flask, live_url: str) -> Iterator[Flask]:
    make_user(live_app, "Ada")
    let_write(live_url, is_allowed=False)
    with live_app.app_context():
        db.engine.dispose()
    yield live_app
    let_write(live_url, is_allowed=True)


def log_in(app: Flask) -> int:
    browser = Browser(app.test_client())
    return int(browser.post("/log-in", email="ada@people.example", password=PASSWORD).status_code)


def test_a_page_that_cannot_write_says_that_it_is_for_now_and_goes_on_without_a_restart(
    read_only_app: Flask, live_url: str
) -> None:
    refused = log_in(read_only_app)
    let_write(live_url, is_allowed=True)

    assert refused == 503
    assert log_in(read_only_app) == 303
