"""The whole world as one fixture: built once for all tests of a file."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from flask import Flask

import api
from backups.encryption import new_key
from core import current
from core.clock import utc_now
from core.db import acting_as_system, db
from core.environment import read_settings
from core.settings import Environment, Settings
from local import stripe_sandbox
from portal.console.launch.checks import CHECKS
from portal.console.launch.running import run_checks
from portal.console.launch.verdicts import CheckContext
from tests.backups.s3 import SmallS3, served
from tests.core.production import GOOD
from tests.databases import fresh_database, web_login_url
from tests.people import Person
from tests.portal.launch import world
from tests.portal.launch.customers import make_ready
from tests.portal.launch.scene import attack, audit, hand_in, load
from tests.services import RedisServer, wait_until
from wsgi import create_app

EVIDENCE_KEY = "4b7d90c1e8a35f26d7b09e1c"
STRIPE_KEY = "rk_test_51HqLyjWDarjtT1zdp7dc"


class World(msgspec.Struct, frozen=True):
    app: Flask
    operator: Person
    settings: Settings

    def red(self, settings: Settings | None = None) -> dict[str, str]:
        """What every check says that is not green."""
        with self.app.app_context(), acting_as_system():
            verdicts = run_checks(CheckContext(settings or self.settings, utc_now()))
        return {code: verdict.seen for code, verdict in verdicts.items() if not verdict.is_green}


@pytest.fixture(scope="module")
def here(server_url: str, redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world.need_programs()
    folder, ports = tmp_path_factory.mktemp("world"), world.Ports.free()
    store = SmallS3("acme-pilot-backups", "AKIAQ7ZP")
    with fresh_database(server_url, f"aig_world_{ports.app}") as url, served(store):
        settings = world.settings_of(
            ports,
            read_settings(GOOD),
            database_url=url,
            database_web_url=web_login_url(url),
            redis_url=redis_server.url,
            data_dir=str(folder / "data"),
            backup_key=new_key(),
            backup_s3_endpoint=store.url,
            backup_s3_region="eu-west-1",
            backup_s3_access_key_id=store.access_key_id,
            backup_s3_secret_access_key="Yb61vKq0ZtR84mXw27LcPd95",
            evidence_key=EVIDENCE_KEY,
            stripe_api_key=STRIPE_KEY,
            trusted_proxy_hops=0,
            allowed_hosts="localhost",
        )
        yield from _lived_in(settings, ports, folder)


def _lived_in(settings: Settings, ports: world.Ports, folder: Path) -> Iterator[World]:
    app = create_app(settings)
    app.testing = True
    sandbox = msgspec.structs.replace(settings, stripe_api_key=None, environment=Environment.DEVELOPMENT)
    stripe_sandbox.connect(app, sandbox)
    app.extensions[current.EXTENSION] = settings = msgspec.structs.replace(settings, trusted_proxy_hops=1)
    api.start(app)
    try:
        with world.around(app, ports, folder):
            operator = make_ready(app)
            host = f"{world.HOST}:{ports.site}"
            for body in (load(host=host), audit(), attack()):
                assert hand_in(app, body, key=EVIDENCE_KEY).status_code == 204
            wait_until(lambda: _is_measured(app, settings), "Prometheus has read our figures")
            yield World(app, operator, settings)
    finally:
        api.stop(app)
        with app.app_context():
            db.session.remove()
            db.engine.dispose()


def _is_measured(app: Flask, settings: Settings) -> bool:
    with app.app_context(), acting_as_system():
        return CHECKS["dashboard_has_data"](CheckContext(settings, utc_now())).is_green
