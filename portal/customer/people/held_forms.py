"""A form whose sender has to prove first who they are: their browser keeps it meanwhile, sealed, as part of a page."""

from collections.abc import Iterable
from uuid import UUID

import msgspec

from core import encryption
from core.access import safe_path
from core.current import settings

_PURPOSE = "held form"
_NEVER_HELD = frozenset({"csrf_token", "held", "password", "current", "credential"})
"""Passwords are typed once more; the page that sends the form again has a token of its own."""


class HeldForm(msgspec.Struct, frozen=True):
    user_id: UUID
    path: str
    """Where it was sent to."""
    fields: tuple[tuple[str, str], ...]


def hold(path: str, fields: Iterable[tuple[str, str]], *, user_id: UUID) -> str:
    """Of what was sent to a path of ours: a text that only the service can read. Files are not held."""
    kept = tuple((name, value) for name, value in fields if name not in _NEVER_HELD)
    form = msgspec.json.encode(HeldForm(user_id, safe_path(path), kept)).decode()
    return encryption.encrypt(_PURPOSE, form, secret_key=settings().secret_key).decode()


def release(held: str | None, *, user_id: UUID) -> HeldForm | None:
    """None where nothing is held, or not of this person."""
    text = encryption.decrypt(_PURPOSE, held.encode(), secret_keys=settings().secret_keys) if held else None
    form = msgspec.json.decode(text, type=HeldForm) if text else None
    return form if form is not None and form.user_id == user_id else None
