"""What requests to the check API came to: the share that was answered, how fast, and since when somebody uses it."""

from collections.abc import Collection, Sequence
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import msgspec
from sqlalchemy import delete, text

from api.usage import request_days
from api.usage.models import KeyRequestDay, LimitMinute, RefusedRequestHour, RequestDay, RequestHour
from api.usage.refusals import REFUSALS_KEPT
from api.usage.request_counts import BUCKETS_MS
from core.db import db
from core.scope import needs_system_scope

HOURS_KEPT = timedelta(days=400)
"""A year and a month: the month that a credit is about, and the same one a year before."""
DAYS_KEPT = timedelta(days=90)

_ONE_DAY, _MOMENT = timedelta(days=1), timedelta(microseconds=1)
_PLACES = range(1, len(BUCKETS_MS) + 2)
_SUMS = ", ".join(
    f"coalesce(sum({one}), 0)"
    for one in ("answered", "refused", "failed", "slow", *(f"latencies[{n}]" for n in _PLACES))
)
_TOTALS_OF_ONE = text(f"""
    SELECT {_SUMS} FROM request_hour
    WHERE hour >= :since AND hour < :until AND organization_id = :organization_id
      AND (CAST(:environment AS text) IS NULL OR environment = :environment)
""")  # noqa: S608  our own words
_COUNTED = "organization_id, environment, answered, refused, failed, slow, latencies"
_TOTALS_OF_ALL = text(f"""
    SELECT {_SUMS} FROM (
        SELECT {_COUNTED} FROM request_day
        WHERE day >= :first_day AND day < :last_day
        UNION ALL
        SELECT {_COUNTED} FROM request_hour WHERE hour >= :since AND hour < :first AND hour < :until
        UNION ALL
        SELECT {_COUNTED} FROM request_hour WHERE hour >= :last AND hour >= :since AND hour < :until
    ) AS counted
    WHERE (CAST(:environment AS text) IS NULL OR environment = :environment)
      AND (organization_id IS NULL OR organization_id NOT IN (SELECT id FROM organization WHERE slug = ANY(:but)))
""")  # noqa: S608  our own words
"""Whole days from `first` to just before `last`, and the hours around them."""
_WITH_FAILURES = text("""
    SELECT organization_id FROM request_hour
    WHERE hour >= :since AND hour < :until AND environment = 'live' AND organization_id = ANY(:ids)
    GROUP BY 1 HAVING sum(failed) > 0
""")
_MILESTONES = text("""
    SELECT organization_id, min(day) AS first_day, min(day) FILTER (WHERE answered > :enough) AS enough_day
    FROM (
        SELECT organization_id, day, answered
        FROM request_day WHERE environment = 'live' AND organization_id = ANY(:ids)
        UNION ALL
        SELECT organization_id, CAST(hour AT TIME ZONE 'UTC' AS date), sum(answered) FROM request_hour
        WHERE environment = 'live' AND organization_id = ANY(:ids) AND hour >= :counted_until GROUP BY 1, 2
    ) AS days
    WHERE answered > 0 GROUP BY 1
""")


class RequestTotals(msgspec.Struct, frozen=True):
    answered: int
    refused: int
    failed: int
    slow: int
    latencies: Sequence[int] = ()

    @property
    def valid(self) -> int:
        """Those that neither limits, keys nor plans refused, and that could be read."""
        return self.answered + self.failed

    @property
    def availability(self) -> float | None:
        """The share of valid requests that were answered, in per cent; None without any."""
        return 100 * self.answered / self.valid if self.valid else None

    @property
    def p95_ms(self) -> int | None:
        """95 of 100 answers took at most so long: the upper end of a bucket. None without any answer."""
        total, reached = sum(self.latencies), 0
        for bound, count in zip((*BUCKETS_MS, None), self.latencies, strict=False):
            reached += count
            if total and reached >= 0.95 * total:
                return bound if bound is not None else 2 * BUCKETS_MS[-1]
        return None


class Milestones(msgspec.Struct, frozen=True):
    first_day: date
    """Of the first live check that was answered."""
    enough_day: date | None
    """The first with more than enough of them."""


