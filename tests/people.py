"""People at their browsers: each with a session of their own and the token that forms need."""

import re
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text, update

from core import sessions
from core.clock import utc_now
from core.db import acting_as_system, db, transaction
from core.mail import MailMessage
from core.members import Membership, Role, User
from core.sessions import Method, UserSession
from portal.customer.people import accounts, second_factor

PASSWORD = "plum-harbour-violin-92"
CHEAP_HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
_HASH = CHEAP_HASHER.hash(PASSWORD)
_AS_PERSON = {"Accept": "text/html"}
_TOKEN = re.compile(r'name="csrf_token"\s+value="([^"]+)"')


class Browser:
    """Sends forms as a person would; follows nothing by itself."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client
        self._tokens: dict[str | None, str] = {}

    def get(self, path: str, **options: Any) -> Any:
        return self.client.get(path, headers={**_AS_PERSON, **options.pop("headers", {})}, **options)

    def post(self, path: str, **fields: Any) -> Any:
        return self.client.post(path, data={"csrf_token": self.token(), **fields}, headers=_AS_PERSON)

    def post_without_token(self, path: str, **fields: Any) -> Any:
        return self.client.post(path, data=fields, headers=_AS_PERSON)

    def token(self) -> str:
        """From a page that everybody may open; good as long as the session stays the same."""
        token = self._tokens.get(self._session())
        if token is None:
            found = _TOKEN.search(self.get("/report-a-key").text)
            assert found is not None
            token = self._tokens[self._session()] = found[1]
        return token

    def _session(self) -> str | None:
        cookie = self.client.get_cookie(self.client.application.config["SESSION_COOKIE_NAME"])
        return cookie.value if cookie else None

    def sign_in(self, user_id: UUID, *, organization_id: UUID | None = None) -> None:
        """As if they had just logged in with password."""
        with self.client.application.app_context(), acting_as_system(), transaction():
            user = db.session.get_one(User, user_id)
            row, token = sessions.start(
                user, method=Method.PASSWORD, address="127.0.0.1", user_agent="Test", now=utc_now()
            )
            row.organization_id = organization_id
        with self.client.session_transaction() as cookie:
            cookie["_user_id"] = token


class Person(msgspec.Struct, frozen=True):
    """Somebody with an account, at a browser where they are signed in."""

    user_id: UUID
    email: str
    browser: Browser

    def get(self, path: str, **options: Any) -> Any:
        return self.browser.get(path, **options)

    def post(self, path: str, **fields: Any) -> Any:
        return self.browser.post(path, **fields)


def make_user(app: Flask, name: str, *, is_operator: bool = False, is_confirmed: bool = True) -> tuple[UUID, str]:
    """An account whose password is PASSWORD; an operator has a second factor."""
    email = f"{name.lower()}@people.example"
    with app.app_context(), acting_as_system(), transaction():
        user = accounts.create_user(
            email=email,
            name=name,
            password_hash=_HASH,
            now=utc_now(),
            is_confirmed=is_confirmed,
            is_operator=is_operator,
        )
        if is_operator:
            second_factor.make_guarded(user, secret_key=app.config["SECRET_KEY"], now=utc_now())
        return user.id, email


def join(app: Flask, user_id: UUID, organization_id: UUID, role: Role) -> None:
    with app.app_context(), acting_as_system(), transaction():
        db.session.add(
            Membership(organization_id=organization_id, user_id=user_id, role=role.value, created_at=utc_now())
        )


def person(
    app: Flask, name: str, organization_id: UUID | None = None, role: Role = Role.OWNER, **options: Any
) -> Person:
    """An account, a membership in an organization, and a browser where they are signed in."""
    user_id, email = make_user(app, name, **options)
    if organization_id is not None:
        join(app, user_id, organization_id, role)
    browser = Browser(app.test_client())
    browser.sign_in(user_id, organization_id=organization_id)
    return Person(user_id, email, browser)


def mails_to(app: Flask, email: str) -> list[MailMessage]:
    """What was sent to an address, oldest first."""
    with app.app_context(), acting_as_system():
        found = db.session.scalars(select(MailMessage).where(MailMessage.recipient == email).order_by(MailMessage.id))
        return list(found)


def link_in(message: MailMessage) -> str:
    """The path of the first link in a mail."""
    found = re.search(r"https?://[^/\s]+(/\S+)", message.text or "")
    assert found is not None
    return found[1]


NEW = {"name": "Nora New", "organization_name": "New Works", "email": "nora@new.example", "password": PASSWORD}


def sign_up(browser: Browser, **changes: str) -> Any:
    return browser.post("/sign-up", **{**NEW, **changes})


def log_in(browser: Browser, email: str, password: str = PASSWORD, **options: Any) -> Any:
    return browser.post("/log-in", email=email, password=password, **options)


def is_signed_in(browser: Browser) -> bool:
    return bool(browser.get("/organizations").status_code == 200)


def words_of(answer: Any, *, but: str) -> str:
    """The page without an address that differs, and without tokens of forms, which differ by the second."""
    return _TOKEN.sub("", answer.text).replace(but, "")


def tables_with(app: Flask, words: str) -> set[str]:
    """Every table that holds them, in whichever column."""
    with app.app_context(), acting_as_system():
        db.session.execute(text("SET LOCAL ROLE NONE"))
        tables = db.session.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).all()
        found = {
            table
            for table in tables
            if db.session.scalar(
                text(f'SELECT EXISTS (SELECT FROM "{table}" row WHERE row::text LIKE :words)'), {"words": f"%{words}%"}
            )
        }
        db.session.rollback()
        return found


def let_proofs_lapse(app: Flask) -> None:
    """Of everybody who is signed in, as an hour after they last proved who they are."""
    with app.app_context(), acting_as_system(), transaction():
        db.session.execute(update(UserSession).values(authenticated_at=utc_now() - timedelta(hours=1)))
