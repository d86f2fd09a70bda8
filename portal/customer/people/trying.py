"""The browser's side of tries: from where they come, what is put on the audit log, and the end of a session."""

from uuid import UUID

import msgspec
from flask import request

from core import audit, sessions
from core.access import actor, address, current_user
from core.clock import utc_now
from core.current import settings
from core.db import acting_as_system, transaction
from core.htmx import see_other
from core.mail import send_mail
from core.members import User
from core.network import sender_of
from core.views import ViewResponse
from portal.customer.people import accounts, attempts, devices
from portal.customer.people.attempts import Attempt
from portal.customer.people.pace import Kind
from portal.customer.people.signing_in import device_token, forget_browser

_MAILS = {Kind.PASSWORD: "wrong_sign_ins", Kind.APP_CODE: "wrong_codes"}


def begin_password(email: str) -> Attempt:
    """A password for whoever has this address, known to us or not. Raises TooManyTries."""
    with acting_as_system(), transaction():
        user = accounts.find_by_email(email)
        return _begin(Kind.PASSWORD, f"address:{email}", user.id if user else None)


def begin_code(user_id: UUID, *, is_of_app: bool) -> Attempt:
    """A code after the right password. Raises TooManyTries."""
    kind = Kind.APP_CODE if is_of_app else Kind.RECOVERY_CODE
    with acting_as_system(), transaction():
        return _begin(kind, attempts.of_person(user_id), user_id)


def begin_in_session(kind: Kind) -> Attempt:
    """A password or code of whoever is signed in. Raises TooManyTries."""
    with acting_as_system(), transaction():
        return attempts.begin(
            kind,
            attempts.of_person(current_user().user_id),
            origin=f"session:{current_user().session_id}",
            secret_key=settings().secret_key,
            now=utc_now(),
        )


def fail(user: User | None, action: str, attempt: Attempt) -> None:
    """Puts a wrong password or code on record, and writes to the person if there were many. Within a transaction."""
    now = utc_now()
    if user is None:
        # The audit log is kept for years, and nothing would ever make it forget the address of a stranger.
        audit.write(None, action, by=msgspec.structs.replace(actor(), address=None), now=now)
        return
    accounts.note(user, action, by=actor(), now=now)
    if attempts.is_time_to_warn(attempt, now=now) and user.email_confirmed_at and not user.disabled_at:
        send_mail(
            _MAILS[attempt.kind], to=user.email, now=now, context={"name": user.name, "times": attempt.of_everybody}
        )


def fail_in_session(action: str, attempt: Attempt) -> ViewResponse | None:
    """The way out, if that was the last try this session has; it is ended then."""
    with acting_as_system(), transaction():
        user = accounts.lock(current_user().user_id)
        accounts.note(user, action, by=actor(), now=utc_now())
        if not attempt.ends_session:
            return None
        sessions.revoke(user.id, current_user().session_id, now=utc_now())
        accounts.note(
            user,
            "member.session_ended",
            by=actor(),
            now=utc_now(),
            after={"reason": "too many wrong passwords or codes"},
        )
        send_mail("session_ended", to=user.email, now=utc_now(), context={"name": user.name, "address": address()})
    forget_browser()
    return see_other("/log-in?after=proofs")


def is_from_known_browser() -> bool:
    """Whether the log-in form is for somebody who was signed in with this browser before: no stranger's."""
    email = request.form.get("email", "").strip().lower()
    if device_token() is None:
        return False
    with acting_as_system():
        user = accounts.find_by_email(email)
        return user is not None and devices.is_known(user.id, device_token(), now=utc_now())


def _begin(kind: Kind, account: str, user_id: UUID | None) -> Attempt:
    now, token = utc_now(), device_token()
    is_known = user_id is not None and devices.is_known(user_id, token, now=now)
    return attempts.begin(
        kind,
        account,
        origin=f"device:{token}" if is_known else f"sender:{sender_of(address())}",
        is_known=is_known,
        secret_key=settings().secret_key,
        now=now,
    )
