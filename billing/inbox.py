"""Events by webhook: taken in once by their id, then worked off by the worker, which asks Stripe how things stand.

An event only says that something happened to a customer. What is true is fetched anew, so neither doubles nor their
order can do harm.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from billing import mirror
from billing.access import moment_of
from billing.gateway import Gateway
from billing.models import BillingAccount, StripeEvent
from billing.stripe_words import PRODUCT, Snapshot, id_of
from core.db import db
from core.errors import NotFound

LEFT_AFTER = timedelta(minutes=10)
FAMILIES = ("customer", "invoice", "checkout", "charge", "subscription_schedule", "entitlements", "refund")
"""Events about these can concern an organization's access; the others are kept and acknowledged."""


class Notice(msgspec.Struct, frozen=True):
    """What we read of an event, of either style."""

    id: str
    type: str
    is_thin: bool
    livemode: bool
    created_at: datetime
    subject: Snapshot
    """The object, or of a thin event its `id` and `type` alone."""


def notice_of(event: Snapshot) -> Notice:
    is_thin = event.get("object") == "v2.core.event"
    subject = event.get("related_object") if is_thin else (event.get("data") or {}).get("object")
    created = event.get("created")
    return Notice(
        id=str(event["id"]),
        type=str(event["type"]),
        is_thin=is_thin,
        livemode=bool(event.get("livemode")),
        created_at=_moment(created),
        subject=subject if isinstance(subject, dict) else {},
    )


def take_in(event: Snapshot, *, now: datetime) -> bool:
    """Whether it is new. Needs the system's scope, as all of this."""
    notice = notice_of(event)
    row = insert(StripeEvent).values(
        id=notice.id,
        type=notice.type,
        is_thin=notice.is_thin,
        livemode=notice.livemode,
        created_at=notice.created_at,
        received_at=now,
        payload=event,
        status="received",
        attempts=0,
    )
    return db.session.execute(row.on_conflict_do_nothing().returning(StripeEvent.id)).first() is not None


def work_off(event_id: str, gateway: Gateway, *, now: datetime) -> None:
    """Brings the organization it is about up to date. Twice does nothing more. Raises what Stripe's refusal raised."""
    event = db.session.get(StripeEvent, event_id, with_for_update=True, populate_existing=True)
    if event is None or event.status in {"processed", "ignored"}:
        return
    event.attempts += 1
    organization_id, note = _concerned(notice_of(event.payload), gateway)
    if organization_id is None:
        event.status, event.note = "ignored", note
    else:
        mirror.bring_up(organization_id, gateway, now=now)
        event.status, event.organization_id, event.note = "processed", organization_id, None
    event.processed_at = now


def note_failure(event_id: str, words: str) -> None:
    """For operators to see, who can have it tried again."""
    event = db.session.get_one(StripeEvent, event_id)
    event.status, event.note, event.attempts = "failed", words, event.attempts + 1


def in_trouble(now: datetime) -> list[StripeEvent]:
    """What could not be worked off, or was left lying, newest first."""
    is_left = (StripeEvent.status == "received") & (StripeEvent.received_at <= now - LEFT_AFTER)
    query = select(StripeEvent).where((StripeEvent.status == "failed") | is_left)
    return list(db.session.scalars(query.order_by(StripeEvent.received_at.desc()).limit(200)))


def left_lying(now: datetime) -> list[str]:
    """Taken in, and never worked off nor failed."""
    query = select(StripeEvent.id).where(StripeEvent.status == "received", StripeEvent.received_at <= now - LEFT_AFTER)
    return list(db.session.scalars(query))


def latest(size: int) -> list[StripeEvent]:
    return list(db.session.scalars(select(StripeEvent).order_by(StripeEvent.received_at.desc()).limit(size)))


def find(event_id: str) -> StripeEvent:
    """Raises NotFound."""
    event = db.session.get(StripeEvent, event_id)
    if event is None:
        raise NotFound("There is no such event.")
    return event


def _concerned(notice: Notice, gateway: Gateway) -> tuple[UUID | None, str]:
    """Which organization an event is about; or why it is about none."""
    if notice.livemode != gateway.is_live:
        return None, "It belongs to the other mode."
    if not notice.type.removeprefix("v1.").startswith(FAMILIES):
        return None, "Nothing of an organization's access depends on it."
    customer_id = _customer_of(notice, gateway)
    if customer_id is None:
        return None, "It names no customer."
    organization_id = db.session.scalar(
        select(BillingAccount.organization_id).where(BillingAccount.customer_id == customer_id)
    )
    if organization_id is None:
        ours = (notice.subject.get("metadata") or {}).get("product") == PRODUCT
        return None, "Its customer is none of ours any more." if ours else "Its customer is none of ours."
    return organization_id, ""


def _customer_of(notice: Notice, gateway: Gateway) -> str | None:
    subject, kind = notice.subject, notice.subject.get("object") or notice.subject.get("type")
    if kind == "customer":
        return str(subject.get("id"))
    if subject.get("customer"):
        return id_of(subject["customer"])
    if notice.is_thin and kind in _WHOLE:
        subject = _WHOLE[kind](gateway, str(subject.get("id")))
    if subject.get("customer"):
        return id_of(subject["customer"])
    return id_of(gateway.charge(id_of(subject["charge"])).get("customer")) if subject.get("charge") else None


_WHOLE: dict[str, Callable[[Gateway, str], Snapshot]] = {
    "subscription": Gateway.subscription,
    "invoice": Gateway.invoice,
    "charge": Gateway.charge,
    "dispute": Gateway.dispute,
    "checkout.session": Gateway.checkout,
}
"""Where what a thin event leaves out is found; a dispute names a charge, and only that a customer."""


def _moment(created: Any) -> datetime:
    """Seconds in a snapshot event, a text in a thin one."""
    if isinstance(created, str):
        return datetime.fromisoformat(created).astimezone(UTC)
    return moment_of(created) or datetime.fromtimestamp(0, UTC)
