"""Deleting a key that has ended. What was decided with it stays, unless `api.decisions.key_erasure` takes it along."""

from datetime import datetime
from http import HTTPStatus
from uuid import UUID

from sqlalchemy import delete

from api.keys import lookup
from api.keys.models import ApiKey
from core import audit
from core.audit import Actor
from core.db import acting_as_system, db
from core.errors import AppError


class KeyStillActive(AppError):
    status, code, title = HTTPStatus.CONFLICT, "key_still_active", "This API key is still active"
    advice = "Revoke it first; a revoked or expired key can be deleted."


def delete_key(organization_id: UUID, key_id: UUID, *, by: Actor, now: datetime) -> None:
    """Raises NotFound, or KeyStillActive."""
    shown_id = remove(organization_id, key_id, now=now)
    audit.write(organization_id, "api_key.deleted", by=by, now=now, subject_id=shown_id)


def remove(organization_id: UUID, key_id: UUID, *, now: datetime) -> str:
    """The row alone; its id as it is shown. Raises NotFound, or KeyStillActive."""
    key = lookup.find(organization_id, key_id, for_update=True)
    if key.is_live_at(now):
        raise KeyStillActive
    shown_id = lookup.shown_id(key)
    remove_again(organization_id, key_id)
    return shown_id


def remove_again(organization_id: UUID, key_id: UUID) -> None:
    """Harmless where there is none. The organization's own role may not delete keys."""
    with acting_as_system():
        db.session.execute(delete(ApiKey).where(ApiKey.organization_id == organization_id, ApiKey.id == key_id))
        db.session.expire_all()
