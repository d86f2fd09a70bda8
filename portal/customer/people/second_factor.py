"""The second factor: codes from an authenticator app (TOTP, RFC 6238) and recovery codes. Each code works once.

All of it needs the system's scope.
"""

import base64
import hmac
import secrets
from collections.abc import Sequence
from datetime import datetime
from http import HTTPStatus
from uuid import UUID

import msgspec
import pyotp
from sqlalchemy import delete, func, select, update

from core import encryption
from core.audit import Actor
from core.db import db, rows_changed
from core.errors import AppError
from core.ids import new_uuid
from core.mail import send_mail
from core.members import User
from core.scope import needs_system_scope
from core.sessions import Method
from portal.customer.people import accounts, recovery
from portal.customer.people.models import Passkey, RecoveryCode, TotpSecret

ISSUER = "AI Governance"
_PURPOSE = "second factor"
RECOVERY_CODES = 10
_DIGITS, _STEP_S = 6, 30
_WINDOW = 1
"""Steps before and after now that are taken too: clocks differ."""


class WrongCode(AppError):
    status, code, title = HTTPStatus.UNPROCESSABLE_ENTITY, "wrong_code", "Incorrect code"
    advice = "Enter the code that your app shows now; each code works once. You can also use a recovery code."


class FactorRequired(AppError):
    status, code, title = HTTPStatus.CONFLICT, "factor_required", "Operators need two-factor authentication"
    advice = "Add another authenticator app or passkey before you remove this one."


class Guards(msgspec.Struct, frozen=True):
    """What a person has beside the password."""

    has_totp: bool
    passkeys: tuple[Passkey, ...]
    recovery_codes_left: int

    @property
    def is_guarded(self) -> bool:
        return self.has_totp or bool(self.passkeys)


@needs_system_scope
def guards_of(user_id: UUID) -> Guards:
    totp = db.session.get(TotpSecret, user_id)
    passkeys = db.session.scalars(select(Passkey).where(Passkey.user_id == user_id).order_by(Passkey.id)).all()
    left = db.session.scalar(
        select(func.count()).where(RecoveryCode.user_id == user_id, RecoveryCode.used_at.is_(None))
    )
    return Guards(totp is not None and totp.confirmed_at is not None, tuple(passkeys), left or 0)


@needs_system_scope
def begin_totp(user: User, *, secret_key: str, now: datetime) -> None:
    """Makes a secret for the person's app, which counts once a code of it was shown. One in use is left alone."""
    if db.session.get(TotpSecret, user.id) is None:
        sealed = encryption.encrypt(_PURPOSE, pyotp.random_base32(), secret_key=secret_key)
        db.session.add(TotpSecret(user_id=user.id, sealed_secret=sealed, created_at=now, last_step=0))
        db.session.flush()


@needs_system_scope
def unconfirmed_totp(user: User, *, secret_keys: Sequence[str]) -> str | None:
    """The `otpauth:` address of the secret that waits for its first code; None if none does."""
    totp = db.session.get(TotpSecret, user.id)
    if totp is None or totp.confirmed_at is not None:
        return None
    secret = encryption.decrypt(_PURPOSE, totp.sealed_secret, secret_keys=secret_keys)
    if secret is None:
        return None
    return pyotp.TOTP(secret).provisioning_uri(name=user.email, issuer_name=ISSUER)


def confirm_totp(user: User, code: str, *, secret_keys: Sequence[str], by: Actor, now: datetime) -> tuple[str, ...]:
    """Takes the app into use. Gives the recovery codes, shown this once, if there were none. Raises WrongCode."""
    totp = _locked_totp(user.id)
    if totp is None or totp.confirmed_at is not None:
        raise WrongCode
    _use_step(totp, code, secret_keys=secret_keys, now=now)
    totp.confirmed_at = now
    notify(user, "member.second_factor_added", "an authenticator app", by=by, now=now)
    return first_recovery_codes(user)


@needs_system_scope
def make_guarded(user: User, *, secret_key: str, now: datetime) -> None:
    """Puts an app's secret in use that nobody was shown, so that recovery codes are the way in."""
    if not guards_of(user.id).is_guarded:
        begin_totp(user, secret_key=secret_key, now=now)
        db.session.get_one(TotpSecret, user.id).confirmed_at = now


