"""When an audit may be: the notice, the days, and how often. Knows no database."""

from collections.abc import Iterable
from datetime import date, timedelta
from http import HTTPStatus

from core.errors import AppError, FieldProblem, InvalidRequest
from core.formats import day
from legal_docs.audits.states import AuditKind, Cause
from legal_docs.figures import AUDIT_NOTICE_DAYS, AUDITS_PER_YEAR, PENETRATION_TEST_NOTICE_DAYS

YEAR = timedelta(days=365)
LONGEST = timedelta(days=30)
NOTICE_DAYS = {
    AuditKind.AUDIT: AUDIT_NOTICE_DAYS,
    AuditKind.PENETRATION_TEST: PENETRATION_TEST_NOTICE_DAYS,
}


class AuditOfTheYearUsed(AppError):
    status, code, title = (
        HTTPStatus.CONFLICT,
        "audit_of_the_year_used",
        "The regular audit of this year is already booked",
    )
    advice = (
        "Choose days at least a year after the last audit, or choose a special reason: a breach, or an authority that"
        " requires the audit."
    )


def earliest_day(kind: AuditKind, cause: Cause, *, today: date) -> date:
    """A breach or an authority may need it sooner; a penetration test needs our preparation in any case."""
    if kind is AuditKind.AUDIT and cause is not Cause.YEARLY:
        return today
    return today + timedelta(days=NOTICE_DAYS[kind])


def refuse_days(kind: AuditKind, cause: Cause, *, starts_on: date, ends_on: date, today: date) -> None:
    """Raises InvalidRequest, naming the day at fault."""
    earliest = earliest_day(kind, cause, today=today)
    if starts_on < earliest:
        advice = f"The first possible day is {day(earliest)}."
        raise InvalidRequest(errors=(FieldProblem("starts_on", "too_early", advice),))
    if not starts_on <= ends_on <= starts_on + LONGEST:
        advice = f"Choose the first day or a later one, at most {LONGEST.days} days after it."
        raise InvalidRequest(errors=(FieldProblem("ends_on", "out_of_range", advice),))


def refuse_second(starts_on: date, *, others: Iterable[date]) -> None:
    """`others`: first days of the regular audits that count. Raises AuditOfTheYearUsed."""
    near = [other for other in others if abs(other - starts_on) < YEAR]
    if len(near) >= AUDITS_PER_YEAR:
        raise AuditOfTheYearUsed
