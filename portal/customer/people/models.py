"""What proves who somebody is. None of it belongs to an organization; only the system's role may read it."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base


class Purpose(StrEnum):
    CONFIRM_ADDRESS = "confirm_address"
    RESET_PASSWORD = "reset_password"  # noqa: S105  a purpose, not a secret
    CHANGE_ADDRESS = "change_address"


class EmailToken(Base):
    """A link that was sent. Looking at it changes nothing; pressing its button uses it up."""

    __tablename__ = "email_token"
    __table_args__ = (
        CheckConstraint("purpose IN ('confirm_address', 'reset_password', 'change_address')", name="purpose"),
        Index("ix_email_token_user_id", "user_id", "purpose"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("app_user.id"))
    purpose: Mapped[str]
    email: Mapped[str]
    token_hash: Mapped[bytes] = mapped_column(unique=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    consumed_at: Mapped[datetime | None]
    superseded_at: Mapped[datetime | None]


class TotpSecret(Base):
    __tablename__ = "totp_secret"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("app_user.id"), primary_key=True)
    sealed_secret: Mapped[bytes]
    """Encrypted with a key made of SECRET_KEY; `flask secrets reseal` follows when that is changed."""
    created_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]
    last_step: Mapped[int] = mapped_column(BigInteger)
    """The last 30 seconds whose code was used; a code works once."""


class Passkey(Base):
    __tablename__ = "passkey"
    __table_args__ = (Index("ix_passkey_user_id", "user_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("app_user.id"))
    credential_id: Mapped[bytes] = mapped_column(unique=True)
    public_key: Mapped[bytes]
    sign_count: Mapped[int] = mapped_column(BigInteger)
    name: Mapped[str]
    created_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]


class RecoveryCode(Base):
    __tablename__ = "recovery_code"
    __table_args__ = (Index("ix_recovery_code_user_id", "user_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("app_user.id"))
    code_hash: Mapped[bytes]
    used_at: Mapped[datetime | None]


class SignInAttempt(Base):
    """A password or code that was tried and was not right, or is being looked at."""

    __tablename__ = "sign_in_attempt"
    __table_args__ = (
        Index("ix_sign_in_attempt_account_hash", "account_hash", "kind", "occurred_at"),
        Index("ix_sign_in_attempt_occurred_at", "occurred_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    account_hash: Mapped[bytes]
    """Keyed hashes: neither whom a stranger meant nor from where is kept in clear."""
    origin_hash: Mapped[bytes]
    is_known: Mapped[bool]
    occurred_at: Mapped[datetime]


class KnownDevice(Base):
    """A browser in which the person was signed in."""

    __tablename__ = "known_device"
    __table_args__ = (
        UniqueConstraint("user_id", "token_hash"),
        Index("ix_known_device_token_hash", "token_hash"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("app_user.id"))
    token_hash: Mapped[bytes]
    created_at: Mapped[datetime]
    last_used_at: Mapped[datetime]


class PasskeyChallenge(Base):
    """One that was given out and waits for its answer."""

    __tablename__ = "passkey_challenge"
    __table_args__ = (
        CheckConstraint("purpose IN ('sign_in', 'register')", name="purpose"),
        Index("ix_passkey_challenge_expires_at", "expires_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    challenge_hash: Mapped[bytes] = mapped_column(unique=True)
    purpose: Mapped[str]
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("app_user.id"))
    """Who registers; whoever signs in is not known before the answer."""
    expires_at: Mapped[datetime]
