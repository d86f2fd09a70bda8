"""What is left of requests when their time or their account ends: numbers and promises, no words and no names.

Needs the system's scope.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, select, update

from core.db import db, rows_changed
from core.members import Membership, User
from core.scope import needs_system_scope
from portal.support.addresses import new_reply_token
from portal.support.models import InboundMail, Ticket, TicketFile, TicketMessage, TicketSurvey
from portal.support.requesters import NOWHERE
from portal.support.states import UNDER_WAY, RequestStatus

_UNDER_WAY = [status.value for status in UNDER_WAY]
_OVER = (RequestStatus.CLOSED.value, RequestStatus.MERGED.value)
_NAMELESS = "Former member"
_DELETED = "(deleted)"
_WHAT_IT_WAS_ABOUT = dict.fromkeys(
    ("wish", "environment", "happened_at", "api_key_id", "decision_id", "request_id"), None
)


@needs_system_scope
def forget_organization(organization_id: UUID) -> None:
    """Deletes what was said and sent; that there was a request, and whether it was answered in time, stays."""
    db.session.execute(delete(TicketFile).where(TicketFile.organization_id == organization_id))
    db.session.execute(delete(TicketMessage).where(TicketMessage.organization_id == organization_id))
    db.session.execute(update(TicketSurvey).where(TicketSurvey.organization_id == organization_id).values(words=None))
    of_tickets = InboundMail.ticket_id.in_(select(Ticket.id).where(Ticket.organization_id == organization_id))
    members = select(Membership.user_id).where(Membership.organization_id == organization_id)
    of_members = InboundMail.sender_id.in_(members) & InboundMail.ticket_id.is_(None)
    db.session.execute(delete(InboundMail).where(of_tickets | of_members))
    of_organization = Ticket.organization_id == organization_id
    over = {"status": RequestStatus.CLOSED.value, "due_at": None, "look_at": None}
    db.session.execute(update(Ticket).where(of_organization, Ticket.status.in_(_UNDER_WAY)).values(**over))
    _end_addresses(of_organization)
    _forget_requester(of_organization, subject=_DELETED, **_WHAT_IT_WAS_ABOUT)


@needs_system_scope
def forget_long_over(*, before: datetime) -> int:
    """The words of requests that were over by then; how many. A note that was written since has its own time."""
    over = Ticket.status.in_(_OVER) & (func.coalesce(Ticket.resolved_at, Ticket.changed_at) < before)
    ids = select(Ticket.id).where(over)
    for said in (TicketFile, TicketMessage):
        db.session.execute(delete(said).where(said.ticket_id.in_(ids), said.created_at < before))
    has_words = TicketSurvey.ticket_id.in_(ids) & TicketSurvey.words.is_not(None)
    db.session.execute(update(TicketSurvey).where(has_words).values(words=None))
    db.session.execute(delete(InboundMail).where(InboundMail.received_at < before))
    is_known = over & (Ticket.subject != _DELETED)
    _end_addresses(is_known)
    return _forget_requester(is_known, subject=_DELETED, opened_by=None, **_WHAT_IT_WAS_ABOUT)


@needs_system_scope
def forget_person(user_id: UUID) -> None:
    """Their requests belong to the organization and stay; who wrote them is forgotten."""
    db.session.execute(update(TicketMessage).where(TicketMessage.author_id == user_id).values(author_name=_NAMELESS))
    address = select(User.email).where(User.id == user_id).scalar_subquery()
    wrote = (InboundMail.sender_id == user_id) | (InboundMail.sender == address)
    nothing = {"raw": None, "words": None, "sender": None, "subject": None, "message_id": None}
    db.session.execute(update(InboundMail).where(wrote).values(**nothing))
    _forget_requester(Ticket.opened_by == user_id)


def _end_addresses(condition: ColumnElement[bool]) -> None:
    """Whoever still answers mails about these requests opens a new one."""
    for ticket in db.session.scalars(select(Ticket).where(condition)):
        ticket.reply_token = new_reply_token()
    db.session.flush()


def _forget_requester(condition: ColumnElement[bool], **values: str | None) -> int:
    return rows_changed(
        update(Ticket).where(condition).values(requester_name=_NAMELESS, requester_email=NOWHERE, **values)
    )
