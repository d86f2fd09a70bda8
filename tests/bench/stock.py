"""What is in the database before anything is asked: organizations with policies, keys, and a log of many rows."""

import shutil
from collections.abc import Callable
from uuid import UUID

import msgspec
from flask import Flask

from api.keys import services as keys
from api.keys.token import KeyEnvironment
from api.policies import services as policies
from billing import entitlements
from billing.plans import PlanCode
from core import accounts
from core.audit import COMMAND_LINE
from core.clock import utc_now
from core.db import acting_as_system, transaction
from tests.bench import question
from tests.bench.database import Database
from tests.bench.failures import BenchFailed

RATE_LIMIT = 1_000_000_000
"""Requests in 60 s: counted exactly, never reached."""
_ROWS_AT_ONCE = 250_000
_LOG_ROW_BYTES = 1_000
"""Generously, with its indexes and the write-ahead log."""


class Tenant(msgspec.Struct, frozen=True):
    """An organization and the secrets of its keys."""

    organization_id: UUID
    secrets: tuple[str, ...]

    @property
    def authorizations(self) -> tuple[str, ...]:
        return tuple(f"Bearer {secret}" for secret in self.secrets)


def make_tenant(app: Flask, slug: str, *, rules: int = len(question.PAIRS), keys_in_use: int = 1) -> Tenant:
    now = utc_now()
    with app.app_context(), acting_as_system(), transaction():
        organization = accounts.create(slug=slug, name=slug, by=COMMAND_LINE, now=now)
        policies.seed(now=now)
        reason = "as many keys as are measured"
        entitlements.grant(organization.id, PlanCode.ENTERPRISE, until=None, reason=reason, by=COMMAND_LINE, now=now)
        policies.change(organization.id, "rules", question.our_rules(rules), by=COMMAND_LINE, now=now)
        organization_id = organization.id
    return more_keys(app, Tenant(organization_id=organization_id, secrets=()), up_to=keys_in_use)


def more_keys(app: Flask, tenant: Tenant, *, up_to: int) -> Tenant:
    """The tenant with `up_to` keys that work, or those it has if they are more."""
    with app.app_context(), acting_as_system(), transaction():
        added = tuple(
            keys.issue(
                tenant.organization_id,
                name=f"In use {number}",
                environment=KeyEnvironment.LIVE,
                rate_limit=RATE_LIMIT,
                by=COMMAND_LINE,
                now=utc_now(),
            ).secret
            for number in range(len(tenant.secrets), up_to)
        )
    return msgspec.structs.replace(tenant, secrets=(*tenant.secrets, *added))


def add_idle_keys(database: Database, tenant: Tenant, *, up_to: int) -> None:
    """Fills the table up to `up_to` keys with some that nobody uses, and that were not announced to anybody."""
    with database.connection.transaction():
        database.run("SET LOCAL session_replication_role = replica")
        database.run(
            """
            INSERT INTO api_key (id, organization_id, lineage_id, name, environment, token_hash, start, last_four,
                                 scopes, rate_limit, allowed_networks, created_at, created_by_kind)
            SELECT identifier, %s, identifier, 'Idle ' || identifier, 'live', sha256(identifier::text::bytea),
                   'aig_live_idle', 'idle', '{checks:write}', NULL, '{}', now(), 'system'
            FROM (SELECT gen_random_uuid() AS identifier
                  FROM generate_series(1, %s - (SELECT count(*) FROM api_key))) AS idle
            """,
            [tenant.organization_id, up_to],
        )
    database.run("VACUUM (ANALYZE) api_key")
    database.run("CHECKPOINT")


def empty_log(database: Database) -> None:
    database.run("TRUNCATE decision")


def add_log_rows(database: Database, tenant: Tenant, *, up_to: int, tell: Callable[[str], None]) -> None:
    """Fills the log up to `up_to` decisions of the tenant, spread over today until now (UTC).

    Raises BenchFailed where the disk has no room for them.
    """
    there = int(database.row("SELECT count(*) FROM decision")[0])
    _need_room(database, rows=up_to - there)
    metadata = msgspec.json.encode(question.FACTS).decode()
    while there < up_to:
        rows = min(_ROWS_AT_ONCE, up_to - there)
        database.run(
            """
            INSERT INTO decision (id, decided_at, organization_id, api_key_id, environment, model, operation, metadata,
                                  risk_score, allowed, reason, reasons, policy_version, latency_us, request_id)
            SELECT (lpad(to_hex(floor(extract(epoch FROM moment) * 1000)::bigint), 12, '0')
                    || '7' || substr(random, 1, 3) || '8' || substr(random, 4, 15))::uuid,
                   date_trunc('milliseconds', moment), %s, gen_random_uuid(), 'live', %s, %s, %s::jsonb,
                   0, true, 'ok', '[]', 2, 500, 'req_' || substr(random, 1, 24)
            FROM (SELECT today + (now() - today) * (n::float8 / %s) AS moment, md5(%s || ':' || n) AS random
                  FROM generate_series(1, %s) AS n, date_trunc('day', now(), 'UTC') AS today) AS made
            """,
            [tenant.organization_id, question.MODEL, question.OPERATION, metadata, rows, str(there), rows],
        )
        there += rows
        tell(f"log filled to {there:,} of {up_to:,} rows")
    database.run("VACUUM (ANALYZE) decision")
    database.run("CHECKPOINT")


def _need_room(database: Database, *, rows: int) -> None:
    free_bytes = shutil.disk_usage(database.data_path).free
    if rows * _LOG_ROW_BYTES > free_bytes:
        raise BenchFailed(
            f"{rows:,} log rows need about {rows * _LOG_ROW_BYTES / 1e9:.0f} GB of disk, {free_bytes / 1e9:.0f} GB are "
            "free. Ask for fewer with --log-rows."
        )