def remove_totp(user: User, *, by: Actor, now: datetime) -> None:
    """Raises FactorRequired for an operator's last one."""
    if user.is_operator and not guards_of(user.id).passkeys:
        raise FactorRequired
    if rows_changed(delete(TotpSecret).where(TotpSecret.user_id == user.id)):
        notify(user, "member.second_factor_removed", "an authenticator app", by=by, now=now)


def is_of_app(code: str) -> bool:
    """Whether it looks like a code of an app, not like a recovery code."""
    compact = _compact(code)
    return len(compact) == _DIGITS and compact.isascii() and compact.isdigit()


def _compact(code: str) -> str:
    return "".join(code.split()).replace("-", "").upper()


def use_code(user: User, code: str, *, secret_keys: Sequence[str], now: datetime) -> Method:
    """Takes a code of the app, or a recovery code. Raises WrongCode."""
    compact = _compact(code)
    if is_of_app(code):
        totp = _locked_totp(user.id)
        if totp is None or totp.confirmed_at is None:
            raise WrongCode
        _use_step(totp, compact, secret_keys=secret_keys, now=now)
        return Method.TOTP
    hashes = [recovery.hash_code(compact, user.id), *recovery.keyed_hashes_of(compact, secret_keys=secret_keys)]
    used = rows_changed(
        update(RecoveryCode)
        .where(
            RecoveryCode.user_id == user.id,
            RecoveryCode.code_hash.in_(hashes),
            RecoveryCode.used_at.is_(None),
        )
        .values(used_at=now)
    )
    if not used:
        raise WrongCode
    send_mail("recovery_code_used", to=user.email, now=now, context={"name": user.name})
    return Method.RECOVERY_CODE


def first_recovery_codes(user: User) -> tuple[str, ...]:
    """For somebody who has just got a second factor; none if there are some already."""
    return () if guards_of(user.id).recovery_codes_left else renew_recovery_codes(user)


@needs_system_scope
def renew_recovery_codes(user: User) -> tuple[str, ...]:
    """Ten new codes of 80 bits, shown this once; the old ones stop working."""
    db.session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user.id))
    codes = [base64.b32encode(secrets.token_bytes(10)).decode() for _ in range(RECOVERY_CODES)]
    db.session.add_all(
        RecoveryCode(id=new_uuid(), user_id=user.id, code_hash=recovery.hash_code(code, user.id)) for code in codes
    )
    db.session.flush()
    return tuple("-".join(code[start : start + 4] for start in range(0, 16, 4)) for code in codes)


@needs_system_scope
def reencrypt(_sender: object, *, secret_keys: Sequence[str]) -> int:
    """Seals with the first key what only another opens. What none opens is left, unless it waits for a first code."""
    count = 0
    # a code that is used meanwhile writes the same row
    for totp in db.session.scalars(select(TotpSecret).with_for_update()):
        anew = encryption.encrypted_anew(_PURPOSE, totp.sealed_secret, secret_keys=secret_keys)
        if anew is not None:
            totp.sealed_secret = anew
            count += 1
        elif (
            encryption.decrypt(_PURPOSE, totp.sealed_secret, secret_keys=secret_keys) is None
            and totp.confirmed_at is None
        ):
            db.session.delete(totp)
    db.session.flush()
    return count


def _use_step(totp: TotpSecret, code: str, *, secret_keys: Sequence[str], now: datetime) -> None:
    secret = encryption.decrypt(_PURPOSE, totp.sealed_secret, secret_keys=secret_keys)
    if secret is None:
        raise WrongCode("We can no longer verify codes from this app. Use a recovery code, then set up the app again.")
    clock = pyotp.TOTP(secret)
    present = int(now.timestamp()) // _STEP_S
    if not code.isascii():
        raise WrongCode
    for step in range(present - _WINDOW, present + _WINDOW + 1):
        if step > totp.last_step and hmac.compare_digest(clock.at(step * _STEP_S), "".join(code.split())):
            totp.last_step = step
            return
    raise WrongCode


def _locked_totp(user_id: UUID) -> TotpSecret | None:
    # the last step that was used is compared and written, so a code counts once
    return db.session.scalar(select(TotpSecret).where(TotpSecret.user_id == user_id).with_for_update())


def notify(user: User, action: str, what: str, *, by: Actor, now: datetime) -> None:
    """Puts a change of factors on the audit log, and into a mail to its owner."""
    accounts.note(user, action, by=by, now=now, after={"factor": what})
    send_mail(
        "second_factor_changed", to=user.email, now=now, context={"name": user.name, "action": action, "what": what}
    )
