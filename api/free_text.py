"""Telling an organization that a fact of its looks like free text: once a day for each, on its audit log."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

import structlog
from sqlalchemy import select
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from api.checks.distinct_values import DistinctValues, ManyValues
from core import audit
from core.audit import SYSTEM, AuditEvent
from core.clock import utc_now
from core.db import acting_as_system, db, transaction
from core.periodic_flush import EnterApp, PeriodicFlush
from core.scope import needs_system_scope

log = structlog.get_logger()

ACTION = "fact.looks_like_free_text"


@needs_system_scope
def report(found: ManyValues) -> None:
    """Unless it was told today."""
    now = utc_now()
    if reported_today(found.organization_id, now=now).get(found.fact, 0) >= found.values:
        return
    facts = {"fact": found.fact, "values": found.values}
    audit.write(found.organization_id, ACTION, by=SYSTEM, now=now, subject_id=found.fact, after=facts)


def reported_today(organization_id: UUID, *, now: datetime) -> dict[str, int]:
    """The facts that looked like free text today, each with the values it had at least."""
    return {found.subject_id or "": found.after["values"] for found in _notices_of(organization_id, now) if found.after}


def _notices_of(organization_id: UUID, now: datetime) -> Iterable[AuditEvent]:
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    about = AuditEvent.organization_id == organization_id, AuditEvent.action == ACTION
    return db.session.scalars(
        select(AuditEvent).where(*about, AuditEvent.occurred_at >= midnight).order_by(AuditEvent.id)
    )


class FreeTextNotices(PeriodicFlush):
    """Tells what the checks of this process found. What is lost with a process is found again."""

    name = "free-text"

    def __init__(self, enter_app: EnterApp, values: DistinctValues) -> None:
        super().__init__(enter_app)
        self._values = values

    def flush(self) -> None:
        self._values.forget_yesterday()
        for found in self._values.take_unreported():
            try:
                with self._enter_app(), acting_as_system(), transaction():
                    report(found)
            except OperationalError:
                self._values.put_back(found)  # until the database is back
            except SQLAlchemyError as error:
                log.warning("free_text.not_told", error=type(error).__name__)
