"""Audit events of the base, and what requests are counted in beside the log."""

from datetime import datetime, timedelta
from random import Random
from uuid import UUID

import msgspec

from core.audit import ActorKind
from core.ids import new_uuid, public_id
from tests.bench.database import Database

_EVENTS: tuple[tuple[str, dict[str, object] | None, dict[str, object] | None], ...] = (
    ("api_key.created", None, {"name": "service", "environment": "live", "scopes": ["checks:write"]}),
    ("api_key.revoked", None, {"reason": "no longer needed"}),
    ("policy.changed", {"max_risk_score": 50}, {"max_risk_score": 60}),
    ("decisions.exported", None, {"format": "ndjson"}),
    ("member.role_changed", {"role": "viewer"}, {"role": "developer"}),
)


def add_audit_events(
    database: Database, organization_ids: list[UUID], members: list[UUID], count: int, *, now: datetime
) -> None:
    """Nine of ten are the large organization's."""
    random = Random(13)
    columns = "id, organization_id, occurred_at, actor_kind, actor_id, action, subject_id, before, after, address"
    with database.connection.cursor() as cursor, cursor.copy(f"COPY audit_event ({columns}) FROM STDIN") as copy:
        for number in range(count):
            at = now - timedelta(days=700) * (1 - number / count)
            action, before, after = random.choice(_EVENTS)
            is_large = number % 10
            copy.write_row(
                (
                    new_uuid(at_ms=int(at.timestamp() * 1000)),
                    organization_ids[0] if is_large else random.choice(organization_ids),
                    at,
                    (ActorKind.MEMBER if is_large else ActorKind.COMMAND_LINE).value,
                    random.choice(members) if is_large else None,
                    action,
                    public_id("key", new_uuid()) if action.startswith("api_key") else None,
                    _json(before),
                    _json(after),
                    "203.0.113.7" if is_large else None,
                )
            )


def count_requests(database: Database) -> None:
    """As the check API would have counted them, in its own tables."""
    database.run(
        """INSERT INTO request_hour
               (id, organization_id, environment, hour, answered, refused, failed, slow, latencies)
           SELECT gen_random_uuid(), organization_id, environment, date_trunc('hour', decided_at, 'UTC') AS hour,
                  count(*), 0, 0, 0, ARRAY[count(*)::int, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
           FROM decision GROUP BY organization_id, environment, hour"""
    )
    database.run(
        """INSERT INTO key_request_day (organization_id, api_key_id, day, requests, limited)
           SELECT organization_id, api_key_id, CAST(decided_at AT TIME ZONE 'UTC' AS date) AS day, count(*), 0
           FROM decision GROUP BY organization_id, api_key_id, day"""
    )


def _json(value: dict[str, object] | None) -> str | None:
    return None if value is None else msgspec.json.encode(value).decode()
