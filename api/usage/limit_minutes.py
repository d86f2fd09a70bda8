"""Notes minutes in which a limit refused, or let pass what left no decision: what its accuracy is checked with."""

from datetime import UTC, datetime
from threading import Lock
from uuid import UUID

import msgspec
from sqlalchemy import text

from api.limits.window import Verdict
from core.db import db
from core.periodic_flush import EnterApp, PeriodicFlush

MOST_HELD = 20_000
"""Minutes of keys that may wait at once; what is beyond them is not checked."""

_ADD = text("""
    INSERT INTO limit_minute AS kept
        (organization_id, api_key_id, minute, undecided, limited_at, limited_scope, limited_by)
    SELECT added.organization_id, added.api_key_id, added.minute, undecided, limited_at, limited_scope, limited_by
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS added
        (organization_id uuid, api_key_id uuid, minute timestamptz, undecided integer,
         limited_at timestamptz, limited_scope text, limited_by integer)
    JOIN api_key ON api_key.id = added.api_key_id
    ORDER BY api_key_id, minute
    ON CONFLICT (api_key_id, minute) DO UPDATE SET
        undecided = kept.undecided + excluded.undecided,
        limited_at = coalesce(excluded.limited_at, kept.limited_at),
        limited_scope = coalesce(excluded.limited_scope, kept.limited_scope),
        limited_by = coalesce(excluded.limited_by, kept.limited_by)
""")

MinuteKey = tuple[UUID, UUID, datetime]


class _Minute(msgspec.Struct):
    undecided: int = 0
    limited_at: datetime | None = None
    limited_scope: str | None = None
    limited_by: int | None = None

    def add(self, later: "_Minute") -> None:
        self.undecided += later.undecided
        if later.limited_at is not None:
            self.limited_at, self.limited_scope = later.limited_at, later.limited_scope
            self.limited_by = later.limited_by


class LimitMinutes(PeriodicFlush):
    name = "limit-minutes"

    def __init__(self, enter_app: EnterApp) -> None:
        super().__init__(enter_app)
        self._lock = Lock()
        self._minutes: dict[MinuteKey, _Minute] = {}

    def note(
        self, organization_id: UUID, key_id: UUID, verdict: Verdict, *, decisions: int, is_limited: bool, at: datetime
    ) -> None:
        """`verdict` is what the limit said of this request. Most requests leave nothing to note."""
        undecided = verdict.granted - decisions
        if not undecided and not is_limited:
            return
        minute = at.astimezone(UTC).replace(second=0, microsecond=0)
        seen = _Minute(undecided, at, verdict.scope.value, verdict.limit) if is_limited else _Minute(undecided)
        with self._lock:
            self._add((organization_id, key_id, minute), seen)

    def write(self) -> None:
        """What cannot be written now is kept for the next time."""
        with self._lock:
            minutes, self._minutes = self._minutes, {}
        try:
            _write(minutes)
        except BaseException:
            with self._lock:
                later, self._minutes = self._minutes, {}
                for key, minute in (*minutes.items(), *later.items()):
                    self._add(key, minute)
            raise

    def _add(self, key: MinuteKey, seen: _Minute) -> None:
        if key in self._minutes:
            self._minutes[key].add(seen)
        elif len(self._minutes) < MOST_HELD:
            self._minutes[key] = seen


def _write(minutes: dict[MinuteKey, _Minute]) -> None:
    if not minutes:
        return
    rows = [
        {"organization_id": organization_id, "api_key_id": key_id, "minute": at, **msgspec.structs.asdict(minute)}
        for (organization_id, key_id, at), minute in minutes.items()
    ]
    db.session.execute(_ADD, {"rows": msgspec.json.encode(rows).decode()})
