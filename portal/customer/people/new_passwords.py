"""Setting a new password: with a link that was sent, or with the present one. Needs the system's scope."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from core import sessions
from core.accounts import Organization
from core.audit import Actor
from core.db import db
from core.mail import send_mail
from core.members import Membership, User
from core.passwords import hash_password
from portal.customer.people import devices, links, passwords
from portal.customer.people.accounts import create_user, find_by_email, forget_proofs, lock, note, undone
from portal.customer.people.models import Purpose


def ask_for_reset(email: str, *, by: Actor, now: datetime) -> None:
    """Sends a link to set a new password, if the address has an account."""
    user = find_by_email(email)
    if user is None or user.disabled_at is not None:
        with undone():  # as much work as for a known one: the time must not tell
            nobody = create_user(email="nobody@nobody.invalid", name="Nobody", password_hash="", now=now)
            _send_reset(nobody, by=by, now=now)
    else:
        _send_reset(user, by=by, now=now)


def _send_reset(user: User, *, by: Actor, now: datetime) -> None:
    note(user, "member.reset_asked", by=by, now=now)
    secret = links.issue(user, Purpose.RESET_PASSWORD, now=now)
    send_mail("reset_password", to=user.email, now=now, context={"secret": secret})


def reset(secret: str, *, password: str, breached_passwords_url: str | None, by: Actor, now: datetime) -> User:
    """Sets a new password, ends every session and knows no browser any more. A second factor stays as it is."""
    token, user = links.find(secret, Purpose.RESET_PASSWORD, now=now, for_use=True)
    _set(user, password, url=breached_passwords_url)
    token.consumed_at = now
    if user.email_confirmed_at is None:  # the mail was read, so the address is theirs from now on
        forget_proofs(user, now=now)
        user.email_confirmed_at = now
    sessions.revoke_all(user.id, now=now)
    devices.forget(user.id)
    _report(user, by=by, now=now)
    return user


def change(
    user_id: UUID,
    *,
    current: str,
    new: str,
    breached_passwords_url: str | None,
    session_id: UUID,
    device: str | None,
    by: Actor,
    now: datetime,
) -> None:
    """Ends every session but the one at hand, and knows no browser but this one any more.

    Raises WrongPassword, or InvalidRequest for a weak one.
    """
    user = lock(user_id)
    if not passwords.check(user, current):
        raise passwords.WrongPassword
    _set(user, new, url=breached_passwords_url)
    sessions.revoke_all(user.id, now=now, but=session_id)
    devices.forget(user.id, but=device)
    _report(user, by=by, now=now)


def _set(user: User, password: str, *, url: str | None) -> None:
    organizations = db.session.scalars(select(Organization.name).join(Membership).where(Membership.user_id == user.id))
    passwords.refuse_weak(password, own_words=(user.email, user.name, *organizations), url=url)
    user.password_hash = hash_password(password)


def _report(user: User, *, by: Actor, now: datetime) -> None:
    links.supersede(user, now=now)
    note(user, "member.password_changed", by=by, now=now)
    send_mail("password_changed", to=user.email, now=now, context={"name": user.name, "address": by.address})
