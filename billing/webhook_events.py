"""Events by webhook: stored once by their id, then processed by the worker, which asks Stripe for the present state.

An event only says that something happened to a customer. What is true is fetched anew, so neither duplicates nor their
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
from billing.errors import PaymentsRefused
from billing.gateway import Gateway
from billing.models import BillingAccount, StripeEvent
from billing.states import DONE, MOVES, EventStatus
from billing.stripe_objects import PRODUCT, StripeObject, id_of
from core.db import db, transaction
from core.errors import NotFound
from core.rows import find_fresh, locked
from core.scope import needs_system_scope

STUCK_AFTER = timedelta(minutes=10)
FAMILIES = ("customer", "invoice", "checkout", "charge", "subscription_schedule", "entitlements", "refund")
"""Events about these can concern an organization's access; the others are kept and acknowledged."""


class WebhookNotice(msgspec.Struct, frozen=True):
    """What we read of an event, of either style."""

    id: str
    type: str
    is_thin: bool
    livemode: bool
    created_at: datetime
    subject: StripeObject
    """The object, or of a thin event its `id` and `type` alone."""


def notice_of(event: StripeObject) -> WebhookNotice:
    is_thin = event.get("object") == "v2.core.event"
    data = event.get("related_object") if is_thin else event.get("data")
    subject = data.get("object") if isinstance(data, dict) and not is_thin else data
    created = event.get("created")
    return WebhookNotice(
        id=str(event["id"]),
        type=str(event["type"]),
        is_thin=is_thin,
        livemode=bool(event.get("livemode")),
        created_at=_moment(created),
        subject=subject if isinstance(subject, dict) else {},
    )


@needs_system_scope
def store(event: StripeObject, *, now: datetime) -> bool:
    """Whether it is new."""
    notice = notice_of(event)
    row = insert(StripeEvent).values(
        id=notice.id,
        type=notice.type,
        is_thin=notice.is_thin,
        livemode=notice.livemode,
        created_at=notice.created_at,
        received_at=now,
        payload=event,
        status=EventStatus.RECEIVED.value,
        attempts=0,
    )
    return db.session.execute(row.on_conflict_do_nothing().returning(StripeEvent.id)).first() is not None


def process(event_id: str, gateway: Gateway, *, now: datetime) -> None:
    """Brings the organization it is about up to date. Twice does nothing more, and at the same time no harm.

    Commits: nothing is held while Stripe is asked. Raises what Stripe's refusal raised.
    """
    with transaction():
        event = find_fresh(StripeEvent, event_id)
        payload = event.payload if event is not None and event.status not in DONE else None
    if payload is None:
        return
    notice = notice_of(payload)
    customer_id, why = _customer_of(notice, gateway) if _concerns_us(notice, gateway) else (None, _WHY_NOT)
    if notice.livemode != gateway.is_live:
        why = "It belongs to the other mode (live or test)."
    with transaction():
        organization_id, note = _organization_of(customer_id, notice) if customer_id else (None, why)
    if organization_id is not None:
        mirror.sync(organization_id, gateway, now=now)
    with transaction():
        if organization_id is None:
            _move(event_id, EventStatus.IGNORED, note=note, processed_at=now)
        else:
            _move(event_id, EventStatus.PROCESSED, organization_id=organization_id, processed_at=now)


def note_waiting(event_id: str) -> None:
    """Stripe does not answer: that is no failure of the event, and it is tried until it does."""
    event = db.session.get_one(StripeEvent, event_id)
    event.note, event.attempts = "Stripe does not respond. It is retried until it does.", event.attempts + 1


def note_failure(event_id: str, words: str) -> None:
    """For operators to see, who can have it tried again."""
    _move(event_id, EventStatus.FAILED, note=words)


def _move(
    event_id: str,
    to: EventStatus,
    *,
    note: str | None = None,
    organization_id: UUID | None = None,
    processed_at: datetime | None = None,
) -> None:
    """Nothing, where somebody else was done with the event meanwhile: it is processed twice without harm."""
    event = locked(StripeEvent, event_id)
    if to in MOVES[EventStatus(event.status)]:
        event.status, event.note, event.attempts = to.value, note, event.attempts + 1
        event.organization_id, event.processed_at = organization_id, processed_at


