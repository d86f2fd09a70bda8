"""The browser's side of a session: the cookie that holds its token, and the half-way house before a second factor."""

import hashlib
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from flask import request, session
from flask_login import login_user, logout_user

from core import sessions
from core.access import actor, address, current_user, current_user_or_none, safe_path
from core.clock import utc_now
from core.current import settings
from core.db import acting_as_system, db, transaction
from core.htmx import see_other
from core.mail import send_mail
from core.members import User
from core.sessions import Method
from core.views import ViewResponse
from portal.customer.people import accounts, challenges, devices, second_factor
from portal.customer.people.challenges import ChallengePurpose
from portal.customer.people.passkeys import PasskeyRefused, Site

_HALFWAY, _CHALLENGE = "halfway", "challenge"
_DEVICE_COOKIE = "aig-device"
_HALFWAY_FOR = timedelta(minutes=10)

METHODS = {
    Method.PASSWORD: "a password",
    Method.TOTP: "a password and an authenticator app",
    Method.PASSKEY: "a passkey",
    Method.RECOVERY_CODE: "a password and a recovery code",
}


def site() -> Site:
    return Site(settings().base_url)


def go_on_after_password(user: User, *, next_path: str) -> ViewResponse:
    """Signs in, or asks for the second factor first. Within the system's scope."""
    if second_factor.guards_of(user.id).is_guarded:
        session.clear()
        session[_HALFWAY] = {
            "user": user.id.hex,
            "password": _trace_of(user),
            "until": (utc_now() + _HALFWAY_FOR).isoformat(),
            "next": next_path,
        }
        return see_other("/log-in/second-step")
    return sign_in(user, method=Method.PASSWORD, next_path=next_path)


def halfway() -> tuple[UUID, str] | None:
    """Whoever has given the password and owes a second factor, and where they want to go."""
    kept = session.get(_HALFWAY)
    if not kept or datetime.fromisoformat(kept["until"]) < utc_now():
        return None
    with acting_as_system():
        user = db.session.get(User, UUID(hex=kept["user"]))
        if user is None or kept["password"] != _trace_of(user):
            return None  # the password was changed meanwhile
    return UUID(hex=kept["user"]), safe_path(kept["next"])


def _trace_of(user: User) -> str:
    """Tells whether the password is still the same, and nothing else of it."""
    return hashlib.sha256(user.password_hash.encode()).hexdigest()[:16]


def sign_in(user: User, *, method: Method, next_path: str = "/") -> ViewResponse:
    """A new session with a new token. Within the system's scope."""
    now = utc_now()
    before = current_user_or_none()
    if before is not None:
        sessions.revoke(before.user_id, before.session_id, now=now)
    session.clear()
    _, token = sessions.start(
        user, method=method, address=address(), user_agent=request.headers.get("User-Agent"), now=now
    )
    login_user(sessions.find_current_user(token, now=now))
    accounts.note_sign_in(user, method.value, by=actor(), now=now)
    answer = see_other(next_path)
    _report_new_browser(user, method, now=now)
    know_browser(user, answer, now=now)
    return answer


def _report_new_browser(user: User, method: Method, *, now: datetime) -> None:
    if not devices.is_known(user.id, device_token(), now=now) and devices.is_news(user, now=now):
        words = {"name": user.name, "address": address(), "method": METHODS[method], "at": now}
        send_mail("new_sign_in", to=user.email, now=now, context=words)


def device_token() -> str | None:
    """Of the cookie by which a browser is known again."""
    return request.cookies.get(_device_cookie()) or None


def know_browser(user: User, answer: Any, *, now: datetime) -> None:
    """This browser belongs to the person from now on: it does not wait for what strangers try."""
    answer.set_cookie(
        _device_cookie(),
        devices.remember(user.id, device_token(), now=now),
        max_age=devices.LIFE,
        secure=settings().is_https,
        httponly=True,
        samesite="Lax",
    )


def _device_cookie() -> str:
    return f"__Host-{_DEVICE_COOKIE}" if settings().is_https else _DEVICE_COOKIE


def sign_out() -> None:
    who = current_user_or_none()
    if who is not None:
        with acting_as_system(), transaction():
            sessions.revoke(who.user_id, who.session_id, now=utc_now())
            accounts.note(accounts.lock(who.user_id), "member.signed_out", by=actor(), now=utc_now())
    forget_browser()


def forget_browser() -> None:
    """For a session that has ended."""
    logout_user()
    session.clear()


def remember_challenge(challenge: bytes, purpose: ChallengePurpose) -> None:
    with acting_as_system(), transaction():
        challenges.remember(challenge, purpose, user_id=_who_registers(purpose), now=utc_now())
    session[_CHALLENGE] = challenge.hex()


def take_challenge(purpose: ChallengePurpose) -> bytes:
    """The challenge of the exchange under way, used up. Raises PasskeyRefused if there is none, or it is old.

    Commits: an answer that is refused uses its challenge up as well.
    """
    challenge = bytes.fromhex(session.pop(_CHALLENGE, None) or "")
    with acting_as_system(), transaction():
        is_open = challenges.take(challenge, purpose, user_id=_who_registers(purpose), now=utc_now())
    if not is_open:
        raise PasskeyRefused("The request expired or was already used. Try again.")
    return challenge


def _who_registers(purpose: ChallengePurpose) -> UUID | None:
    return current_user().user_id if purpose is ChallengePurpose.REGISTER else None
