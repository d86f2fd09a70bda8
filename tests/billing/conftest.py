"""The sandbox in the place of Stripe, with our prices in it, and people who may buy."""

from functools import wraps
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, insert, select

from billing import catalogue
from billing.connection import gateway
from billing.plans import PlanCode
from core.db import acting_as_system, db, transaction
from local.stripe_sandbox import events, routes
from local.stripe_sandbox.store import SandboxObject
from tests.billing.scene import access, receive, sent_events, subscribe
from tests.cast import Member
from tests.contract.stripe_contract import judge_event, judge_object, judge_request
from tests.people import Person, person


@pytest.fixture(autouse=True)
def judged(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every request that is made, every answer and every event is held against Stripe's own contract."""
    answer, emit = routes.play, events.emit

    @wraps(answer)
    def answer_judged(method: str, path: str, params: dict[str, Any]) -> dict[str, Any]:
        judge_request(method, path, params)
        found = answer(method, path, params)
        if found["object"] != "list" and not found.get("deleted"):
            judge_object(found)
        return found

    @wraps(emit)
    def emit_judged(kind: str, subject: dict[str, Any]) -> dict[str, Any]:
        event = emit(kind, subject)
        judge_event(event)
        return event

    monkeypatch.setattr("local.stripe_sandbox.transport.play", answer_judged)
    monkeypatch.setattr(events, "emit", emit_judged)


CATALOGUE: list[dict[str, Any]] = []
"""What a first synchronization has made in the sandbox."""


@pytest.fixture
def prices(app: Flask) -> None:
    """As `flask billing sync` sets them up, once, and put there again for each test."""
    with app.app_context(), acting_as_system(), transaction():
        if CATALOGUE:
            db.session.execute(insert(SandboxObject), CATALOGUE)
            return
        before = db.session.scalar(select(func.max(SandboxObject.number))) or 0
        catalogue.sync(catalogue.parts(gateway().client, webhook_url=None))
        made = select(SandboxObject.id, SandboxObject.kind, SandboxObject.body).where(SandboxObject.number > before)
        CATALOGUE.extend(dict(row) for row in db.session.execute(made.order_by(SandboxObject.number)).mappings())


@pytest.fixture
def owner(app: Flask, ada: Member) -> Person:
    return person(app, "Ada", ada.organization_id)


@pytest.fixture
def operator(app: Flask) -> Person:
    return person(app, "Olga", is_operator=True)


@pytest.fixture
def subscribed(app: Flask, ada: Member, prices: None) -> Member:
    subscribe(app, ada)
    with app.app_context(), acting_as_system():
        new = sent_events()
    for event in new:
        receive(app, event)
    assert access(app, ada).plan is PlanCode.PRO
    return ada
