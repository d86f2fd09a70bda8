"""Challenges for passkeys: each is answered once, for what it was asked and by whom. Needs the system's scope.

The browser's cookie says which challenge is under way; only the row here says that it was not answered yet.
"""

import hashlib
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import delete

from core.db import db, rows_changed
from core.ids import new_uuid
from core.scope import needs_system_scope
from portal.customer.people.models import PasskeyChallenge

LIFE = timedelta(minutes=5)


class ChallengePurpose(StrEnum):
    SIGN_IN = "sign_in"
    REGISTER = "register"


@needs_system_scope
def remember(challenge: bytes, purpose: ChallengePurpose, *, user_id: UUID | None, now: datetime) -> None:
    db.session.add(
        PasskeyChallenge(
            id=new_uuid(),
            challenge_hash=_hashed(challenge),
            purpose=purpose.value,
            user_id=user_id,
            expires_at=now + LIFE,
        )
    )
    db.session.flush()


def take(challenge: bytes, purpose: ChallengePurpose, *, user_id: UUID | None, now: datetime) -> bool:
    """Whether it waits for an answer; it does no more. To be committed before the answer is looked at."""
    return bool(
        rows_changed(
            delete(PasskeyChallenge).where(
                PasskeyChallenge.challenge_hash == _hashed(challenge),
                PasskeyChallenge.purpose == purpose.value,
                PasskeyChallenge.user_id.is_not_distinct_from(user_id),
                PasskeyChallenge.expires_at > now,
            )
        )
    )


def forget_expired(*, before: datetime) -> int:
    return rows_changed(delete(PasskeyChallenge).where(PasskeyChallenge.expires_at < before))


def _hashed(challenge: bytes) -> bytes:
    return hashlib.sha256(challenge).digest()
