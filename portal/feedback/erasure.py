"""The end of what customers said. Needs the system's scope."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import delete

from core.db import db, rows_changed
from core.scope import needs_system_scope
from portal.feedback.models import Feedback


@needs_system_scope
def forget_organization(organization_id: UUID) -> None:
    db.session.execute(delete(Feedback).where(Feedback.organization_id == organization_id))


@needs_system_scope
def forget_old(*, before: datetime) -> int:
    """As long as support records, and no longer; how many."""
    return rows_changed(delete(Feedback).where(Feedback.asked_at < before))
