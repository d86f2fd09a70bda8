"""Sessions of signed-in people: kept in the database, so that each can be seen and ended.

The cookie holds a random token; the row holds its SHA-256. A session belongs to one person and remembers which of
their organizations they are looking at.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec
from flask_login import UserMixin
from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    Index,
    delete,
    func,
    literal_column,
    select,
    text,
    update,
)
from sqlalchemy.orm import Mapped, mapped_column

from core.accounts import Organization
from core.audit import Actor, ActorKind
from core.db import Base, db, rows_changed
from core.ids import new_uuid
from core.members import Membership, Role, User
from core.scope import needs_system_scope
from core.tokens import digest_of, new_token

IDLE_LIMIT = timedelta(hours=24)
LIFE = timedelta(days=14)
OPERATOR_IDLE_LIMIT = timedelta(hours=1)
OPERATOR_LIFE = timedelta(hours=12)
FRESH_FOR = timedelta(minutes=15)
"""How long after proving who they are people may change keys, policies, channels, members and billing."""
_NOTE_EVERY = timedelta(minutes=1)


class Method(StrEnum):
    """How somebody proved who they are."""

    PASSWORD = "password"  # noqa: S105  a kind of proof, not a secret
    TOTP = "totp"
    PASSKEY = "passkey"
    RECOVERY_CODE = "recovery_code"


class UserSession(Base):
    __tablename__ = "user_session"
    __table_args__ = (
        CheckConstraint("method IN ('password', 'totp', 'passkey', 'recovery_code')", name="method"),
        Index("ix_user_session_user_id", "user_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    token_hash: Mapped[bytes] = mapped_column(unique=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("app_user.id"))
    organization_id: Mapped[UUID | None] = mapped_column(ForeignKey("organization.id"))
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    authenticated_at: Mapped[datetime]
    method: Mapped[str]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    address: Mapped[str | None]
    user_agent: Mapped[str | None]


class ActiveMembership(msgspec.Struct, frozen=True):
    """A membership as the person's pages need it."""

    organization_id: UUID
    slug: str
    name: str
    status: str
    role: Role


class CurrentUser(UserMixin):  # type: ignore[misc]  # flask_login is untyped
    """Whoever is signed in: the person, the session, and the membership they look from."""

    def __init__(
        self, token: str, session: UserSession, user: User, memberships: list[ActiveMembership], *, is_guarded: bool
    ) -> None:
        self.token = token
        self.session_id = session.id
        self.user_id = user.id
        self.email = user.email
        self.name = user.name
        self.is_operator = user.is_operator
        self.is_confirmed = user.email_confirmed_at is not None
        self.is_guarded = is_guarded
        """Whether they have a second factor."""
        self.method = Method(session.method)
        self.authenticated_at = session.authenticated_at
        self.memberships = memberships
        chosen = [one for one in memberships if one.organization_id == session.organization_id]
        self.membership = next(iter(chosen or memberships), None)

    def get_id(self) -> str:
        return self.token

    def is_fresh_at(self, now: datetime) -> bool:
        return now - self.authenticated_at <= FRESH_FOR

    @property
    def acts_as_operator(self) -> bool:
        """Only where they are no member."""
        return self.is_operator and self.membership is None

    def actor(self, *, address: str | None, request_id: str | None) -> Actor:
        kind = ActorKind.OPERATOR if self.acts_as_operator else ActorKind.MEMBER
        return Actor(kind=kind, id=self.user_id, address=address, request_id=request_id)


@needs_system_scope
def start(
    user: User, *, method: Method, address: str | None, user_agent: str | None, now: datetime
) -> tuple[UserSession, str]:
    """A new session and its token, which only the cookie keeps."""
    token = new_token()
    session = UserSession(
        id=new_uuid(),
        token_hash=digest_of(token),
        user_id=user.id,
        created_at=now,
        last_seen_at=now,
        authenticated_at=now,
        method=method.value,
        expires_at=now + (OPERATOR_LIFE if user.is_operator else LIFE),
        address=address,
        user_agent=user_agent[:300] if user_agent else None,
    )
    db.session.add(session)
    db.session.flush()
    return session, token


