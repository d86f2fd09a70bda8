"""In which hours decisions that fit a filter can be, so that a search passes over the others."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec
from sqlalchemy import text

from api.decisions.hourly.spans import counted_until
from api.decisions.schema import DecisionFilter
from api.vocabulary import normal_model, normal_operation
from core.db import db

_ONE_HOUR = timedelta(hours=1)
_SMALLEST = timedelta(microseconds=1)
_WINDOWS = (timedelta(days=2), timedelta(days=14), None)
_BEGINNING = datetime.fromisoformat("2000-01-01T00:00:00Z")
_LOWERED = ("model", "department", "application")
_COUNTED = (*_LOWERED, "operation", "reason")
_OF_OUTCOME = {None: "allowed + blocked > 0", True: "allowed > 0", False: "blocked > 0"}
_PLACE = {None: "true", True: "(one.value ->> 0)::integer > 0", False: "(one.value ->> 1)::integer > 0"}


class FittingHour(msgspec.Struct, frozen=True):
    """`rows` is how many decisions the organization has in it, fitting or not; None where that is not counted."""

    since: datetime
    to: datetime
    rows: int | None


def fitting_hours(organization_id: UUID, chosen: DecisionFilter, *, before: datetime | None) -> Iterator[FittingHour]:
    """The latest first; asked for bit by bit, since most searches end early.

    What is not counted yet is the first, and open ended where the filter is.
    """
    until = counted_until(organization_id) or _BEGINNING
    since, to = max(chosen.since or _BEGINNING, _BEGINNING), min(filter(None, (chosen.to, before)), default=None)
    if to is None or to > until:
        yield FittingHour(max(until, since), to or datetime.max.replace(tzinfo=UTC), None)
    query, end = text(_query(chosen)), min(to or until, until)
    for length in _WINDOWS:
        begin = max(since, end - length) if length else since
        given = {"organization_id": organization_id, "since": begin - _ONE_HOUR, "to": end, **_values_in(chosen)}
        for row in db.session.execute(query, given):
            yield FittingHour(row.hour, row.hour + _ONE_HOUR, None if row.rows is None else int(row.rows))
        end = begin - _ONE_HOUR + _SMALLEST
        if begin <= since:
            break


def _values_in(chosen: DecisionFilter) -> dict[str, str]:
    spelled = {"operation": normal_operation, **dict.fromkeys(_LOWERED, _beginning)}
    given = {name: getattr(chosen, name) for name in (*_COUNTED, "environment")}
    return {name: spelled.get(name, str)(value) for name, value in given.items() if value is not None}


def _beginning(name: str) -> str:
    """In normal form, of a name that may end in *."""
    return normal_model(name.removesuffix("*"))


def _condition(name: str, value: str) -> str:
    """As the log's own filter compares them."""
    if name == "operation":
        return "replace(lower(one.key), '-', '_') = :operation"
    if name not in _LOWERED:
        return f"one.key = :{name}"
    return f"starts_with(lower(one.key), :{name})" if value.endswith("*") else f"lower(one.key) = :{name}"


def _query(chosen: DecisionFilter) -> str:
    """An hour is one row for each environment; all of them are walked, whichever is asked for."""
    fits = [_OF_OUTCOME[chosen.allowed]]
    if chosen.environment is not None:
        fits.append("environment = :environment")
    for name in _COUNTED:
        value = getattr(chosen, name)
        if value is not None:
            wanted = f"{_condition(name, value)} AND {_PLACE[chosen.allowed]}"
            fits.append(f"EXISTS (SELECT FROM jsonb_each(by_value -> '{name}') AS one WHERE {wanted})")
    return f"""
        SELECT hour, sum(rows) AS rows FROM (
            SELECT hour, allowed + blocked AS rows, {" AND ".join(fits)} AS fits FROM decision_hour
            WHERE organization_id = :organization_id AND hour > :since AND hour < :to
            UNION ALL
            SELECT hour, NULL, true FROM changed_decision_hour
            WHERE organization_id = :organization_id AND hour > :since AND hour < :to
        ) AS hours
        GROUP BY hour HAVING bool_or(fits) ORDER BY hour DESC
    """  # noqa: S608  our own words
