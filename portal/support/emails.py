"""The mails about a request. Answers by mail come back into it."""

from datetime import datetime
from typing import Any

from sqlalchemy import select

from core import current
from core.db import db
from core.mail import send_mail
from portal.support import sla_deadlines
from portal.support.addresses import reply_address
from portal.support.labels import CLOCK_LABELS
from portal.support.models import Ticket, TicketFile, TicketMessage
from portal.support.quoting import LINE_ABOVE
from portal.support.requesters import readers_of
from portal.support.severities import CATEGORY_LABELS, LEVEL_LABELS, SLA_TARGETS, Category, Level, Severity
from portal.support.sla_deadlines import Milestone
from portal.support.states import LABELS, RequestStatus


def acknowledge(ticket: Ticket, *, is_by_mail: bool, now: datetime) -> None:
    """At once: the number, how it is understood, and until when a person answers.

    A mail proves no sender, so the answer to it has none of its words: it may go to somebody who wrote none.
    """
    promise = SLA_TARGETS[Severity(ticket.severity)]
    is_critical = ticket.severity == Severity.CRITICAL
    phone = current.settings().on_call_phone if is_critical and ticket.opened_by else None
    _to_requester("ticket_opened", ticket, now=now, promise=promise, is_by_mail=is_by_mail, phone=phone)


def send_answer(ticket: Ticket, message: TicketMessage, *, now: datetime) -> None:
    files = db.session.scalars(select(TicketFile.name).where(TicketFile.message_id == message.id)).all()
    _to_requester("ticket_answered", ticket, now=now, message=message, files=files)


def notify_of_end_of_waiting(ticket: Ticket, *, now: datetime) -> None:
    _to_requester("ticket_not_heard", ticket, now=now)


def ask_how_it_was(ticket: Ticket, secret: str, *, now: datetime) -> None:
    _to_requester("ticket_survey", ticket, now=now, secret=secret)


def notify_operator(template: str, ticket: Ticket, *, to: str, now: datetime, **words: Any) -> None:
    send_mail(template, to=to, organization_id=ticket.organization_id, now=now, context={**_words(ticket), **words})


def warn(ticket: Ticket, milestone: Milestone, *, to: str, now: datetime) -> None:
    notify_operator("ticket_warned", ticket, to=to, now=now, promise=CLOCK_LABELS[milestone.clock.kind])


def hand_over(ticket: Ticket, *, why: str, first_words: str, to: str, now: datetime) -> None:
    """All that the next level needs to begin without asking."""
    notify_operator(
        "ticket_escalated",
        ticket,
        to=to,
        now=now,
        why=why,
        first_words=first_words,
        level=LEVEL_LABELS[Level(ticket.level)],
        misses=sla_deadlines.misses_of(ticket.id),
        clock_words=CLOCK_LABELS,
    )


def _to_requester(template: str, ticket: Ticket, *, now: datetime, **words: Any) -> None:
    for email in readers_of(ticket):
        send_mail(
            template,
            to=email,
            organization_id=ticket.organization_id,
            now=now,
            context={**_words(ticket), **words},
            reply_to=reply_address(ticket),
        )


def _words(ticket: Ticket) -> dict[str, Any]:
    return {
        "ticket": ticket,
        "is_known": ticket.opened_by is not None,
        "may_answer": reply_address(ticket) is not None,
        "line_above": LINE_ABOVE,
        "category_words": CATEGORY_LABELS[Category(ticket.category)],
        "status_words": LABELS[RequestStatus(ticket.status)],
    }
