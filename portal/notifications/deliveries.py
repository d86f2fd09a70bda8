"""Deliveries: written with what they tell of, found again in the log, asked for again by hand."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import delete, func, select, update

from core import audit
from core.accounts import Organization
from core.audit import Actor, AuditEvent
from core.current import settings
from core.db import acting_as_system, db
from core.errors import NotFound
from core.ids import new_uuid
from core.rows import read_anew
from core.scope import needs_system_scope
from portal.notifications import channels, payloads, sending
from portal.notifications.diffs import diff_of
from portal.notifications.errors import NotAgreed
from portal.notifications.events import EVENTS, TEST, Event, EventAudience, facts_of, is_notified, path_of
from portal.notifications.models import Channel, Delivery
from portal.notifications.states import DELIVERY_MOVES, ChannelState, DeliveryState

KEPT = timedelta(days=30)
PAGE_SIZE = 50


class Page(msgspec.Struct, frozen=True):
    deliveries: list[Delivery]
    next_after: UUID | None


def announce(happened: AuditEvent) -> None:
    """What the audit log tells every room: leaves a delivery for each channel that wants to know."""
    event = EVENTS.get(happened.action)
    if event is None or not is_notified(event, happened.after):
        return
    with acting_as_system():
        owner = happened.organization_id if event.audience is EventAudience.CUSTOMER else None
        if event.audience is EventAudience.CUSTOMER and owner is None:
            return
        for channel in listening(owner, event):
            subject = {"subject": happened.subject_id} if happened.subject_id else {}
            diff = diff_of(event, happened.before, happened.after)
            data = {**subject, **facts_of(event, happened.after), **diff}
            body = body_of(event, happened.id, about=happened.organization_id, data=data, now=happened.occurred_at)
            leave(channel, event, happened.id, body, now=happened.occurred_at)


@needs_system_scope
def listening(owner: UUID | None, event: Event) -> list[Channel]:
    """Active channels that want this."""
    return list(
        db.session.scalars(
            select(Channel).where(
                Channel.organization_id.is_not_distinct_from(owner),
                Channel.state == ChannelState.ACTIVE.value,
                Channel.events.contains([event.name]),
            )
        )
    )


def body_of(
    event: Event, event_id: UUID, *, about: UUID | None, data: Mapping[str, Any], now: datetime
) -> dict[str, Any]:
    organization = db.session.get(Organization, about) if about else None
    return payloads.body(
        event_id,
        event.name,
        words=event.words,
        link=f"{settings().base_url}{path_of(event, data.get('subject'))}",
        data=data,
        organization=organization.slug if organization else None,
        now=now,
    )


def leave(channel: Channel, event: Event, event_id: UUID, body: dict[str, Any], *, now: datetime) -> Delivery:
    """The database keeps a second delivery of one event through one channel out."""
    delivery = Delivery(
        id=new_uuid(),
        channel_id=channel.id,
        organization_id=channel.organization_id,
        event_id=event_id,
        event=event.name,
        payload=body,
        state=DeliveryState.WAITING.value,
        attempts=[],
        next_try_at=now,
        created_at=now,
    )
    db.session.add(delivery)
    db.session.flush()
    sending.begin_run(channel)
    return delivery


def send_test(owner: UUID | None, channel_id: UUID, *, by: Actor, now: datetime) -> Delivery:
    """Goes out also while the channel is paused or stopped, so that one can see whether it works again.

    Raises NotAgreed.
    """
    channel = channels.find(owner, channel_id)
    if channel.state == ChannelState.UNCONFIRMED:
        raise NotAgreed
    event_id = new_uuid()
    body = body_of(TEST, event_id, about=owner, data={"channel": channel.name}, now=now)
    audit.write(owner, "notification_channel.tested", by=by, now=now, subject_id=str(channel.id))
    return leave(channel, TEST, event_id, body, now=now)


def send_again(owner: UUID | None, channel_id: UUID, delivery_id: UUID, *, by: Actor, now: datetime) -> bool:
    """The same delivery under the same id, as often as a new one. False if it is under way already."""
    delivery = find(owner, channel_id, delivery_id)
    froms = [state.value for state, onward in DELIVERY_MOVES.items() if DeliveryState.WAITING in onward]
    moved = db.session.execute(
        update(Delivery)
        .where(Delivery.id == delivery.id, Delivery.state.in_(froms))
        .values(state=DeliveryState.WAITING.value, tries=0, next_try_at=now)
        .returning(Delivery.id)
    )
    if moved.first() is None:
        return False
    audit.write(owner, "notification.sent_again", by=by, now=now, subject_id=str(delivery.id))
    sending.begin_run(channels.find(owner, channel_id))
    return True


def find(owner: UUID | None, channel_id: UUID, delivery_id: UUID) -> Delivery:
    """Raises NotFound, also for one of somebody else."""
    delivery = db.session.scalar(
        read_anew(
            select(Delivery).where(
                Delivery.id == delivery_id,
                Delivery.channel_id == channel_id,
                Delivery.organization_id.is_not_distinct_from(owner),
            )
        )
    )
    if delivery is None:
        raise NotFound
    return delivery


def list_page(channel: Channel, *, after: UUID | None = None) -> Page:
    """The newest first."""
    query = select(Delivery).where(Delivery.channel_id == channel.id)
    if after is not None:
        query = query.where(Delivery.id < after)
    found = list(db.session.scalars(query.order_by(Delivery.id.desc()).limit(PAGE_SIZE + 1)))
    return Page(found[:PAGE_SIZE], found[PAGE_SIZE - 1].id if len(found) > PAGE_SIZE else None)


def counts_of(owner: UUID | None) -> dict[UUID, dict[str, int]]:
    """How many deliveries are in which state, for each channel."""
    rows = db.session.execute(
        select(Delivery.channel_id, Delivery.state, func.count())
        .where(Delivery.organization_id.is_not_distinct_from(owner))
        .group_by(Delivery.channel_id, Delivery.state)
    )
    counts: dict[UUID, dict[str, int]] = {}
    for channel_id, state, number in rows:
        counts.setdefault(channel_id, {})[state] = number
    return counts


@needs_system_scope
def count_given_up(*, since: datetime) -> int:
    """Of all organizations and of ours: what was tried as often as it may be and never arrived."""
    given_up = (Delivery.state == DeliveryState.GIVEN_UP.value, Delivery.created_at >= since)
    return int(db.session.scalar(select(func.count()).select_from(Delivery).where(*given_up)) or 0)


@needs_system_scope
def purge(*, now: datetime) -> int:
    """How many were deleted."""
    gone = db.session.execute(delete(Delivery).where(Delivery.created_at < now - KEPT).returning(Delivery.id))
    return len(gone.all())
