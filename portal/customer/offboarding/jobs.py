"""What the worker does about organizations: closes accounts whose time has come."""

import structlog
from sqlalchemy import select

from core.accounts import Organization, OrganizationStatus
from core.clock import utc_now
from core.db import acting_as_system, db, transaction
from core.jobs import in_its_own_session, jobs
from core.observability import report_error
from portal.customer.offboarding import closing

log = structlog.get_logger()

HOURLY = "15 * * * *"


@jobs.periodic(cron=HOURLY)
@jobs.task(queueing_lock="close_accounts")
@in_its_own_session
def close_accounts(timestamp: int) -> None:  # noqa: ARG001  the queue tells when it was due
    """One transaction for each, so that one that fails holds up no other."""
    now = utc_now()
    with acting_as_system():
        due = db.session.scalars(
            select(Organization.id).where(
                Organization.status == OrganizationStatus.CLOSING.value, Organization.closes_at <= now
            )
        ).all()
        db.session.rollback()
    for organization_id in due:
        try:
            with acting_as_system(), transaction():
                closing.finish(organization_id, now=now)
        except Exception as error:
            log.critical("organization.not_closed", organization_id=str(organization_id), exc_info=error)
            report_error(error, request_id="close_accounts")