def in_trouble(now: datetime) -> list[StripeEvent]:
    """What failed, or is stuck, newest first."""
    is_stuck = (StripeEvent.status == EventStatus.RECEIVED.value) & (StripeEvent.received_at <= now - STUCK_AFTER)
    query = select(StripeEvent).where((StripeEvent.status == EventStatus.FAILED.value) | is_stuck)
    return list(db.session.scalars(query.order_by(StripeEvent.received_at.desc()).limit(200)))


def stuck(now: datetime) -> list[str]:
    """Received, and neither processed nor failed."""
    query = select(StripeEvent.id).where(
        StripeEvent.status == EventStatus.RECEIVED.value, StripeEvent.received_at <= now - STUCK_AFTER
    )
    return list(db.session.scalars(query))


def latest(size: int) -> list[StripeEvent]:
    return list(db.session.scalars(select(StripeEvent).order_by(StripeEvent.received_at.desc()).limit(size)))


def find(event_id: str) -> StripeEvent:
    """Raises NotFound."""
    event = db.session.get(StripeEvent, event_id)
    if event is None:
        raise NotFound("Event not found.")
    return event


_WHY_NOT = "It does not affect any organization's access."


def _concerns_us(notice: WebhookNotice, gateway: Gateway) -> bool:
    return notice.livemode == gateway.is_live and notice.type.removeprefix("v1.").startswith(FAMILIES)


def _organization_of(customer_id: str, notice: WebhookNotice) -> tuple[UUID | None, str]:
    """Or why there is none."""
    organization_id = db.session.scalar(
        select(BillingAccount.organization_id).where(BillingAccount.customer_id == customer_id)
    )
    if organization_id is not None:
        return organization_id, ""
    metadata = notice.subject.get("metadata")
    ours = isinstance(metadata, dict) and metadata.get("product") == PRODUCT
    return (
        None,
        "Its customer no longer belongs to any organization here."
        if ours
        else "Its customer does not belong to any organization here.",
    )


def _customer_of(notice: WebhookNotice, gateway: Gateway) -> tuple[str | None, str]:
    """Or why there is none: what Stripe does not have any more is about nobody."""
    subject, kind = notice.subject, notice.subject.get("object") or notice.subject.get("type")
    if kind == "customer":
        return str(subject.get("id")), ""
    if not subject.get("customer") and notice.is_thin and isinstance(kind, str) and kind in _WHOLE:
        whole = _found(lambda: _WHOLE[kind](gateway, str(subject.get("id"))))
        if whole is None:
            return None, _GONE
        subject = whole
    if not subject.get("customer") and subject.get("charge"):
        charge_id = id_of(subject["charge"])
        charge = _found(lambda: gateway.charge(charge_id))
        if charge is None:
            return None, _GONE
        subject = charge
    customer = subject.get("customer")
    return (id_of(customer), "") if customer else (None, "It has no customer.")


_GONE = "Its object no longer exists in Stripe."


def _found(ask: Callable[[], StripeObject]) -> StripeObject | None:
    try:
        return ask()
    except PaymentsRefused as refused:
        if refused.is_missing:
            return None
        raise


_WHOLE: dict[str, Callable[[Gateway, str], StripeObject]] = {
    "subscription": Gateway.subscription,
    "invoice": Gateway.invoice,
    "charge": Gateway.charge,
    "dispute": Gateway.dispute,
    "checkout.session": Gateway.checkout,
}
"""Where what a thin event leaves out is found; a dispute names a charge, and only that a customer."""


def _moment(created: Any) -> datetime:
    """Seconds in a snapshot event, a text in a thin one. Whatever else it says, the event is worth looking at."""
    try:
        if isinstance(created, str):
            return datetime.fromisoformat(created).astimezone(UTC)
        return datetime.fromtimestamp(int(created), UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(0, UTC)
