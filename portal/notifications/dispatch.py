"""One delivery: taken by one worker alone, sent with no transaction open, and what came of it written down.

Taking it sets the time of the next try to after the longest that this one can last, so a worker that dies in the middle
loses nothing: somebody else takes it then. A receiver may get a delivery twice, under the same id. Needs the system's
scope.
"""

import random
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any
from uuid import UUID

import msgspec
import structlog
from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import aliased

from core import current
from core.audit import SYSTEM
from core.db import db
from core.mail import send_mail
from core.rows import locking, read_anew
from portal.notifications import channel_secrets, channels, payloads, readers, signing
from portal.notifications.egress import Answer, egress
from portal.notifications.events import TEST
from portal.notifications.models import Channel, Delivery
from portal.notifications.states import (
    UNDER_WAY,
    ChannelState,
    DeliveryState,
    Kind,
    wait_before_next,
)

log = structlog.get_logger()

LEASE = timedelta(minutes=1)
SLOW_MS = 2_000
MOST_OF_ONE_CUSTOMER = 2
"""Deliveries at a time, of those to quick receivers and of those to slow ones each."""
_JSON = {"Content-Type": "application/json", "User-Agent": "AI-Governance-Notifications/1"}


class Attempt(msgspec.Struct, frozen=True):
    """What came of one try, as the log keeps it."""

    at: datetime
    took_ms: int
    status: int | None
    text: str
    problem: str | None


class DueDelivery(msgspec.Struct, frozen=True):
    """All that sending needs, so that no row is held meanwhile. Address and secrets are still sealed."""

    delivery_id: UUID
    kind: Kind
    sealed_target: bytes
    payload: dict[str, Any]
    sealed_secrets: tuple[bytes, ...]
    tries: int
    taken_at: datetime


def attempts_of(delivery: Delivery) -> list[Attempt]:
    return msgspec.convert(delivery.attempts, list[Attempt])


def take(*, is_isolated: bool, now: datetime) -> DueDelivery | None:
    """The delivery that has waited longest, of isolated channels or of the others. None: nothing is due.

    A customer for whom enough is being sent waits, so that one with many slow receivers leaves places for others. Both
    rows are locked and looked at anew, so two workers never take the same one, nor two of one channel.
    """
    found = db.session.execute(
        locking(
            select(Delivery, Channel)
            .join(Channel, Channel.id == Delivery.channel_id)
            .where(
                Delivery.state.in_([state.value for state in UNDER_WAY]),
                Delivery.next_try_at <= now,
                or_(Channel.state == ChannelState.ACTIVE.value, Delivery.event == TEST.name),
                or_(Channel.busy_until.is_(None), Channel.busy_until <= now),
                Channel.is_isolated == is_isolated,
                or_(
                    Channel.organization_id.is_(None),
                    Channel.organization_id.not_in(_served(is_isolated=is_isolated, now=now)),
                ),
            )
            .order_by(Delivery.next_try_at, Delivery.id)
            .limit(1),
            of=(Delivery, Channel),
            skip_locked=True,
        )
    ).first()
    if found is None:
        return None
    delivery, channel = found
    channel.busy_until = delivery.next_try_at = now + LEASE
    delivery.tries += 1
    db.session.flush()
    return DueDelivery(
        delivery_id=delivery.id,
        kind=Kind(channel.kind),
        sealed_target=channel.sealed_target,
        payload=delivery.payload,
        sealed_secrets=tuple(channel_secrets.sealed_secrets_of(channel, now=now)),
        tries=delivery.tries,
        taken_at=now,
    )


def _served(*, is_isolated: bool, now: datetime) -> Select[Any]:
    """Customers for whom as much is being sent as one may have at a time."""
    busy = aliased(Channel)
    return (
        select(busy.organization_id)
        .where(busy.organization_id.is_not(None), busy.busy_until > now, busy.is_isolated == is_isolated)
        .group_by(busy.organization_id)
        .having(func.count() >= MOST_OF_ONE_CUSTOMER)
    )


