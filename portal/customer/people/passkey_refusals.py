"""Puts passkey answers that were refused on the audit log, wrong and replayed ones alike, as wrong passwords are."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import Any

import msgspec
from flask import request

from core import audit
from core.access import actor, current_user_or_none
from core.clock import utc_now
from core.db import acting_as_system, db, transaction
from core.members import User
from portal.customer.people import accounts, passkeys
from portal.customer.people.passkeys import PasskeyRefused

ACTION = "member.passkey_refused"


class PasskeyUse(StrEnum):
    LOG_IN = "log-in"
    REGISTRATION = "registration"


def read_credential() -> Any:
    """What the browser's passkey said, from the form's hidden field. Raises PasskeyRefused."""
    try:
        return msgspec.json.decode(request.form.get("credential", ""), type=dict[str, Any])
    except (msgspec.DecodeError, RecursionError) as error:
        raise PasskeyRefused from error


@contextmanager
def recorded(use: PasskeyUse) -> Iterator[None]:
    """Around the whole exchange: what it has done is rolled back by then, and the refusal stays."""
    try:
        yield
    except PasskeyRefused as refused:
        with acting_as_system(), transaction():
            _record(use, refused.detail or refused.title)
        raise


def _record(use: PasskeyUse, reason: str) -> None:
    """For whoever's passkey it says it is, or whoever is signed in; of nobody known no address is kept for years."""
    user, after = _who_is_meant(use), {"at": use.value, "reason": reason}
    if user is not None:
        accounts.note(user, ACTION, by=actor(), now=utc_now(), after=after)
    else:
        audit.write(None, ACTION, by=msgspec.structs.replace(actor(), address=None), now=utc_now(), after=after)


def _who_is_meant(use: PasskeyUse) -> User | None:
    owner = None
    if use is PasskeyUse.LOG_IN:
        try:
            owner = passkeys.find_owner(read_credential())
        except PasskeyRefused:
            owner = None
    who = current_user_or_none()
    return owner or (db.session.get(User, who.user_id) if who else None)
