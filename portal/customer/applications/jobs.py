"""What the worker does about applications: tells the operators of new ones, and ends what was left unanswered."""

from uuid import UUID

import structlog

from core.accounts import Organization
from core.audit import SYSTEM
from core.clock import utc_now
from core.db import acting_as_system, db, transaction
from core.jobs import in_its_own_session, isolate_errors, jobs
from core.mail import send_mail
from core.members import emails_of_operators
from portal.customer.applications import review
from portal.customer.applications.models import Application
from portal.customer.applications.services import ApplicationMoved

log = structlog.get_logger()

HOURLY = "15 * * * *"


@jobs.task(aliases=["portal.customer.applications.jobs.tell_operators"])
@in_its_own_session
def notify_operators(application_id: str, *, is_answer: bool = False) -> None:
    """One mail to each operator about an application that waits, or that does again since our question was answered."""
    with acting_as_system(), transaction():
        application = db.session.get_one(Application, UUID(application_id))
        organization = db.session.get_one(Organization, application.organization_id)
        for email in emails_of_operators():
            send_mail(
                "application_waits",
                to=email,
                now=utc_now(),
                context={
                    "organization": organization.name,
                    "application_id": application.id,
                    "due_at": application.due_at,
                    "is_answer": is_answer,
                },
            )


@jobs.periodic(cron=HOURLY)
@jobs.task(queueing_lock="expire_applications")
@in_its_own_session
def expire_applications(timestamp: int) -> None:  # noqa: ARG001  the queue tells when it was due
    """Each by itself: an answer that comes at this moment keeps its own application, and no other."""
    now = utc_now()
    with acting_as_system():
        for application_id in review.overdue(now):
            try:
                with transaction():
                    review.expire(application_id, by=SYSTEM, now=now)
            except ApplicationMoved:
                continue
            log.info("application.expired", application_id=str(application_id))


@jobs.periodic(cron=HOURLY)
@jobs.task(queueing_lock="follow_up")
@in_its_own_session
def follow_up(timestamp: int) -> None:  # noqa: ARG001  the queue tells when it was due
    """One mail to those who were approved a day ago and have asked nothing live yet."""
    now = utc_now()
    with acting_as_system():
        for organization_id in review.quiet_since_approval(now):
            with isolate_errors("application.not_followed_up", organization_id), transaction():
                review.follow_up(organization_id, by=SYSTEM, now=now)
