"""What the answers come to. Needs the system's scope."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from statistics import mean
from typing import Any

import msgspec
from sqlalchemy import select

from core.accounts import Organization
from core.db import db
from core.scope import needs_system_scope
from portal.feedback.kinds import OF_OPERATORS, QUESTIONS, Answer, Kind
from portal.feedback.models import Feedback

WEEKS_SHOWN = 8
SURVEYS_OVER = timedelta(days=90)
_PROMOTER, _DETRACTOR = 9, 6


class Week(msgspec.Struct, frozen=True):
    monday: date
    asked: int
    answered: int
    mean: float | None


class SurveyFigures(msgspec.Struct, frozen=True):
    asked: int
    answered: int
    ease: float | None
    shares: dict[str, float]
    """Of the answers, those with yes, by the words of the question."""


class Entry(msgspec.Struct, frozen=True):
    feedback: Feedback
    organization: Organization


@needs_system_scope
def entries(*, since: datetime, kinds: Sequence[Kind] = tuple(Kind)) -> list[Entry]:
    """The newest first."""
    query = (
        select(Feedback, Organization)
        .join(Organization, Organization.id == Feedback.organization_id)
        .where(Feedback.asked_at >= since, Feedback.kind.in_([kind.value for kind in kinds]))
    )
    return [Entry(row[0], row[1]) for row in db.session.execute(query.order_by(Feedback.id.desc()).limit(500))]


@needs_system_scope
def to_record() -> list[Entry]:
    """What operators still have to hold and record, the soonest due first."""
    query = (
        select(Feedback, Organization)
        .join(Organization, Organization.id == Feedback.organization_id)
        .where(Feedback.answered_at.is_(None), Feedback.kind.in_([kind.value for kind in OF_OPERATORS]))
    )
    return [Entry(row[0], row[1]) for row in db.session.execute(query.order_by(Feedback.due_at))]


@needs_system_scope
def satisfaction(*, since: datetime) -> tuple[float | None, int]:
    """The mean of the pulses answered since then, and how many there are."""
    scores = [answers["score"] for answers in _answers(Kind.PULSE, since=since)]
    return (mean(scores) if scores else None, len(scores))


@needs_system_scope
def pulse_by_week(*, now: datetime) -> list[Week]:
    """By the week in which it was asked; the latest first."""
    this_monday = now.date() - timedelta(days=now.weekday())
    mondays = [this_monday - timedelta(weeks=count) for count in range(WEEKS_SHOWN)]
    asked = entries(since=now - timedelta(weeks=WEEKS_SHOWN), kinds=[Kind.PULSE])
    weeks = []
    for monday in mondays:
        some = [one.feedback for one in asked if monday <= one.feedback.asked_at.date() < monday + timedelta(weeks=1)]
        scores = [one.answers["score"] for one in some if one.answers]
        weeks.append(Week(monday, len(some), len(scores), mean(scores) if scores else None))
    return weeks


@needs_system_scope
def survey(*, now: datetime) -> SurveyFigures:
    """Of the last 90 days."""
    since = now - SURVEYS_OVER
    asked = len(entries(since=since, kinds=[Kind.SURVEY]))
    answers = _answers(Kind.SURVEY, since=since)
    yes_no = [question for question in QUESTIONS[Kind.SURVEY] if question.answer is Answer.YES_NO]
    shares = {one.words: mean(answer[one.name] is True for answer in answers) for one in yes_no} if answers else {}
    ease = mean(answer["ease"] for answer in answers) if answers else None
    return SurveyFigures(asked, len(answers), ease, shares)


@needs_system_scope
def net_promoter_score(*, since: datetime) -> tuple[int | None, int]:
    """Of end-of-pilot reviews: the share of 9 and 10 less that of 0 to 6, in points; and of how many."""
    scores = [answers["recommend"] for answers in _answers(Kind.PILOT_REVIEW, since=since)]
    if not scores:
        return None, 0
    promoters = sum(score >= _PROMOTER for score in scores)
    detractors = sum(score <= _DETRACTOR for score in scores)
    return round(100 * (promoters - detractors) / len(scores)), len(scores)


def _answers(kind: Kind, *, since: datetime) -> list[dict[str, Any]]:
    query = select(Feedback.answers).where(Feedback.kind == kind.value, Feedback.answered_at >= since)
    return [answers for answers in db.session.scalars(query) if answers is not None]
