"""Erasing a key with every decision that was made with it: after a restore it is made again."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text

from api.analytics import erasing as analytics
from api.decisions.hourly import counting as hourly
from api.decisions.models import Decision
from api.keys import deletion
from backups import erasures
from core import audit
from core.audit import Actor
from core.db import acting_as_system, acting_for, db

KEY = "api_key"


def count_of(organization_id: UUID, key_id: UUID) -> int:
    """Decisions on record that were made with the key."""
    query = select(func.count()).where(Decision.organization_id == organization_id, Decision.api_key_id == key_id)
    return int(db.session.scalar(query) or 0)


def erase_key(organization_id: UUID, key_id: UUID, *, by: Actor, now: datetime) -> int:
    """How many decisions there were. Raises NotFound, or KeyStillActive: while it works, more would come."""
    shown_id = deletion.remove(organization_id, key_id, now=now)
    erased = _delete_decisions(organization_id, key_id, now=now)
    facts = {"organization_id": str(organization_id), "key_id": str(key_id)}
    erasures.note_erasure(KEY, facts, now=now)
    audit.write(organization_id, "api_key.erased", by=by, now=now, subject_id=shown_id, after={"decisions": erased})
    return erased


@erasures.erases_again(KEY)
def _erase_again(facts: dict[str, Any], now: datetime) -> None:
    organization_id, key_id = UUID(facts["organization_id"]), UUID(facts["key_id"])
    deletion.remove_again(organization_id, key_id)
    _delete_decisions(organization_id, key_id, now=now)


def _delete_decisions(organization_id: UUID, key_id: UUID, *, now: datetime) -> int:
    """By a function of the database: pages ask for it, and their login may not delete decisions as it likes."""
    with acting_as_system():
        hourly.mark_changed(organization_id, key_id=key_id)
    with acting_for(organization_id):
        erased = db.session.execute(text("SELECT erase_decisions_of_key(:key)"), {"key": key_id}).scalar_one()
    analytics.note_key(organization_id, key_id, now=now)
    return int(erased)
