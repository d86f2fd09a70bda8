"""When a notice starts and ends its clock. Knows no database."""

from datetime import datetime, timedelta
from http import HTTPStatus

from core.errors import AppError
from legal_docs.figures import CHANGE_NOTICE_DAYS, SECOND_NOTICE_DAYS, SUB_PROCESSOR_NOTICE_DAYS

_SATURDAY = 5


class NoticeTooShort(AppError):
    status, code, title = HTTPStatus.CONFLICT, "notice_too_short", "Customers were promised more notice"
    advice = "Choose a later time."


def refuse_short(effective_at: datetime, *, days: int, now: datetime) -> None:
    """Raises NoticeTooShort."""
    if effective_at < now + timedelta(days=days):
        raise NoticeTooShort(f"Choose a time at least {days} days from now.")


def version_due_at(*, effective_at: datetime, first_sent_at: datetime) -> datetime:
    """Until when a version must be accepted: never less than the promised days after the notice left."""
    return max(effective_at, first_sent_at + timedelta(days=CHANGE_NOTICE_DAYS))


def second_notice_at(due_at: datetime) -> datetime:
    return due_at - timedelta(days=SECOND_NOTICE_DAYS)


def due_after_second(due_at: datetime, *, second_sent_at: datetime) -> datetime:
    """A second notice that left late moves the date, so that it is never less than its days before."""
    return max(due_at, second_sent_at + timedelta(days=SECOND_NOTICE_DAYS))


def change_due_at(*, takes_effect_at: datetime, sent_at: datetime) -> datetime:
    """From when silence about a sub-processor is consent."""
    return max(takes_effect_at, sent_at + timedelta(days=SUB_PROCESSOR_NOTICE_DAYS))


def add_business_days(moment: datetime, days: int) -> datetime:
    """The same time of day, `days` Mondays to Fridays later. Knows no public holidays, so it is never too late."""
    while days > 0:
        moment += timedelta(days=1)
        days -= moment.weekday() < _SATURDAY
    return moment
