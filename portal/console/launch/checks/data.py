"""The database, backups, Redis and the limit."""

from uuid import uuid4

from sqlalchemy import func, select, text

from api.limits.window import DEFAULT_LIMIT, Ask
from api.policies.models import PolicyVersion
from api.runtime import runtime
from api.v1.health import components
from backups import services as backups
from core.accounts import Organization, OrganizationStatus
from core.db import db
from core.formats import utc
from portal.console.launch.verdicts import CheckContext, CheckFunction, Verdict, either, green, red

OLDEST_SERVER = 150_000


def database_answers(_around: CheckContext) -> Verdict:
    number = int(db.session.scalar(text("SHOW server_version_num")) or 0)
    name = db.session.scalar(text("SHOW server_version"))
    return either(
        number >= OLDEST_SERVER,
        f"PostgreSQL {name} responds.",
        otherwise=f"PostgreSQL {name} is too old.",
        to_do="Use PostgreSQL 15 or newer.",
    )


def migrations_applied(_around: CheckContext) -> Verdict:
    applied = db.session.scalar(text("SELECT version_num FROM alembic_version"))
    return either(
        components(runtime())["migrations"],
        f"Migration {applied} is the latest.",
        otherwise=f"Migration {applied} is applied, and there are newer ones.",
        to_do="Run flask db upgrade.",
    )


def policies_seeded(_around: CheckContext) -> Verdict:
    without = db.session.scalar(
        select(func.count())
        .select_from(Organization)
        .where(
            Organization.status != OrganizationStatus.CLOSED.value,
            Organization.id.not_in(select(PolicyVersion.organization_id)),
        )
    )
    return either(
        not without,
        "Every organization has policies.",
        otherwise=f"{without} organizations have no policies.",
        to_do="Run flask policies seed.",
    )


def backups_made(around: CheckContext) -> Verdict:
    status = backups.status(around.now)
    if status.last_backup_at is None:
        return red("There is no backup yet.", to_do="Run flask backup create, and keep the worker running.")
    if status.failure or status.is_overdue:
        return red(
            status.failure or f"The last verified backup is from {utc(status.last_backup_at)}.",
            to_do="Follow docs/operators/backup-and-restore.md.",
        )
    return green(
        f"The last backup is from {utc(status.last_backup_at)}; the next one starts at {status.next_at:%H:%M} UTC."
    )


def restore_verified(around: CheckContext) -> Verdict:
    status = backups.status(around.now)
    if status.last_verified_at is None or status.is_overdue:
        return red("No restore has succeeded in the last day.", to_do="Run flask backup verify.")
    took = f" in {status.restore_s:.0f} s" if status.restore_s is not None else ""
    return green(f"Restored and compared{took} on {utc(status.last_verified_at)}.")


def redis_answers(_around: CheckContext) -> Verdict:
    room = runtime()
    if room.shared_limiter is None:
        return red("Redis is not configured: limits are only exact within one process.", to_do="Set REDIS_URL.")
    return either(
        room.shared_limiter.answers(), "Redis responds.", otherwise="Redis does not respond.", to_do="Check Redis."
    )


def limit_exact(_around: CheckContext) -> Verdict:
    """Tried on a bucket of its own: the limit's number pass at once, and the next does not."""
    limiter, bucket = runtime().limiter, f"launch:{uuid4()}"
    granted = sum(limiter.hit([Ask(bucket=bucket, limit=DEFAULT_LIMIT)])[0].granted for _ in range(DEFAULT_LIMIT + 1))
    return either(
        granted == DEFAULT_LIMIT,
        f"{DEFAULT_LIMIT} of {DEFAULT_LIMIT + 1} test requests passed, and the last one was refused.",
        otherwise=f"{granted} of {DEFAULT_LIMIT + 1} test requests passed.",
        to_do="Check Redis and the limits.",
    )


def database_size(_around: CheckContext) -> Verdict:
    size = db.session.scalar(text("SELECT pg_size_pretty(pg_database_size(current_database()))"))
    return green(f"The database size is {size}.")


CHECKS: dict[str, CheckFunction] = {
    "database_answers": database_answers,
    "migrations_applied": migrations_applied,
    "policies_seeded": policies_seeded,
    "backups_made": backups_made,
    "restore_verified": restore_verified,
    "redis_answers": redis_answers,
    "limit_exact": limit_exact,
    "database_size": database_size,
}
