"""Tries of passwords and codes, counted before they are looked at, so that many at once get no more than their number.

Kept is only who was meant and from where, both as keyed hashes, also of addresses that have no account. A try that was
right is taken off again. All of it needs the system's scope, and a transaction of its own that is committed before the
secret is compared.
"""

import hashlib
import hmac
from datetime import datetime, timedelta
from math import ceil
from uuid import UUID

import msgspec
from sqlalchemy import delete, func, select

from core.db import db, rows_changed
from core.ids import new_uuid
from core.scope import needs_system_scope
from core.throttle import TooManyTries
from portal.customer.people.models import SignInAttempt
from portal.customer.people.pace import LIMITS, Kind, Pace

LONGEST_WINDOW = timedelta(days=1)


class Attempt(msgspec.Struct, frozen=True):
    """A try under way: how many have failed from there, and from everywhere, if this one does."""

    kind: Kind
    account: bytes
    origin: bytes
    of_origin: int
    of_everybody: int

    @property
    def ends_session(self) -> bool:
        most = LIMITS[self.kind].ends_session_at
        return most is not None and self.of_origin >= most


class _Count(msgspec.Struct, frozen=True):
    failures: int
    last_at: datetime | None


@needs_system_scope
def begin(kind: Kind, account: str, *, origin: str, secret_key: str, now: datetime, is_known: bool = False) -> Attempt:
    """Counts a try. Raises TooManyTries while it has to wait; one that is refused counts for nothing.

    A known browser is counted by itself: it neither waits for what others do, nor makes them wait.
    """
    of_account, of_origin = _hashed(account, secret_key), _hashed(origin, secret_key)
    db.session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"{kind}:{of_account.hex()}", 0))))
    limit, about = LIMITS[kind], (SignInAttempt.kind == kind.value, SignInAttempt.account_hash == of_account)
    own = _count(*about, SignInAttempt.origin_hash == of_origin, pace=limit.origin, now=now)
    everybody = _count(*about, SignInAttempt.is_known.is_(False), pace=limit.everybody, now=now)
    _refuse_early(own, limit.origin, now=now)
    if not is_known:
        _refuse_early(everybody, limit.everybody, now=now)
    db.session.add(
        SignInAttempt(
            id=new_uuid(),
            kind=kind.value,
            account_hash=of_account,
            origin_hash=of_origin,
            is_known=is_known,
            occurred_at=now,
        )
    )
    db.session.flush()
    return Attempt(kind, of_account, of_origin, own.failures + 1, everybody.failures + (not is_known))


@needs_system_scope
def succeed(attempt: Attempt) -> None:
    """It was right: whoever is there has mistyped, and begins afresh. What others tried goes on counting."""
    db.session.execute(
        delete(SignInAttempt).where(
            SignInAttempt.kind == attempt.kind.value,
            SignInAttempt.account_hash == attempt.account,
            SignInAttempt.origin_hash == attempt.origin,
        )
    )


@needs_system_scope
def is_time_to_warn(attempt: Attempt, *, now: datetime) -> bool:
    """Whether so many have failed that the person should hear of it, and has not within a day."""
    warn_at = LIMITS[attempt.kind].warn_at
    if warn_at is None or attempt.of_everybody < warn_at:
        return False
    warning = SignInAttempt(
        id=new_uuid(),
        kind=f"{attempt.kind}_warned",
        account_hash=attempt.account,
        origin_hash=b"",
        is_known=True,
        occurred_at=now,
    )
    about = (SignInAttempt.kind == warning.kind, SignInAttempt.account_hash == attempt.account)
    if db.session.scalar(select(SignInAttempt.id).where(*about, SignInAttempt.occurred_at > now - LONGEST_WINDOW)):
        return False
    db.session.add(warning)
    return True


def forget_old(*, before: datetime) -> int:
    """How many are past counting."""
    return rows_changed(delete(SignInAttempt).where(SignInAttempt.occurred_at < before))


def of_person(user_id: UUID) -> str:
    """How a person is counted who is known by more than an address."""
    return f"person:{user_id}"


def _count(*conditions: object, pace: Pace, now: datetime) -> _Count:
    row = db.session.execute(
        select(func.count(), func.max(SignInAttempt.occurred_at)).where(
            *conditions,  # type: ignore[arg-type]
            SignInAttempt.occurred_at > now - pace.window,
        )
    ).one()
    return _Count(*row)


def _refuse_early(count: _Count, pace: Pace, *, now: datetime) -> None:
    if count.last_at is None:
        return
    wait = count.last_at + pace.delay_after(count.failures) - now
    if wait > timedelta():
        raise TooManyTries(wait_s=ceil(wait.total_seconds()))


def _hashed(name: str, secret_key: str) -> bytes:
    return hmac.new(secret_key.encode(), b"attempt " + name.encode(), hashlib.sha256).digest()
