"""A small cast: Ada owns one organization, Cleo is a stranger with another. Factories are plain functions."""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import msgspec
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from api.keys import services as keys
from api.keys.scopes import Scope
from api.keys.token import KeyEnvironment
from api.policies import services as policies
from core import accounts
from core.audit import SYSTEM, AuditEvent
from core.clock import utc_now
from core.db import acting_as_system, db, transaction
from core.ids import public_id

ALL_SCOPES = tuple(Scope)
HARMLESS = {"model": "gpt-4o", "operation": "chat", "metadata": {"contains_personal_data": False}}


class Member(msgspec.Struct, frozen=True):
    """Somebody with an organization and a working key."""

    organization_id: UUID
    slug: str
    key_id: UUID
    secret: str

    @property
    def shown_key_id(self) -> str:
        return public_id("key", self.key_id)


def exports(app: Flask, member: Member) -> list[tuple[str, Any]]:
    """Who took the log away, and as what."""
    of_member = AuditEvent.organization_id == member.organization_id, AuditEvent.action == "decisions.exported"
    with app.app_context(), acting_as_system():
        found = db.session.scalars(select(AuditEvent).where(*of_member).order_by(AuditEvent.id))
        return [(event.actor_kind, event.after) for event in found]


def organization_with_key(
    app: Flask,
    *,
    slug: str | None = None,
    environment: KeyEnvironment = KeyEnvironment.LIVE,
    scopes: tuple[Scope, ...] = ALL_SCOPES,
    rate_limit: int | None = 10_000,
    now: datetime | None = None,
    **options: Any,
) -> Member:
    slug = slug or f"org-{uuid4().hex[:12]}"
    with app.app_context(), acting_as_system(), transaction():
        organization = accounts.create(slug=slug, name=slug.title(), by=SYSTEM, now=utc_now())
        policies.seed(now=utc_now())
        issued = keys.issue(
            organization.id,
            name="Main",
            environment=environment,
            scopes=scopes,
            rate_limit=rate_limit,
            by=SYSTEM,
            now=now or utc_now(),
            **options,
        )
        return Member(organization.id, slug, issued.key.id, issued.secret)


def another_key(app: Flask, member: Member, **options: Any) -> Member:
    """A second key of the same organization."""
    options = {
        "name": f"Key {uuid4().hex[:8]}",
        "environment": KeyEnvironment.LIVE,
        "scopes": ALL_SCOPES,
        "rate_limit": 10_000,
        "now": utc_now(),
        "by": SYSTEM,
        **options,
    }
    with app.app_context(), acting_as_system(), transaction():
        issued = keys.issue(member.organization_id, **options)
        return Member(member.organization_id, member.slug, issued.key.id, issued.secret)


class Caller:
    """A developer's software: sends JSON with a key."""

    def __init__(self, client: FlaskClient, secret: str | None) -> None:
        self._client = client
        self._secret = secret

    @property
    def authorization(self) -> str:
        return f"Bearer {self._secret}"

    def send(self, method: str, path: str, body: Any = None, **options: Any) -> Any:
        headers = dict(options.pop("headers", {}))
        if self._secret is not None:
            headers.setdefault("Authorization", self.authorization)
        if body is not None:
            options["data"] = body if isinstance(body, bytes) else msgspec.json.encode(body)
            options.setdefault("content_type", "application/json")
        return self._client.open(path, method=method, headers=headers, **options)

    def get(self, path: str, **options: Any) -> Any:
        return self.send("GET", path, **options)

    def post(self, path: str, body: Any = None, **options: Any) -> Any:
        return self.send("POST", path, body, **options)

    def patch(self, path: str, body: Any = None, **options: Any) -> Any:
        return self.send("PATCH", path, body, **options)

    def check(self, **changes: Any) -> Any:
        return self.post("/v1/check", {**HARMLESS, **changes})
