"""Word to the operators that somebody wants to talk about Enterprise."""

from uuid import UUID

from core.accounts import Organization
from core.clock import utc_now
from core.db import acting_as_system, db, transaction
from core.jobs import in_its_own_session, jobs
from core.mail import send_mail
from core.members import emails_of_operators


@jobs.task()
@in_its_own_session
def tell_operators_of_enterprise(organization_id: str) -> None:
    with acting_as_system(), transaction():
        organization = db.session.get_one(Organization, UUID(organization_id))
        context = {"organization": organization.name, "organization_id": organization.id}
        for email in emails_of_operators():
            send_mail("enterprise_asked", to=email, now=utc_now(), context=context)
