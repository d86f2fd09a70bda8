"""The decision log as the analytical store finds and counts it: the same as PostgreSQL, or no answer at all.

The store gives ids and counts of what it was fed; what was recorded since is asked of PostgreSQL, and so is every row
that is shown. A row that PostgreSQL does not have any more makes it no answer.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, func, select, tuple_

from api.analytics import reading
from api.analytics.reading import FedStore
from api.analytics.rows import words_of
from api.decisions.models import Decision
from api.decisions.schema import DecisionFilter
from api.decisions.services import conditions_of, list_page
from api.vocabulary import normal_model, normal_operation
from core.db import db
from core.ids import time_of

_NAMES = ("model", "department", "application")
_WIDE = (*_NAMES, "operation", "reason", "allowed", "environment")


class _Conditions(msgspec.Struct):
    words: list[str]
    given: dict[str, Any]

    def add(self, words: str, **given: Any) -> None:
        self.words.append(words)
        self.given |= given


def find_page(organization_id: UUID, chosen: DecisionFilter, *, after: UUID | None, size: int) -> list[Decision] | None:
    """Decisions, newest first, that come after the one with the id `after`; None where PostgreSQL is to be asked."""
    if not _is_worth_it(chosen):
        return None
    return reading.ask(organization_id, partial(_page, chosen, after, size))


def count_up_to(organization_id: UUID, chosen: DecisionFilter, *, most: int) -> int | None:
    """How many fit, no further than one beyond `most`; None where PostgreSQL is to be asked."""
    if not _is_worth_it(chosen):
        return None
    return reading.ask(organization_id, partial(_count, chosen, most))


def _is_worth_it(chosen: DecisionFilter) -> bool:
    """PostgreSQL has indexes for keys and subjects, and for what is asked for by time alone."""
    has_index = chosen.key is not None or chosen.subject is not None
    return not has_index and any(getattr(chosen, name) is not None for name in _WIDE)


def _page(chosen: DecisionFilter, after: UUID | None, size: int, fed: FedStore) -> list[Decision] | None:
    fitting = _conditions(chosen)
    if after is not None:
        fitting.add(
            "decided_at <= {at:DateTime64(6, 'UTC')}"
            " AND (decided_at < {at:DateTime64(6, 'UTC')} OR id < {after:String})",
            at=words_of(time_of(after)),
            after=after.hex,
        )
    ids = [
        UUID(hex=found)
        for [found] in fed.rows(
            "id", *fitting.words, ending=f"ORDER BY decided_at DESC, id DESC LIMIT {size:d}", **fitting.given
        )
    ]
    rows = _rows(fed.organization_id, ids)
    if len(rows) != len(ids):
        return None
    rows += list_page(
        fed.organization_id, chosen, subject_secret=b"", after=after, size=size, within=_recorded_since(fed)
    )
    return sorted(rows, key=lambda row: (row.decided_at, row.id), reverse=True)[:size]


def _count(chosen: DecisionFilter, most: int, fed: FedStore) -> int:
    fitting = _conditions(chosen)
    [[found]] = fed.rows("least(count(), {most:UInt64})", *fitting.words, most=most + 1, **fitting.given)
    since = select(Decision.id).where(*conditions_of(fed.organization_id, chosen, b""), _recorded_since(fed))
    later = db.session.scalar(select(func.count()).select_from(since.limit(most + 1).subquery())) or 0
    return min(int(found) + int(later), most + 1)


def _conditions(chosen: DecisionFilter) -> _Conditions:
    """As `conditions_of` says them."""
    found = _Conditions([], {})
    if chosen.allowed is not None:
        found.add("toUInt8(allowed) = {allowed:UInt8}", allowed=int(chosen.allowed))
    for name in ("reason", "environment"):
        if (value := getattr(chosen, name)) is not None:
            found.add(f"{name} = {{{name}:String}}", **{name: str(value)})
    for name in _NAMES:
        if (wanted := getattr(chosen, name)) is not None:
            beginning, column = normal_model(wanted.removesuffix("*")), f"normal_{name}"
            words = (
                f"startsWith({column}, {{{name}:String}})" if wanted.endswith("*") else f"{column} = {{{name}:String}}"
            )
            found.add(words, **{name: beginning})
    if chosen.operation is not None:
        found.add("normal_operation = {operation:String}", operation=normal_operation(chosen.operation))
    if chosen.since is not None:
        found.add("decided_at >= {since:DateTime64(6, 'UTC')}", since=words_of(chosen.since))
    if chosen.to is not None:
        found.add("decided_at < {to:DateTime64(6, 'UTC')}", to=words_of(chosen.to))
    return found


def _rows(organization_id: UUID, ids: Sequence[UUID]) -> list[Decision]:
    """Each by its day and its key."""
    if not ids:
        return []
    keys = tuple_(Decision.decided_at, Decision.id).in_([(time_of(one), one) for one in ids])
    return list(db.session.scalars(select(Decision).where(Decision.organization_id == organization_id, keys)))


def _recorded_since(fed: FedStore) -> ColumnElement[bool]:
    """By their numbers first, however the rest of a query would be planned: there are few."""
    since = (
        select(Decision.decided_at, Decision.id)
        .where(Decision.organization_id == fed.organization_id, Decision.recorded_number > fed.through)
        .cte("recorded_since")
        .prefix_with("MATERIALIZED", dialect="postgresql")
    )
    return tuple_(Decision.decided_at, Decision.id).in_(select(since.c.decided_at, since.c.id))
