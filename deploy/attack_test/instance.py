"""An instance that lives for one run: a database of its own, with people and names that are hostile themselves."""

from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory

import flask_migrate
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from api.keys import services as keys
from api.keys.scopes import Scope
from api.keys.token import KeyEnvironment
from api.policies import services as policies
from core import accounts as organizations
from core import sessions
from core.accounts import Organization
from core.audit import COMMAND_LINE
from core.clock import utc_now
from core.db import acting_as_system, db, transaction
from core.members import Membership, User
from core.release import ROOT
from core.sessions import Method
from core.settings import Settings
from core.throttle import limiter
from local.demo.people import DEMO_SLUG, seed
from wsgi import create_app

SCRIPT = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
OWNER, OPERATOR = "ada@demo.example", "olga@operators.example"


@contextmanager
def throwaway_app() -> Iterator[tuple[Flask, str]]:
    """With a key of one of its organizations that may do everything."""
    with TemporaryDirectory() as folder:
        settings = Settings(data_dir=folder, log_level="ERROR")
        app = create_app(settings)
        limiter.enabled = False  # a refusal for being asked too often would hide what is behind it
        try:
            with app.app_context():
                flask_migrate.upgrade(directory=str(ROOT / "migrations"))
                list(seed(settings))
                secret = _issue_key()
                _make_names_hostile()
            yield app, secret
        finally:
            with app.app_context():
                db.session.remove()
                db.engine.dispose()


def browser_of(app: Flask, email: str | None) -> FlaskClient:
    """Signed in as one of the demo's people, or nobody."""
    client = app.test_client()
    if email:
        _sign_in(app, client, email)
    return client


def _issue_key() -> str:
    now = utc_now()
    with acting_as_system(), transaction():
        organization = organizations.find_by_slug(DEMO_SLUG)
        policies.seed(now=now)
        return keys.issue(
            organization.id,
            name="Attack",
            environment=KeyEnvironment.TEST,
            scopes=tuple(Scope),
            by=COMMAND_LINE,
            now=now,
        ).secret


def _make_names_hostile() -> None:
    with acting_as_system(), transaction():
        for row in (*db.session.scalars(select(Organization)), *db.session.scalars(select(User))):
            row.name = f"{row.name} {SCRIPT}"


def _sign_in(app: Flask, client: FlaskClient, email: str) -> None:
    with app.app_context(), acting_as_system(), transaction():
        user = db.session.scalars(select(User).where(User.email == email)).one()
        row, token = sessions.start(user, method=Method.PASSWORD, address="127.0.0.1", user_agent="", now=utc_now())
        row.organization_id = db.session.scalar(
            select(Membership.organization_id).where(Membership.user_id == user.id).limit(1)
        )
    with client.session_transaction() as cookie:
        cookie["_user_id"] = token
