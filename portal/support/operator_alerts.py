"""What operators are told of a request, by the worker: they are strangers to the organization that opened it."""

from uuid import UUID

from procrastinate import RetryStrategy

from core.accounts import Organization
from core.clock import utc_now
from core.db import acting_as_system, db, transaction
from core.jobs import in_its_own_session, jobs
from core.mail import send_mail
from core.members import User, emails_of_operators
from core.scope import needs_system_scope
from portal.support import desk, emails, records
from portal.support.models import Ticket
from portal.support.severities import Severity

_TRIES = RetryStrategy(max_attempts=8, wait=10, exponential_wait=2)
"""Some ten minutes with growing pauses: an alert that comes later than that helps nobody on call."""


@jobs.task(retry=_TRIES)
@in_its_own_session
def notify_of_opening(ticket_id: str) -> None:
    """What is critical goes to whoever is on call; the others hear of it as of every request."""
    with acting_as_system(), transaction():
        ticket = records.find(UUID(ticket_id))
        if ticket.severity == Severity.CRITICAL:
            desk.call_on_call(ticket.id, now=utc_now())
    _notify("ticket_waits", UUID(ticket_id))


@jobs.task(retry=_TRIES)
@in_its_own_session
def notify_of_message(ticket_id: str) -> None:
    _notify("ticket_written_to", UUID(ticket_id))


@jobs.task(retry=_TRIES)
@in_its_own_session
def notify_of_quarantine() -> None:
    with acting_as_system(), transaction():
        for email in emails_of_operators():
            send_mail("mail_quarantined", to=email, now=utc_now(), context={})


@needs_system_scope
def recipients(ticket: Ticket) -> list[str]:
    """Whoever has taken the request, or every operator."""
    taken_by = db.session.get(User, ticket.assignee_id) if ticket.assignee_id else None
    if taken_by is not None and taken_by.is_operator and taken_by.disabled_at is None:
        return [taken_by.email]
    return emails_of_operators()


def _notify(template: str, ticket_id: UUID) -> None:
    with acting_as_system(), transaction():
        ticket = records.find(ticket_id)
        organization = db.session.get(Organization, ticket.organization_id) if ticket.organization_id else None
        for email in recipients(ticket):
            emails.notify_operator(template, ticket, to=email, now=utc_now(), organization=organization)
