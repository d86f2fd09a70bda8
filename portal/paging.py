"""What lists on pages share."""

from datetime import date
from uuid import UUID

from core.errors import InvalidRequest
from core.ids import parse_public_id

_NO_ID = "This page of results does not exist. Go back and follow the link again."


def parse_uuid(text: str | None) -> UUID | None:
    """The id that was sent, or None if there is none that makes sense."""
    try:
        return UUID(text) if text else None
    except ValueError:
        return None


def chosen_uuid(text: str | None) -> UUID | None:
    """The id that narrows a list, or None if there is none. Raises InvalidRequest for what is no id: passed over, the
    page would show more than was asked for."""
    found = parse_uuid(text)
    if text and found is None:
        raise InvalidRequest(_NO_ID)
    return found


def chosen_id(prefix: str, text: str | None) -> UUID | None:
    """As `chosen_uuid`, for an id as it is shown outside."""
    found = parse_public_id(prefix, text) if text else None
    if text and found is None:
        raise InvalidRequest(_NO_ID)
    return found


def chosen_day(text: str | None) -> date | None:
    """The day that narrows a list, or None. Raises InvalidRequest for what is no day."""
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise InvalidRequest("Enter a date as year-month-day, such as 2026-11-28.") from error
