"""What tests of money share: subscribing, things that happen at Stripe, and their events coming in."""

import json
from collections.abc import Callable
from typing import Any

import stripe
from flask import Flask
from sqlalchemy import func, select

from billing import checkouts, entitlements, webhook_events
from billing.access import EffectiveAccess
from billing.connection import gateway
from billing.entitlements import access_for
from billing.models import BillingAccount
from billing.plans import PlanCode
from core.audit import COMMAND_LINE, SYSTEM
from core.clock import utc_now
from core.db import acting_as_system, db, transaction
from local.stripe_sandbox import checkout, events, store
from tests.cast import Member

PATH = "/webhooks/stripe"


def subscribe(app: Flask, who: Member, plan: PlanCode = PlanCode.PRO, *, is_slow: bool = False) -> str:
    """Through the checkout, paid; no event was sent yet. The session's id."""
    with app.app_context(), acting_as_system(), transaction():
        url = open_checkout(who, plan)
        session_id = url.rpartition("/")[2]
        checkout.pay(session_id, is_slow=is_slow)
        return session_id


def open_checkout(who: Member, plan: PlanCode = PlanCode.PRO) -> str:
    return checkouts.start(
        who.organization_id,
        plan,
        gateway(),
        email="ada@people.example",
        success_url="http://localhost/plan/return?session_id={CHECKOUT_SESSION_ID}",
        cancel_url="http://localhost/plan",
        by=SYSTEM,
        now=utc_now(),
    )


def sent_events() -> list[dict[str, Any]]:
    """What the sandbox would send, oldest first."""
    return list(reversed(store.every("event")))


def receive(app: Flask, event: dict[str, Any]) -> int:
    """Signs an event, posts it to the webhook and processes it, as the worker would."""
    status = post(app, json.dumps(event).encode())
    with app.app_context(), acting_as_system(), transaction():
        webhook_events.process(event["id"], gateway(), now=utc_now())
    return status


def post(app: Flask, body: bytes, *, secret: str | None = None, age_s: int = 0, header: str | None = None) -> int:
    signed_at = int(utc_now().timestamp()) - age_s
    secret = secret or events.secret_from(app.config["SECRET_KEY"])
    signature = header if header is not None else sign(body, secret, signed_at)
    return app.test_client().post(PATH, data=body, headers={"Stripe-Signature": signature}).status_code


def sign(body: bytes, secret: str, signed_at: int) -> str:
    return str(stripe.WebhookSignature.generate_signature_header(body.decode("latin-1"), secret, timestamp=signed_at))


def access(app: Flask, who: Member) -> EffectiveAccess:
    with app.app_context(), acting_as_system():
        return access_for(who.organization_id, now=utc_now())


def subscription_id(app: Flask, who: Member) -> str:
    with app.app_context(), acting_as_system():
        customer_id = db.session.get_one(BillingAccount, who.organization_id).customer_id
        assert customer_id is not None
        return str(store.every("subscription", customer=customer_id)[0]["id"])


def happen(app: Flask, act: Callable[..., Any], *arguments: Any, **options: Any) -> None:
    """Something at Stripe; then all of its events come in."""
    with app.app_context(), acting_as_system(), transaction():
        before = {event["id"] for event in store.every("event")}
        act(*arguments, **options)
        new = [event for event in sent_events() if event["id"] not in before]
    for event in new:
        assert receive(app, event) == 204


def count(app: Flask, model: Any, *conditions: Any) -> int:
    with app.app_context(), acting_as_system():
        return db.session.scalar(select(func.count()).select_from(model).where(*conditions)) or 0


def offer_metered(app: Flask, who: Member) -> None:
    with app.app_context(), acting_as_system(), transaction():
        entitlements.offer_metered(who.organization_id, is_offered=True, by=COMMAND_LINE, now=utc_now())
