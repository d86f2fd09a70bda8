"""A stretch of time, divided into hours that are counted and the rest, which is read from the log."""

from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from sqlalchemy import func, select

from api.decisions.hourly.counting import full_hour
from api.decisions.hourly.models import DecisionHour
from core.db import db

_ONE_HOUR = timedelta(hours=1)


class Span(msgspec.Struct, frozen=True):
    """From `since` to just before `to`; from `first` to just before `last` the hours are counted.

    The log is asked for what lies outside: at both ends, or all of it where `first` and `last` are `since`.
    """

    organization_id: UUID
    since: datetime
    first: datetime
    last: datetime
    to: datetime

    @property
    def parameters(self) -> dict[str, object]:
        return msgspec.structs.asdict(self)


def span_of(organization_id: UUID, *, since: datetime, to: datetime, step: timedelta | None = None) -> Span:
    """With `step`, hours that would lie in two steps are read from the log."""
    first = full_hour(since + _ONE_HOUR - timedelta(microseconds=1))
    last = min(counted_until(organization_id) or since, full_hour(to))
    is_cut = step is not None and step < to - since and (first != since or step % _ONE_HOUR)
    if first >= last or is_cut:
        first = last = since
    return Span(organization_id, since, first, last, to)


def counted_until(organization_id: UUID) -> datetime | None:
    """Every hour of the organization before is counted, for what was there by then."""
    last = db.session.scalar(select(func.max(DecisionHour.hour)).where(DecisionHour.organization_id == organization_id))
    return last + _ONE_HOUR if last else None