def totals(
    organization_id: UUID | None,
    *,
    since: datetime,
    until: datetime,
    environment: str | None = None,
    but: Sequence[str] = (),
) -> RequestTotals:
    """Of the hours that begin in this time. None for all organizations but those with the slugs `but`."""
    span = {"since": since, "until": until, "environment": environment}
    row = (
        db.session.execute(_TOTALS_OF_ALL, {**span, **_whole_days(since, until), "but": list(but)})
        if organization_id is None
        else db.session.execute(_TOTALS_OF_ONE, {**span, "organization_id": organization_id})
    ).one()
    answered, refused, failed, slow, *latencies = map(int, row)
    return RequestTotals(answered, refused, failed, slow, latencies)


def _whole_days(since: datetime, until: datetime) -> dict[str, date]:
    """Those within the time that are counted; none, if `first` is `last`."""
    first = request_days.midnight(since - _MOMENT) + _ONE_DAY
    last = min(request_days.counted_until() or since, request_days.midnight(until))
    if last <= first:
        first = last = since
    return {"first": first, "last": last, "first_day": first.date(), "last_day": last.date()}


@needs_system_scope
def with_failures(organization_ids: Collection[UUID], *, since: datetime, until: datetime) -> set[UUID]:
    """Those of them with a live request in this time that failed. One query."""
    span = {"ids": list(organization_ids), "since": since, "until": until}
    return set(db.session.scalars(_WITH_FAILURES, span))


@needs_system_scope
def milestones(organization_ids: Collection[UUID], *, enough_a_day: int) -> dict[UUID, Milestones]:
    """Of those of them that had a live check answered, within what is kept."""
    counted_until = request_days.counted_until() or datetime.min.replace(tzinfo=UTC)
    span = {"enough": enough_a_day, "ids": list(organization_ids), "counted_until": counted_until}
    rows = db.session.execute(_MILESTONES, span)
    return {row.organization_id: Milestones(row.first_day, row.enough_day) for row in rows}


@needs_system_scope
def purge(*, now: datetime) -> None:
    db.session.execute(delete(RequestHour).where(RequestHour.hour < now - HOURS_KEPT))
    db.session.execute(delete(RequestDay).where(RequestDay.day < (now - HOURS_KEPT).date()))
    db.session.execute(delete(KeyRequestDay).where(KeyRequestDay.day < (now - DAYS_KEPT).date()))
    db.session.execute(delete(RefusedRequestHour).where(RefusedRequestHour.hour < now - REFUSALS_KEPT))


@needs_system_scope
def forget(organization_id: UUID) -> None:
    """Of a closed account."""
    for model in (RequestHour, RequestDay):
        db.session.execute(delete(model).where(model.organization_id == organization_id))
    db.session.execute(delete(KeyRequestDay).where(KeyRequestDay.organization_id == organization_id))
    db.session.execute(delete(LimitMinute).where(LimitMinute.organization_id == organization_id))
    db.session.execute(delete(RefusedRequestHour).where(RefusedRequestHour.organization_id == organization_id))


class LimitedKey(msgspec.Struct, frozen=True):
    """A key that was refused for its limit, in some days."""

    key_id: UUID
    name: str
    organization_id: UUID
    organization: str
    requests: int
    limited: int


_MOST_LIMITED = text("""
    SELECT api_key.id, api_key.name, organization.id AS organization_id, organization.name AS organization,
           (SELECT sum(requests) FROM key_request_day WHERE api_key_id = most.api_key_id AND day >= :since) AS requests,
           most.limited
    FROM (
        SELECT api_key_id, sum(limited) AS limited FROM key_request_day WHERE day >= :since AND limited > 0
        GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT :most
    ) AS most
    JOIN api_key ON api_key.id = most.api_key_id
    JOIN organization ON organization.id = api_key.organization_id
    ORDER BY most.limited DESC, api_key.id
""")


@needs_system_scope
def most_limited_keys(*, since: date, most: int) -> list[LimitedKey]:
    """The most refused first."""
    rows = db.session.execute(_MOST_LIMITED, {"since": since, "most": most})
    return [
        LimitedKey(row.id, row.name, row.organization_id, row.organization, int(row.requests), int(row.limited))
        for row in rows
    ]
