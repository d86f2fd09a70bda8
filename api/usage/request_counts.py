"""Counts what became of each request to the check API: in the process, and every few seconds in the database.

What is counted survives restarts but for the last seconds of a process that is killed. While the database is away the
counts wait in the process, in bounded room.
"""

from bisect import bisect_left
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from threading import Lock
from uuid import UUID

import msgspec
from sqlalchemy import text

from core.db import db
from core.ids import new_uuid
from core.periodic_flush import EnterApp, PeriodicFlush
from legal_docs import figures

SLOW_MS = figures.LATENCY_MS
BUCKETS_MS = (5, 10, 25, 50, 100, 150, 200, 300, 400, SLOW_MS, 750, 1_000, 2_500, 5_000)
"""Upper ends; one more bucket has what took longer."""
_ONE_HOUR = timedelta(hours=1)
MOST_HELD = 20_000
"""Hours of organizations that may wait at once; what is beyond them is counted, but for nobody."""

_ADD_HOURS = text("""
    INSERT INTO request_hour AS kept
        (id, organization_id, environment, hour, answered, refused, failed, slow, latencies)
    SELECT id, organization_id, environment, hour, answered, refused, failed, slow,
           ARRAY(SELECT jsonb_array_elements_text(latencies)::integer)
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS added
        (id uuid, organization_id uuid, environment text, hour timestamptz,
         answered integer, refused integer, failed integer, slow integer, latencies jsonb)
    WHERE organization_id IS NULL OR organization_id IN (SELECT organization.id FROM organization)
    ORDER BY organization_id, environment, hour
    ON CONFLICT (organization_id, environment, hour) DO UPDATE SET
        answered = kept.answered + excluded.answered,
        refused = kept.refused + excluded.refused,
        failed = kept.failed + excluded.failed,
        slow = kept.slow + excluded.slow,
        latencies = ARRAY(
            SELECT coalesce(old, 0) + coalesce(new, 0)
            FROM unnest(kept.latencies, excluded.latencies) WITH ORDINALITY AS both_of (old, new, place)
            ORDER BY place
        )
""")
_ADD_DAYS = text("""
    INSERT INTO key_request_day AS kept (organization_id, api_key_id, day, requests, limited)
    SELECT added.organization_id, api_key_id, day, requests, limited
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS added
        (organization_id uuid, api_key_id uuid, day date, requests integer, limited integer)
    JOIN api_key ON api_key.id = added.api_key_id
    ORDER BY api_key_id, day
    ON CONFLICT (api_key_id, day) DO UPDATE SET
        requests = kept.requests + excluded.requests, limited = kept.limited + excluded.limited
""")

HourKey = tuple[UUID | None, str | None, datetime]
DayKey = tuple[UUID, UUID, str]


class _Hour(msgspec.Struct):
    answered: int = 0
    refused: int = 0
    failed: int = 0
    slow: int = 0
    latencies: list[int] = msgspec.field(default_factory=lambda: [0] * (len(BUCKETS_MS) + 1))

    def note(self, status: int, milliseconds: float) -> None:
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            self.failed += 1
        elif status >= HTTPStatus.BAD_REQUEST:
            self.refused += 1
        else:
            self.answered += 1
            self.slow += milliseconds > SLOW_MS
            self.latencies[bisect_left(BUCKETS_MS, milliseconds)] += 1

    def add(self, other: "_Hour") -> None:
        for name in ("answered", "refused", "failed", "slow"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.latencies = [mine + its for mine, its in zip(self.latencies, other.latencies, strict=True)]


class _Day(msgspec.Struct):
    requests: int = 0
    limited: int = 0


class RequestCounts(PeriodicFlush):
    name = "request-counts"

    def __init__(self, enter_app: EnterApp) -> None:
        super().__init__(enter_app)
        self._lock = Lock()
        self._hours: dict[HourKey, _Hour] = {}
        self._days: dict[DayKey, _Day] = {}
        self._of_key: dict[int, tuple[datetime, _Hour, _Day]] = {}
        """Where a key's requests of this hour are counted, by the number that its id is: a UUID is hashed slowly."""
        self._present = (datetime.min.replace(tzinfo=UTC), "")

    def note(
        self,
        organization_id: UUID | None,
        *,
        key_id: UUID | None,
        environment: str | None,
        status: int,
        seconds: float,
        at: datetime,
    ) -> None:
        hour, day = self._hour_and_day(at)
        with self._lock:
            if organization_id is None or key_id is None:
                self._hour_of((organization_id, environment, hour)).note(status, seconds * 1000)
                return
            known = self._of_key.get(key_id.int)
            if known is None or known[0] is not hour:
                counted = self._hour_of((organization_id, environment, hour))
                known = self._of_key[key_id.int] = (hour, counted, self._day_of((organization_id, key_id, day)))
            known[1].note(status, seconds * 1000)
            known[2].requests += 1
            known[2].limited += status == HTTPStatus.TOO_MANY_REQUESTS

    def write(self) -> None:
        """What cannot be written now is kept for the next time."""
        with self._lock:
            hours, days = self._hours, self._days
            self._hours, self._days = {}, {}
            self._of_key.clear()
        try:
            _write(hours, days)
        except BaseException:
            self._take_back(hours, days)
            raise

    def _hour_and_day(self, at: datetime) -> tuple[datetime, str]:
        """Worked out once an hour."""
        hour, day = self._present
        if not hour <= at < hour + _ONE_HOUR:
            hour = at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
            day = hour.date().isoformat()
            self._present = (hour, day)
        return hour, day

    def _hour_of(self, key: HourKey) -> _Hour:
        if key not in self._hours and len(self._hours) >= MOST_HELD:
            key = (None, None, key[2])
        return self._hours.setdefault(key, _Hour())

    def _day_of(self, key: DayKey) -> _Day:
        if key not in self._days and len(self._days) >= MOST_HELD:
            return _Day()  # counted for nobody
        return self._days.setdefault(key, _Day())

    def _take_back(self, hours: dict[HourKey, _Hour], days: dict[DayKey, _Day]) -> None:
        with self._lock:
            for hour_key, hour in hours.items():
                self._hour_of(hour_key).add(hour)
            for day_key, day in days.items():
                kept = self._days.setdefault(day_key, _Day())
                kept.requests, kept.limited = kept.requests + day.requests, kept.limited + day.limited


def _write(hours: dict[HourKey, _Hour], days: dict[DayKey, _Day]) -> None:
    if hours:
        rows = [
            {
                "id": new_uuid(),
                "organization_id": organization_id,
                "environment": environment,
                "hour": hour,
                **msgspec.structs.asdict(counted),
            }
            for (organization_id, environment, hour), counted in hours.items()
        ]
        db.session.execute(_ADD_HOURS, {"rows": msgspec.json.encode(rows).decode()})
    if days:
        rows = [
            {"organization_id": organization_id, "api_key_id": key_id, "day": day, **msgspec.structs.asdict(counted)}
            for (organization_id, key_id, day), counted in days.items()
        ]
        db.session.execute(_ADD_DAYS, {"rows": msgspec.json.encode(rows).decode()})
    db.session.flush()