@needs_system_scope
def find_current_user(token: str, *, now: datetime) -> CurrentUser | None:
    """Whoever holds this token, if the session still stands."""
    found = db.session.execute(
        select(UserSession, User, _HAS_SECOND_FACTOR)
        .join(User, User.id == UserSession.user_id)
        .where(UserSession.token_hash == digest_of(token))
    ).first()
    if found is None:
        return None
    session, user, is_guarded = found
    idle_limit = OPERATOR_IDLE_LIMIT if user.is_operator else IDLE_LIMIT
    is_over = session.revoked_at or session.expires_at <= now or now - session.last_seen_at > idle_limit
    if is_over or user.disabled_at:
        return None
    if now - session.last_seen_at > _NOTE_EVERY:
        session.last_seen_at = now
    return CurrentUser(token, session, user, _memberships_of(user.id), is_guarded=is_guarded)


@needs_system_scope
def list_active(user_id: UUID, *, now: datetime) -> list[UserSession]:
    """A person's sessions that can still be used, the latest first."""
    return list(
        db.session.scalars(
            select(UserSession)
            .where(UserSession.user_id == user_id, UserSession.revoked_at.is_(None), UserSession.expires_at > now)
            .order_by(UserSession.last_seen_at.desc())
        )
    )


@needs_system_scope
def revoke(user_id: UUID, session_id: UUID, *, now: datetime) -> bool:
    """Whether there was such a session of this person to end."""
    return bool(_end(UserSession.user_id == user_id, UserSession.id == session_id, now=now))


@needs_system_scope
def revoke_all(user_id: UUID, *, now: datetime, but: UUID | None = None) -> int:
    """Ends every session of a person, or all but one; how many."""
    return _end(UserSession.user_id == user_id, UserSession.id != but if but else text("true"), now=now)


@needs_system_scope
def forget_ended(*, before: datetime) -> int:
    """Deletes those that were over by then, in whichever way; how many."""
    ended_at = func.least(UserSession.revoked_at, UserSession.expires_at, UserSession.last_seen_at + IDLE_LIMIT)
    return rows_changed(delete(UserSession).where(ended_at < before))


@needs_system_scope
def refresh(session_id: UUID, *, method: Method, now: datetime) -> None:
    """The person has proved again who they are."""
    _change(session_id, authenticated_at=now, method=method.value)


@needs_system_scope
def choose_organization(session_id: UUID, organization_id: UUID | None) -> None:
    """By which membership the person looks from now on."""
    _change(session_id, organization_id=organization_id)


_HAS_SECOND_FACTOR: ColumnElement[bool] = literal_column(
    "(EXISTS (SELECT FROM totp_secret WHERE user_id = app_user.id AND confirmed_at IS NOT NULL)"
    " OR EXISTS (SELECT FROM passkey WHERE user_id = app_user.id))"
)


def _change(session_id: UUID, **values: Any) -> None:
    db.session.execute(update(UserSession).where(UserSession.id == session_id).values(**values))


def _end(*conditions: Any, now: datetime) -> int:
    return rows_changed(update(UserSession).where(*conditions, UserSession.revoked_at.is_(None)).values(revoked_at=now))


def _memberships_of(user_id: UUID) -> list[ActiveMembership]:
    rows = db.session.execute(
        select(Organization.id, Organization.slug, Organization.name, Organization.status, Membership.role)
        .join(Membership, Membership.organization_id == Organization.id)
        .where(Membership.user_id == user_id)
        .order_by(Membership.created_at)
    )
    return [ActiveMembership(row.id, row.slug, row.name, row.status, Role(row.role)) for row in rows]
