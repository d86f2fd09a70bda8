"""What operators are told by mail: that somebody wants to talk about Enterprise, and which service credits are due."""

from uuid import UUID

from core.accounts import Organization
from core.clock import utc_now
from core.db import acting_as_system, db, transaction
from core.jobs import in_its_own_session, jobs
from core.mail import send_mail
from core.members import emails_of_operators
from portal.customer.plan import credited_months


@jobs.task(aliases=["portal.customer.plan.jobs.tell_operators_of_enterprise"])
@in_its_own_session
def notify_operators_of_enterprise(organization_id: str) -> None:
    with acting_as_system(), transaction():
        organization = db.session.get_one(Organization, UUID(organization_id))
        context = {"organization": organization.name, "organization_id": organization.id}
        for email in emails_of_operators():
            send_mail("enterprise_asked", to=email, now=utc_now(), context=context)


@jobs.periodic(cron="20 5 2,16 * *")
@jobs.task(queueing_lock="report_service_credits")
@in_its_own_session
def report_service_credits(timestamp: int) -> None:  # noqa: ARG001  the queue tells when it was due
    """Once the month is counted, and again while there is time to refund what was forgotten."""
    now = utc_now()
    with acting_as_system(), transaction():
        due = credited_months.due(now=now)
        for email in emails_of_operators() if due else ():
            send_mail("service_credits_due", to=email, now=now, context={"due": due})
