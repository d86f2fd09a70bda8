"""Browsers in which a person was signed in before. One that is known does not wait for what strangers try, and a
sign-in from one that is not is told to the person. All of it needs the system's scope.

The browser keeps a random token in a cookie of its own, the row its SHA-256; it opens nothing.
"""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, exists, select, update

from core.db import db, rows_changed
from core.ids import new_uuid
from core.members import User
from core.scope import needs_system_scope
from core.tokens import digest_of, new_token
from legal_docs.figures import KNOWN_BROWSER_DAYS
from portal.customer.people.models import KnownDevice

LIFE = timedelta(days=KNOWN_BROWSER_DAYS)
_FIRST_SIGN_IN_WITHIN = timedelta(hours=1)


@needs_system_scope
def is_known(user_id: UUID, token: str | None, *, now: datetime) -> bool:
    if not token:
        return False
    own = (KnownDevice.user_id == user_id, KnownDevice.token_hash == digest_of(token))
    return bool(db.session.scalar(select(exists().where(*own, KnownDevice.last_used_at > now - LIFE))))


@needs_system_scope
def remember(user_id: UUID, token: str | None, *, now: datetime) -> str:
    """The token for the browser to keep: its own, if that is one of ours, or a new one."""
    if not (token and db.session.scalar(select(exists().where(KnownDevice.token_hash == digest_of(token))))):
        token = new_token()
    own = (KnownDevice.user_id == user_id, KnownDevice.token_hash == digest_of(token))
    if not rows_changed(update(KnownDevice).where(*own).values(last_used_at=now)):
        db.session.add(
            KnownDevice(id=new_uuid(), user_id=user_id, token_hash=digest_of(token), created_at=now, last_used_at=now)
        )
        db.session.flush()
    return token


@needs_system_scope
def is_news(user: User, *, now: datetime) -> bool:
    """Whether a sign-in from a browser that is not known is worth a mail: not the first after confirming."""
    if user.email_confirmed_at is None:
        return False
    has_others = db.session.scalar(select(exists().where(KnownDevice.user_id == user.id)))
    return bool(has_others) or now - user.email_confirmed_at > _FIRST_SIGN_IN_WITHIN


@needs_system_scope
def forget(user_id: UUID, *, but: str | None = None) -> None:
    """All of a person's, or all but one."""
    own = delete(KnownDevice).where(KnownDevice.user_id == user_id)
    db.session.execute(own.where(KnownDevice.token_hash != digest_of(but)) if but else own)


def forget_unused(*, before: datetime) -> int:
    return rows_changed(delete(KnownDevice).where(KnownDevice.last_used_at < before))
