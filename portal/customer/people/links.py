"""Links that are sent by mail. Mail scanners open them, so opening one changes nothing: a button uses it up, once."""

from datetime import datetime, timedelta
from http import HTTPStatus

from sqlalchemy import ColumnElement, delete, select, update

from core.db import db
from core.errors import AppError
from core.ids import new_uuid
from core.members import User
from core.rows import locking
from core.tokens import digest_of, new_token
from portal.customer.people.models import EmailToken, Purpose

LIFE = {
    Purpose.CONFIRM_ADDRESS: timedelta(days=3),
    Purpose.RESET_PASSWORD: timedelta(hours=1),
    Purpose.CHANGE_ADDRESS: timedelta(hours=24),
}


class LinkUnknown(AppError):
    status, code, title = HTTPStatus.NOT_FOUND, "link_unknown", "This link is not valid"
    advice = "Open it from the email again, or copy the whole link: some email programs split long links."


class LinkUsed(AppError):
    status, code, title = HTTPStatus.GONE, "link_used", "This link has already been used"
    advice = "Log in. If you can't, request a new link on the login page."


class LinkReplaced(AppError):
    status, code, title = HTTPStatus.GONE, "link_replaced", "This link was replaced by a newer one"
    advice = "Use the link in our latest email."


class LinkExpired(AppError):
    status, code, title = HTTPStatus.GONE, "link_expired", "This link has expired"
    advice = "Log in, or request a new link on the login page."


def issue(user: User, purpose: Purpose, *, now: datetime, email: str | None = None) -> str:
    """A new link's secret; links of the same purpose that were sent before stop working."""
    supersede(user, purpose, now=now)
    secret = new_token()
    db.session.add(
        EmailToken(
            id=new_uuid(),
            user_id=user.id,
            purpose=purpose.value,
            email=email or user.email,
            token_hash=digest_of(secret),
            created_at=now,
            expires_at=now + LIFE[purpose],
        )
    )
    return secret


def has_open(now: datetime) -> ColumnElement[bool]:
    """Of the user of the statement around it: whether a link that was sent can still be used."""
    is_open = EmailToken.consumed_at.is_(None) & EmailToken.superseded_at.is_(None) & (EmailToken.expires_at > now)
    return select(EmailToken.id).where(EmailToken.user_id == User.id, is_open).correlate(User).exists()


def forget_all(user: User) -> None:
    """Each names the address that it was sent to."""
    db.session.execute(delete(EmailToken).where(EmailToken.user_id == user.id))


def supersede(user: User, *purposes: Purpose, now: datetime) -> None:
    """Ends the links of these purposes, or all of a person's, that are still open."""
    db.session.execute(
        update(EmailToken)
        .where(
            EmailToken.user_id == user.id,
            EmailToken.purpose.in_(purposes or tuple(Purpose)),
            EmailToken.consumed_at.is_(None),
            EmailToken.superseded_at.is_(None),
        )
        .values(superseded_at=now)
    )


def find(secret: str, purpose: Purpose, *, now: datetime, for_use: bool = False) -> tuple[EmailToken, User]:
    """The link and its person; `for_use` locks it, so that of two clicks one is first. Raises a Link… refusal."""
    query = (
        select(EmailToken, User)
        .join(User, User.id == EmailToken.user_id)
        .where(EmailToken.token_hash == digest_of(secret), EmailToken.purpose == purpose.value)
    )
    if for_use:
        query = locking(query, of=EmailToken)
    found = db.session.execute(query).first()
    if found is None:
        raise LinkUnknown
    token, user = found
    if token.consumed_at is not None:
        raise LinkUsed
    if token.superseded_at is not None:
        raise LinkReplaced
    if token.expires_at <= now or user.disabled_at is not None:
        raise LinkExpired
    return token, user
