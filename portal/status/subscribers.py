"""Who gets mail about the status: asked for, confirmed by a button, ended by one. Needs the system's scope."""

from datetime import datetime, timedelta
from http import HTTPStatus

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from core.db import db
from core.errors import AppError
from core.ids import new_uuid
from core.mail import send_mail
from core.scope import needs_system_scope
from core.tokens import new_token
from portal.status.emails import unsubscribe_url
from portal.status.models import Subscriber

CONFIRM_WITHIN = timedelta(days=3)


class SubscriptionUnknown(AppError):
    status, code, title = HTTPStatus.NOT_FOUND, "subscription_unknown", "This subscription does not exist"
    advice = "It was canceled or not confirmed in time. You can subscribe again on the status page."


@needs_system_scope
def ask(email: str, *, now: datetime) -> None:
    """Sends a link, whether the address is known or not; nobody learns which."""
    db.session.execute(
        insert(Subscriber)
        .values(id=new_uuid(), email=email, secret=new_token(), asked_at=now)
        .on_conflict_do_nothing(index_elements=["email"])
    )
    subscriber = db.session.scalars(select(Subscriber).where(Subscriber.email == email)).one()
    if subscriber.confirmed_at is None:
        subscriber.asked_at = now
    send_mail(
        "status_subscription",
        to=email,
        now=now,
        context={"secret": subscriber.secret, "is_confirmed": subscriber.confirmed_at is not None},
        unsubscribe_url=unsubscribe_url(subscriber),
    )


@needs_system_scope
def find(secret: str) -> Subscriber:
    """Raises SubscriptionUnknown."""
    found = db.session.scalar(select(Subscriber).where(Subscriber.secret == secret))
    if found is None:
        raise SubscriptionUnknown
    return found


def confirm(secret: str, *, now: datetime) -> None:
    """Confirming twice changes nothing. Raises SubscriptionUnknown."""
    subscriber = find(secret)
    if subscriber.confirmed_at is None:
        if subscriber.asked_at <= now - CONFIRM_WITHIN:
            raise SubscriptionUnknown
        subscriber.confirmed_at = now


@needs_system_scope
def end(secret: str) -> None:
    """Forgets the address. Ending twice changes nothing."""
    db.session.execute(delete(Subscriber).where(Subscriber.secret == secret))


@needs_system_scope
def forget(email: str) -> None:
    """Whoever read this address deleted their account."""
    db.session.execute(delete(Subscriber).where(Subscriber.email == email))


@needs_system_scope
def follow(former: str, email: str) -> None:
    """Whoever read the former address reads another one now."""
    if db.session.scalar(select(Subscriber.id).where(Subscriber.email == email)) is not None:
        forget(former)
    db.session.execute(update(Subscriber).where(Subscriber.email == former).values(email=email))


@needs_system_scope
def forget_unconfirmed(*, now: datetime) -> None:
    db.session.execute(
        delete(Subscriber).where(Subscriber.confirmed_at.is_(None), Subscriber.asked_at <= now - CONFIRM_WITHIN)
    )


@needs_system_scope
def count_confirmed() -> int:
    return db.session.scalar(select(func.count()).where(Subscriber.confirmed_at.is_not(None))) or 0
