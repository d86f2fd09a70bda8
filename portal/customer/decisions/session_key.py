"""A test key for whoever is signed in, so that a check can be tried without pasting a secret.

Its secret is derived from the app's, the session's id and the quarter of an hour: every process knows it, none stores
it, and it ends by itself. It counts among the plan's keys for as long as it lives.
"""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import select, text

from api.keys import services as keys
from api.keys.models import ApiKey
from api.keys.scopes import Scope
from api.keys.token import KeyEnvironment, Token, derived_token
from core.audit import Actor
from core.db import db

_QUARTER = timedelta(minutes=15)
LIFE = 2 * _QUARTER
"""Longest; what is asked at the end of a quarter still finds its key."""
_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtext(:session))")


def secret_for_session(
    organization_id: UUID, session_id: UUID, *, member: str, secret_key: str, by: Actor, now: datetime
) -> str:
    """Raises what issuing a key raises, such as KeyLimitReached."""
    quarter = int(now.timestamp() // _QUARTER.total_seconds())
    purpose = f"key of a session {organization_id} {session_id} {quarter}".encode()
    token = derived_token(KeyEnvironment.TEST, purpose, secret_key=secret_key)
    db.session.execute(_ONE_AT_A_TIME, {"session": str(session_id)})
    if not _is_issued(organization_id, token):
        keys.issue(
            organization_id,
            name=f"Try it, {member}, {token.last_four}",
            environment=KeyEnvironment.TEST,
            scopes=(Scope.CHECKS_WRITE,),
            expires_at=datetime.fromtimestamp(quarter * _QUARTER.total_seconds(), UTC) + LIFE,
            token=token,
            by=by,
            now=now,
        )
    return token.secret


def _is_issued(organization_id: UUID, token: Token) -> bool:
    """Also if it was revoked: then it stays so until the quarter ends, and the check says why it fails."""
    query = select(ApiKey.id).where(ApiKey.organization_id == organization_id, ApiKey.token_hash == token.digest)
    return db.session.scalar(query) is not None
