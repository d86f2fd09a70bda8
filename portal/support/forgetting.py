"""What is left of requests when an account ends: numbers and promises, no words and no names. In the system's scope."""

from uuid import UUID

from sqlalchemy import ColumnElement, delete, update

from core.db import db
from portal.support.models import Ticket, TicketFile, TicketMessage, TicketSurvey
from portal.support.states import UNDER_WAY, Status

_UNDER_WAY = [status.value for status in UNDER_WAY]
_NAMELESS = "Former member"
_NOWHERE = "deleted@deleted.invalid"


def forget_organization(organization_id: UUID) -> None:
    """Deletes what was said and sent; that there was a request, and whether it was answered in time, stays."""
    db.session.execute(delete(TicketFile).where(TicketFile.organization_id == organization_id))
    db.session.execute(delete(TicketMessage).where(TicketMessage.organization_id == organization_id))
    db.session.execute(update(TicketSurvey).where(TicketSurvey.organization_id == organization_id).values(words=None))
    of_organization = Ticket.organization_id == organization_id
    over = {"status": Status.CLOSED.value, "due_at": None, "look_at": None}
    db.session.execute(update(Ticket).where(of_organization, Ticket.status.in_(_UNDER_WAY)).values(**over))
    _forget_requester(of_organization, subject="(deleted)", wish=None)


def forget_person(user_id: UUID) -> None:
    """Their requests belong to the organization and stay; who wrote them is forgotten."""
    db.session.execute(update(TicketMessage).where(TicketMessage.author_id == user_id).values(author_name=_NAMELESS))
    _forget_requester(Ticket.opened_by == user_id)


def _forget_requester(condition: ColumnElement[bool], **values: str | None) -> None:
    db.session.execute(
        update(Ticket).where(condition).values(requester_name=_NAMELESS, requester_email=_NOWHERE, **values)
    )