def send(due: DueDelivery, *, now: datetime) -> Answer:
    """A mail leaves with the note that it did (`record_outcome`); everything else leaves here."""
    try:
        target = channel_secrets.decrypt(due.sealed_target)
        signing_secrets = [channel_secrets.decrypt(sealed) for sealed in due.sealed_secrets]
    except channel_secrets.Unreadable:
        return Answer(
            took_ms=0,
            problem="The stored settings cannot be decrypted. Delete the channel and create it again.",
        )
    if due.kind is Kind.MAIL:
        return Answer(took_ms=0, status=HTTPStatus.OK, text="Accepted by our email server.")
    if due.kind is Kind.SLACK:
        return egress().post(target, payloads.as_slack(due.payload), dict(_JSON), now=now)
    body = payloads.as_json(due.payload)
    signed = signing.headers_for(due.payload["id"], body, signing_secrets=signing_secrets, now=now)
    return egress().post(target, body, {**_JSON, **signed}, now=now)


def record_outcome(due: DueDelivery, answer: Answer, *, now: datetime) -> datetime | None:
    """Writes down what came of it, unless somebody else has taken the delivery since, or it was deleted.

    When it is tried again, if it is.
    """
    found = db.session.execute(
        locking(
            select(Delivery, Channel)
            .join(Channel, Channel.id == Delivery.channel_id)
            .where(Delivery.id == due.delivery_id, Delivery.tries == due.tries)
            .where(Delivery.state.in_([state.value for state in UNDER_WAY]))
        )
    ).first()
    if found is None:
        return None
    delivery, channel = found
    attempt = Attempt(due.taken_at, answer.took_ms, answer.status, answer.text, answer.problem)
    delivery.attempts = [*delivery.attempts, msgspec.to_builtins(attempt)]
    channel.busy_until, channel.is_isolated = None, not answer.is_success or answer.took_ms > SLOW_MS
    log.info("notification.tried", delivery_id=str(delivery.id), kind=channel.kind, status=answer.status)
    if answer.is_success:
        _note_success(delivery, channel, now=now)
    else:
        _note_failure(delivery, channel, answer, now=now)
    db.session.flush()
    return delivery.next_try_at


def find_untaken(delivery_id: UUID, *, tries: int) -> tuple[Delivery, Channel] | None:
    """A delivery that waits for its next try, if nobody has taken it since it was tried that often."""
    found = db.session.execute(
        read_anew(
            select(Delivery, Channel)
            .join(Channel, Channel.id == Delivery.channel_id)
            .where(Delivery.id == delivery_id, Delivery.tries == tries, Delivery.next_try_at.is_not(None))
        )
    ).first()
    return (found[0], found[1]) if found else None


def _note_success(delivery: Delivery, channel: Channel, *, now: datetime) -> None:
    if channel.kind == Kind.MAIL and not readers.is_trusted(channel):
        delivery.state, delivery.next_try_at = DeliveryState.GIVEN_UP.value, None
        channels.end_for_reader(channel, by=SYSTEM, now=now)
        return
    delivery.state, delivery.next_try_at = DeliveryState.DELIVERED.value, None
    channel.delivered_at = now
    if channel.kind == Kind.MAIL:
        _mail(delivery, channel, now=now)


def _mail(delivery: Delivery, channel: Channel, *, now: datetime) -> None:
    """With the way out of it, which needs no account."""
    token, base_url = channel_secrets.stop_token(channel), current.settings().base_url
    send_mail(
        "notification",
        to=channel_secrets.decrypt(channel.sealed_target),
        now=now,
        organization_id=channel.organization_id,
        unsubscribe_url=f"{base_url}/notifications/unsubscribe/{token}",
        context={
            "lines": payloads.lines_of(delivery.payload),
            "payload": delivery.payload,
            "channel": channel,
            "stop_url": f"{base_url}/notifications/stop/{token}",
        },
    )


def _note_failure(delivery: Delivery, channel: Channel, answer: Answer, *, now: datetime) -> None:
    is_gone = answer.status == HTTPStatus.GONE
    wait = wait_before_next(delivery.tries, chance=random.random(), asked=answer.retry_after)  # noqa: S311  jitter
    if wait is not None and not is_gone and delivery.event != TEST.name:
        delivery.state, delivery.next_try_at = DeliveryState.FAILED.value, now + wait
        return
    delivery.state, delivery.next_try_at = DeliveryState.GIVEN_UP.value, None
    first_tried = attempts_of(delivery)[-delivery.tries].at if delivery.tries <= len(delivery.attempts) else now
    nothing_got_through = channel.delivered_at is None or channel.delivered_at < first_tried
    is_over = is_gone or (wait is None and nothing_got_through)
    if is_over and channel.state == ChannelState.ACTIVE:  # one that is paused stays so
        channels.give_up(channel, "gone" if is_gone else "failures", now=now)
