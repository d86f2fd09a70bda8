"""Finding decisions page by page. A page never looks at more of the log than a bounded number of rows.

Hours without anything that fits are passed over by their counts. Where what is asked for does not occur together, the
page ends empty after so many rows, with a cursor that goes on from there.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, and_, func, or_, select

from api.decisions import in_store
from api.decisions.hourly.fitting import FittingHour, fitting_hours
from api.decisions.models import Decision
from api.decisions.schema import DecisionFilter
from api.decisions.services import conditions_of, list_page
from core.db import db
from core.ids import first_uuid_at, time_of

MOST_LOOKED_AT = 60_000
"""Rows of the log for one page."""
_FIRST_GROUP = 2_000
_ROWS_IF_UNKNOWN = 1_000
_MOST_STRETCHES = 100
_MILLISECOND = timedelta(milliseconds=1)

Stretch = tuple[datetime, datetime]


class DecisionsFound(msgspec.Struct, frozen=True):
    decisions: list[Decision]
    next_after: UUID | None
    """Where the next page goes on; None on the last."""
    looked_back_to: datetime | None = None
    """Where the search paused because it had looked at enough."""


class _Group(msgspec.Struct, frozen=True):
    """Hours that are asked for together; it `pauses` where there are more, which another page looks at."""

    stretches: list[Stretch]
    pauses: bool


def find_page(
    organization_id: UUID, chosen: DecisionFilter, *, subject_secret: bytes, after: UUID | None, size: int
) -> DecisionsFound:
    """Decisions, newest first, that come after the one with the id `after`."""
    ask = partial(list_page, organization_id, chosen, subject_secret=subject_secret, after=after)
    if _has_index(chosen):
        return _page(ask(size=size + 1), size)
    in_time = in_store.find_page(organization_id, chosen, after=after, size=size + 1)
    if in_time is not None:
        return _page(in_time, size)
    found: list[Decision] = []
    for group in _groups(fitting_hours(organization_id, chosen, before=_end_of(after))):
        wanted = size + 1 - len(found)
        within = _within(group.stretches)
        found += ask(size=wanted, within=within)
        if len(found) > size:
            break
        if group.pauses:
            back_to = group.stretches[-1][0]
            return DecisionsFound(found, first_uuid_at(back_to), back_to)
    return _page(found, size)


def count_up_to(organization_id: UUID, chosen: DecisionFilter, *, subject_secret: bytes, most: int) -> int | None:
    """How many fit, counted no further than one beyond `most`; None where that needs too much of the log."""
    conditions = conditions_of(organization_id, chosen, subject_secret)
    if _has_index(chosen):
        return _count(conditions, most)
    in_time = in_store.count_up_to(organization_id, chosen, most=most)
    if in_time is not None:
        return in_time
    total = 0
    for group in _groups(fitting_hours(organization_id, chosen, before=None)):
        total += _count([*conditions, _within(group.stretches)], most - total)
        if total > most:
            break
        if group.pauses:
            return None
    return total


def _has_index(chosen: DecisionFilter) -> bool:
    return chosen.key is not None or chosen.subject is not None


def _page(found: Sequence[Decision], size: int) -> DecisionsFound:
    page = list(found[:size])
    return DecisionsFound(page, page[-1].id if len(found) > size else None)


def _count(conditions: Sequence[ColumnElement[bool]], most: int) -> int:
    fitting = select(Decision.id).where(*conditions).limit(most + 1)
    return int(db.session.scalar(select(func.count()).select_from(fitting.subquery())) or 0)


def _groups(hours: Iterable[FittingHour]) -> Iterator[_Group]:
    """Few hours at first, since a page is mostly found in them, then ever more."""
    stretches: list[Stretch] = []
    rows = looked_at = 0
    group_rows = _FIRST_GROUP
    for hour in hours:
        if rows >= group_rows or len(stretches) >= _MOST_STRETCHES:
            looked_at += rows
            yield _Group(stretches, pauses=looked_at >= MOST_LOOKED_AT)
            stretches, rows, group_rows = [], 0, 4 * group_rows
        stretches = _joined(stretches, hour)
        rows += _ROWS_IF_UNKNOWN if hour.rows is None else hour.rows
    if stretches:
        yield _Group(stretches, pauses=False)


def _joined(stretches: list[Stretch], hour: FittingHour) -> list[Stretch]:
    """An hour just before the last stretch makes it longer."""
    if stretches and stretches[-1][0] == hour.to:
        return [*stretches[:-1], (hour.since, stretches[-1][1])]
    return [*stretches, (hour.since, hour.to)]


def _within(stretches: Sequence[Stretch]) -> ColumnElement[bool]:
    """The outer bounds as well, which let whole days be passed over."""
    parts = [and_(Decision.decided_at >= since, Decision.decided_at < to) for since, to in stretches]
    return and_(Decision.decided_at >= stretches[-1][0], Decision.decided_at < stretches[0][1], or_(*parts))


def _end_of(after: UUID | None) -> datetime | None:
    """Decisions of the cursor's own millisecond may still come, unless it is the place where a search paused."""
    if after is None:
        return None
    at = time_of(after)
    return at if after == first_uuid_at(at) else at + _MILLISECOND
