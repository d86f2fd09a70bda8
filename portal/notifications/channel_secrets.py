"""Addresses and secrets of channels: kept sealed, opened where something is sent."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from core import encryption
from core.current import settings
from core.db import db
from core.scope import needs_system_scope
from portal.notifications.models import Channel

_PURPOSE = "notifications"
_STOPPING = "notification stop links"


class Unreadable(Exception):
    """No key opens it any more."""


def sealed_secrets_of(channel: Channel, *, now: datetime) -> list[bytes]:
    """Those that sign now, the newest first."""
    sealed = [channel.sealed_secret]
    if channel.old_secret_until is not None and channel.old_secret_until > now:
        sealed.append(channel.sealed_old_secret)
    return [one for one in sealed if one is not None]


def encrypt(text: str) -> bytes:
    return encryption.encrypt(_PURPOSE, text, secret_key=settings().secret_key)


def decrypt(sealed: bytes) -> str:
    """Raises Unreadable."""
    text = encryption.decrypt(_PURPOSE, sealed, secret_keys=settings().secret_keys)
    if text is None:
        raise Unreadable
    return text


def stop_token(channel: Channel) -> str:
    """What lets the reader of a channel's mails end them; nothing is kept of it."""
    return encryption.encrypt(_STOPPING, str(channel.id), secret_key=settings().secret_key).decode()


def channel_to_stop(token: str) -> UUID | None:
    """Whose token this is; None if we never gave it out."""
    text = encryption.decrypt(_STOPPING, token.encode(), secret_keys=settings().secret_keys)
    return UUID(text) if text else None


@needs_system_scope
def reencrypt(_sender: object, *, secret_keys: Sequence[str]) -> int:
    """Seals with the first key what only another opens."""
    # a secret that is rolled meanwhile is written to the same row
    return sum(_reseal(channel, secret_keys) for channel in db.session.scalars(select(Channel).with_for_update()))


def _reseal(channel: Channel, secret_keys: Sequence[str]) -> bool:
    before = (channel.sealed_target, channel.sealed_secret, channel.sealed_old_secret)
    channel.sealed_target = _anew(channel.sealed_target, secret_keys) or channel.sealed_target
    channel.sealed_secret = _anew(channel.sealed_secret, secret_keys) or channel.sealed_secret
    channel.sealed_old_secret = _anew(channel.sealed_old_secret, secret_keys) or channel.sealed_old_secret
    return before != (channel.sealed_target, channel.sealed_secret, channel.sealed_old_secret)


def _anew(sealed: bytes | None, secret_keys: Sequence[str]) -> bytes | None:
    return encryption.encrypted_anew(_PURPOSE, sealed, secret_keys=secret_keys) if sealed is not None else None
