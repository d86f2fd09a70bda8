"""Addresses and secrets of channels: kept sealed, opened where something is sent."""

from datetime import datetime

from core.current import settings
from core.sealing import seal_for
from portal.notifications.models import Channel

_PURPOSE = "notifications"


def sealed_secrets_of(channel: Channel, *, now: datetime) -> list[bytes]:
    """Those that sign now, the newest first."""
    sealed = [channel.sealed_secret]
    if channel.old_secret_until is not None and channel.old_secret_until > now:
        sealed.append(channel.sealed_old_secret)
    return [one for one in sealed if one is not None]


def seal(text: str) -> bytes:
    return seal_for(_PURPOSE, secret_key=settings().secret_key).encrypt(text.encode())


def unseal(sealed: bytes) -> str:
    return seal_for(_PURPOSE, secret_key=settings().secret_key).decrypt(sealed).decode()
