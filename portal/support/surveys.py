"""The question a week after a resolution: how good was it, from 1 to 10. Opening its link answers nothing."""

from datetime import datetime
from http import HTTPStatus

from sqlalchemy import func, select, update

from core import audit
from core.audit import SYSTEM
from core.db import db
from core.errors import AppError
from core.rows import read_anew
from core.scope import needs_system_scope
from core.tokens import digest_of, new_token
from portal.support import emails
from portal.support.models import Ticket, TicketSurvey
from portal.support.states import SURVEY_OPEN_FOR


class SurveyUnknown(AppError):
    status, code, title = HTTPStatus.NOT_FOUND, "survey_unknown", "This link is not valid"
    advice = "Open it from the email again. Some email programs break long links."


class SurveyOver(AppError):
    status, code, title = HTTPStatus.GONE, "survey_over", "This survey was already answered or has expired"
    advice = "To add anything, reply to the request."


def send(ticket: Ticket, *, now: datetime) -> None:
    """Once for each request. Needs a held one."""
    if db.session.get(TicketSurvey, ticket.id) is not None:
        return
    secret = new_token()
    db.session.add(
        TicketSurvey(
            ticket_id=ticket.id, organization_id=ticket.organization_id, token_hash=digest_of(secret), sent_at=now
        )
    )
    db.session.flush()
    emails.ask_how_it_was(ticket, secret, now=now)


@needs_system_scope
def find(secret: str, *, now: datetime) -> TicketSurvey:
    """Raises SurveyUnknown or SurveyOver."""
    survey = db.session.scalar(read_anew(select(TicketSurvey).where(TicketSurvey.token_hash == digest_of(secret))))
    if survey is None:
        raise SurveyUnknown
    if survey.answered_at is not None or now - survey.sent_at > SURVEY_OPEN_FOR:
        raise SurveyOver
    return survey


def answer(secret: str, *, score: int, words: str | None, now: datetime) -> None:
    """The first answer counts. Raises SurveyUnknown or SurveyOver."""
    survey = find(secret, now=now)
    kept = db.session.execute(
        update(TicketSurvey)
        .where(TicketSurvey.ticket_id == survey.ticket_id, TicketSurvey.answered_at.is_(None))
        .values(score=score, words=words, answered_at=now)
        .returning(TicketSurvey.ticket_id)
    ).first()
    if kept is None:
        raise SurveyOver
    audit.write(
        survey.organization_id,
        "ticket.rated",
        by=SYSTEM,
        now=now,
        subject_id=str(survey.ticket_id),
        after={"score": score},
    )


@needs_system_scope
def mean_score(*, since: datetime) -> tuple[float | None, int]:
    """Of the answers since then, and how many there are."""
    query = select(func.avg(TicketSurvey.score), func.count(TicketSurvey.score))
    mean, count = db.session.execute(query.where(TicketSurvey.answered_at >= since)).one()
    return (float(mean) if mean is not None else None, count)
